// SPDX-License-Identifier: MIT
//
// What page_alloc*.c share: how free blocks are kept, and the lists' own verbs.
#ifndef HK_PAGE_ALLOC_INTERNAL_H
#define HK_PAGE_ALLOC_INTERNAL_H

#include "page_alloc.h"

// Pages are numbered from the one that starts the zone's first pair of the
// largest blocks, blocks of an order likewise: buddies differ in bit 0 as their
// pfn do, and a parent's number is half its child's. A *link* is a block's
// number + 1, so that zeroed memory is an empty list.
enum { END_OF_LIST = 0, FIRST_LINK = 1 };

enum { PAGEBLOCK_PAGES = 1 << HK_PAGEBLOCK_ORDER };

// A free block's place in its list.
struct block_link {
	uint32_t next;
	uint32_t prev;
};

// Of two buddies inside a pageblock at most one is free at their order, or they
// would be one block: the pair shares a *slot*. Larger blocks have one each,
// because two of different types stay apart.
struct free_area {
	struct block_link *link; // by slot; means nothing unless:
	uint64_t *is_free; // a bit a slot
};

struct free_list {
	uint32_t head;
	uint32_t tail;
};

struct pageblock {
	uint16_t movable; // pages taken as movable
	uint8_t type; // enum hk_migratetype
	uint8_t isolated_from; // the type it had; only while isolated
};

struct page_alloc {
	uint64_t base; // first page of block 0
	uint64_t free; // without isolated ones, as NR_FREE_PAGES
	uint64_t free_cma; // of them
	uint64_t min_free;
	uint64_t splits; // steps of split() since it was made
	uint32_t nonempty[HK_NR_MIGRATETYPES]; // bit o: list[type][o] has any
	struct free_list list[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS];
	struct free_area area[HK_NR_PAGE_ORDERS];
	struct pageblock *pageblock;
	// A bit a page: it starts a block that was taken as movable.
	uint64_t *is_movable;
	uint64_t span; // pages that are numbered
	uint64_t start; // the numbers of those that exist: [start, end)
	uint64_t end;
	void *memory;
};

static inline uint64_t slot_of(uint32_t order, uint64_t number)
{
	return number >> (order < HK_PAGEBLOCK_ORDER);
}

static inline bool test_bit(const uint64_t *bits, uint64_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

static inline void set_bit(uint64_t *bits, uint64_t at)
{
	bits[at / 64] |= UINT64_C(1) << at % 64;
}

static inline void clear_bit(uint64_t *bits, uint64_t at)
{
	bits[at / 64] &= ~(UINT64_C(1) << at % 64);
}

// Whether block @number is free, its buddy being known not to be.
static inline bool is_free_unless_buddy(const struct page_alloc *alloc,
					uint32_t order, uint64_t number)
{
	return test_bit(alloc->area[order].is_free, slot_of(order, number));
}

static inline struct block_link *link_of(const struct page_alloc *alloc,
					 uint32_t order, uint32_t link)
{
	return &alloc->area[order]
			.link[slot_of(order, (uint64_t)link - FIRST_LINK)];
}

static inline void link_head(struct page_alloc *alloc, enum hk_migratetype type,
			     uint32_t order, uint64_t number)
{
	struct free_list *list = &alloc->list[type][order];
	struct free_area *area = &alloc->area[order];
	uint64_t slot = slot_of(order, number);
	uint32_t link = (uint32_t)number + FIRST_LINK;
	uint32_t next = list->head;

	area->link[slot] = (struct block_link){.next = next};
	set_bit(area->is_free, slot);
	list->head = link;
	if (next != END_OF_LIST) {
		link_of(alloc, order, next)->prev = link;
		return;
	}
	list->tail = link;
	alloc->nonempty[type] |= UINT32_C(1) << order;
}

static inline void link_tail(struct page_alloc *alloc, enum hk_migratetype type,
			     uint32_t order, uint64_t number)
{
	struct free_list *list = &alloc->list[type][order];
	struct free_area *area = &alloc->area[order];
	uint64_t slot = slot_of(order, number);
	uint32_t link = (uint32_t)number + FIRST_LINK;
	uint32_t prev = list->tail;

	area->link[slot] = (struct block_link){.prev = prev};
	set_bit(area->is_free, slot);
	list->tail = link;
	if (prev != END_OF_LIST) {
		link_of(alloc, order, prev)->next = link;
		return;
	}
	list->head = link;
	alloc->nonempty[type] |= UINT32_C(1) << order;
}

static inline void unlink_block(struct page_alloc *alloc,
				enum hk_migratetype type, uint32_t order,
				uint64_t number)
{
	struct free_list *list = &alloc->list[type][order];
	struct free_area *area = &alloc->area[order];
	uint64_t slot = slot_of(order, number);
	struct block_link own = area->link[slot];

	clear_bit(area->is_free, slot);
	if (own.next != END_OF_LIST)
		link_of(alloc, order, own.next)->prev = own.prev;
	else
		list->tail = own.prev;
	if (own.prev != END_OF_LIST) {
		link_of(alloc, order, own.prev)->next = own.next;
		return;
	}
	list->head = own.next;
	if (own.next == END_OF_LIST)
		alloc->nonempty[type] &= ~(UINT32_C(1) << order);
}

static inline uint64_t pageblocks_of(const struct page_alloc *alloc)
{
	return alloc->span >> HK_PAGEBLOCK_ORDER;
}

static inline struct pageblock *pageblock_of(const struct page_alloc *alloc,
					     uint64_t page)
{
	return &alloc->pageblock[page >> HK_PAGEBLOCK_ORDER];
}

static inline enum hk_migratetype type_of(const struct page_alloc *alloc,
					  uint64_t page)
{
	return (enum hk_migratetype)pageblock_of(alloc, page)->type;
}

// Whether free pageblocks of these types may be one block: CMA and isolated
// ones keep to themselves. migratetype_is_mergeable().
static inline bool may_join(enum hk_migratetype a, enum hk_migratetype b)
{
	return a == b ||
	       (a <= HK_MIGRATE_RECLAIMABLE && b <= HK_MIGRATE_RECLAIMABLE);
}

// Pages of a @type's lists come (or go, @pages negative): account_freepages().
static inline void account(struct page_alloc *alloc, enum hk_migratetype type,
			   int64_t pages)
{
	if (type == HK_MIGRATE_ISOLATE)
		return;
	alloc->free += (uint64_t)pages;
	if (type == HK_MIGRATE_CMA)
		alloc->free_cma += (uint64_t)pages;
}

// --- page_alloc.c ---

// __free_one_page(): merge the block and insert it, at the tail if so wanted.
void page_alloc_insert(struct page_alloc *alloc, uint64_t page, uint32_t order,
		       bool to_tail);

// --- page_alloc_claim.c ---

// Where a block comes from and on whose lists what is split off goes.
struct source {
	enum hk_migratetype from;
	uint32_t order;
	enum hk_migratetype to;
};

// __rmqueue_claim() and __rmqueue_steal(). False: nothing to take.
bool page_alloc_fall_back(struct page_alloc *alloc, uint32_t order,
			  enum hk_migratetype type, struct source *source);
// __move_freepages_block(): the free blocks of a pageblock to the tail of the
// lists of @type, ascending. None of them is larger than a pageblock.
void page_alloc_move_pageblock(struct page_alloc *alloc, uint64_t pageblock,
			       enum hk_migratetype type);

// --- page_alloc_walk.c ---

// For each page of a pageblock 1 + the order of the free block that starts
// there, else 0. Blocks larger than the pageblock are not seen.
void page_alloc_orders_in(const struct page_alloc *alloc, uint64_t pageblock,
			  uint8_t orders[PAGEBLOCK_PAGES]);
// Free pages of a pageblock.
uint32_t page_alloc_free_in(const struct page_alloc *alloc, uint64_t pageblock);
// Whether exactly this block is free.
bool page_alloc_is_free(const struct page_alloc *alloc, uint32_t order,
			uint64_t number);

#endif
