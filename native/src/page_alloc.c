// SPDX-License-Identifier: MIT
#include "page_alloc_internal.h"

#include <assert.h>
#include <errno.h>

// The mark of __zone_watermark_ok(): an order above 0 comes without reclaim
// here and must leave more. CMA pages are of use to movable requests only.
static bool leaves_the_mark(const struct page_alloc *alloc, uint32_t order,
			    enum hk_migratetype type)
{
	uint64_t unusable = (UINT64_C(1) << order) - 1;

	if (order == 0)
		return true;
	if (type != HK_MIGRATE_MOVABLE)
		unusable += alloc->free_cma;
	return alloc->free > unusable &&
	       alloc->free - unusable > alloc->min_free;
}

bool page_alloc_can_take(const struct page_alloc *alloc, uint32_t order,
			 enum hk_migratetype type)
{
	uint32_t nonempty = alloc->nonempty[HK_MIGRATE_UNMOVABLE] |
			    alloc->nonempty[HK_MIGRATE_MOVABLE] |
			    alloc->nonempty[HK_MIGRATE_RECLAIMABLE];

	if (type == HK_MIGRATE_MOVABLE)
		nonempty |= alloc->nonempty[HK_MIGRATE_CMA];
	return leaves_the_mark(alloc, order, type) && nonempty >> order != 0;
}

// The smallest sufficient block of a list: __rmqueue_smallest().
static bool find_smallest(const struct page_alloc *alloc, uint32_t order,
			  enum hk_migratetype type, struct source *source)
{
	uint32_t nonempty = alloc->nonempty[type] >> order;

	if (!nonempty)
		return false;
	source->from = source->to = type;
	source->order = order + (uint32_t)__builtin_ctz(nonempty);
	return true;
}

static bool wants_cma_first(const struct page_alloc *alloc,
			    enum hk_migratetype type)
{
	return type == HK_MIGRATE_MOVABLE && alloc->free_cma > alloc->free / 2;
}

// __rmqueue(): movable requests go to CMA first when over half of what is free
// lies there, else before they fall back.
static bool find_source(struct page_alloc *alloc, uint32_t order,
			enum hk_migratetype type, struct source *source)
{
	if (wants_cma_first(alloc, type) &&
	    find_smallest(alloc, order, HK_MIGRATE_CMA, source))
		return true;
	if (find_smallest(alloc, order, type, source))
		return true;
	if (type == HK_MIGRATE_MOVABLE &&
	    find_smallest(alloc, order, HK_MIGRATE_CMA, source))
		return true;
	return page_alloc_fall_back(alloc, order, type, source);
}

static inline uint64_t take_head(struct page_alloc *alloc, struct source source)
{
	struct free_list *list = &alloc->list[source.from][source.order];
	struct free_area *area = &alloc->area[source.order];
	uint64_t number = (uint64_t)list->head - FIRST_LINK;
	uint64_t slot = slot_of(source.order, number);

	clear_bit(area->is_free, slot);
	list->head = area->link[slot].next;
	if (list->head != END_OF_LIST) {
		link_of(alloc, source.order, list->head)->prev = END_OF_LIST;
	} else {
		list->tail = END_OF_LIST;
		alloc->nonempty[source.from] &= ~(UINT32_C(1) << source.order);
	}
	return number;
}

// expand() of mm/page_alloc.c: upper halves go to the next lower lists, the
// lowest piece is what is left. These lists are all empty, or the block would
// have come from one of them.
static inline uint64_t split(struct page_alloc *alloc, struct source source,
			     uint64_t number, uint32_t to)
{
	alloc->splits += source.order - to;
	alloc->nonempty[source.to] |=
		(UINT32_C(1) << source.order) - (UINT32_C(1) << to);
	for (uint32_t order = source.order; order > to;) {
		struct free_list *list = &alloc->list[source.to][--order];
		uint64_t slot;

		assert(list->head == END_OF_LIST);
		number *= 2;
		slot = slot_of(order, number + 1);
		alloc->area[order].link[slot] = (struct block_link){0};
		set_bit(alloc->area[order].is_free, slot);
		list->head = list->tail = (uint32_t)number + 1 + FIRST_LINK;
	}
	return number;
}

// The pages of a block taken as movable, a pageblock at a time.
static void count_movable(struct page_alloc *alloc, uint64_t page,
			  uint32_t order, int32_t sign)
{
	struct pageblock *first = pageblock_of(alloc, page);

	if (order > HK_PAGEBLOCK_ORDER) {
		first[1].movable =
			(uint16_t)(first[1].movable + sign * PAGEBLOCK_PAGES);
		order = HK_PAGEBLOCK_ORDER;
	}
	first->movable = (uint16_t)(first->movable + sign * (1 << order));
}

static inline void take_block(struct page_alloc *alloc, uint32_t order,
			      enum hk_migratetype type, struct source source,
			      uint64_t *pfn)
{
	uint64_t number = take_head(alloc, source);

	if (source.order > order)
		number = split(alloc, source, number, order);
	alloc->free -= UINT64_C(1) << order;
	if (source.from == HK_MIGRATE_CMA)
		alloc->free_cma -= UINT64_C(1) << order;
	*pfn = alloc->base + (number << order);
	if (type == HK_MIGRATE_MOVABLE)
		page_alloc_hold(alloc, *pfn, order);
}

// Apart, so that a request served from its own lists needs not save a register.
__attribute__((noinline)) static int take_elsewhere(struct page_alloc *alloc,
						    uint32_t order,
						    enum hk_migratetype type,
						    uint64_t *pfn)
{
	struct source source;

	if (!find_source(alloc, order, type, &source))
		return -ENOMEM;
	take_block(alloc, order, type, source, pfn);
	return 0;
}

int page_alloc_take(struct page_alloc *alloc, uint32_t order,
		    enum hk_migratetype type, uint64_t *pfn)
{
	struct source source;

	assert(type <= HK_MIGRATE_RECLAIMABLE);
	if (!leaves_the_mark(alloc, order, type))
		return -ENOMEM;
	if (wants_cma_first(alloc, type) ||
	    !find_smallest(alloc, order, type, &source))
		return take_elsewhere(alloc, order, type, pfn);
	take_block(alloc, order, type, source, pfn);
	return 0;
}

int page_alloc_take_without_cma(struct page_alloc *alloc, uint32_t order,
				enum hk_migratetype type, uint64_t *pfn)
{
	const uint32_t nonempty = alloc->nonempty[HK_MIGRATE_CMA];
	const uint64_t free_cma = alloc->free_cma;
	int ret;

	// Nothing else of a request looks at the area or changes it.
	alloc->nonempty[HK_MIGRATE_CMA] = 0;
	alloc->free_cma = 0;
	ret = page_alloc_take(alloc, order, type, pfn);
	alloc->nonempty[HK_MIGRATE_CMA] = nonempty;
	alloc->free_cma = free_cma;
	return ret;
}

void page_alloc_hold(struct page_alloc *alloc, uint64_t pfn, uint32_t order)
{
	set_bit(alloc->is_movable, pfn - alloc->base);
	count_movable(alloc, pfn - alloc->base, order, 1);
}

// Take a free pageblock's buddy off its list, if the two may become one block.
// "Match buddy type": it takes the type of what is freed.
static bool join_pageblocks(struct page_alloc *alloc, uint64_t number,
			    enum hk_migratetype type)
{
	struct pageblock *buddy = &alloc->pageblock[number ^ 1];

	if (!may_join((enum hk_migratetype)buddy->type, type))
		return false;
	unlink_block(alloc, (enum hk_migratetype)buddy->type,
		     HK_PAGEBLOCK_ORDER, number ^ 1);
	buddy->type = (uint8_t)type;
	return true;
}

// buddy_merge_likely(): the block would merge upwards if its buddy came back,
// so it goes where it is taken last.
static bool merge_likely(const struct page_alloc *alloc, uint32_t order,
			 uint64_t number)
{
	return order < HK_MAX_PAGE_ORDER - 1 &&
	       is_free_unless_buddy(alloc, order + 1, (number >> 1) ^ 1);
}

void page_alloc_insert(struct page_alloc *alloc, uint64_t page, uint32_t order,
		       bool to_tail)
{
	uint64_t number = page >> order;
	enum hk_migratetype type = type_of(alloc, page);

	while (order < HK_PAGEBLOCK_ORDER &&
	       is_free_unless_buddy(alloc, order, number ^ 1)) {
		unlink_block(alloc, type, order, number ^ 1);
		number >>= 1;
		order++;
	}
	if (order == HK_PAGEBLOCK_ORDER &&
	    is_free_unless_buddy(alloc, order, number ^ 1) &&
	    join_pageblocks(alloc, number, type)) {
		number >>= 1;
		order++;
	}
	if (to_tail || merge_likely(alloc, order, number))
		link_tail(alloc, type, order, number);
	else
		link_head(alloc, type, order, number);
}

static void forget_movable(struct page_alloc *alloc, uint64_t page,
			   uint32_t order)
{
	if (!test_bit(alloc->is_movable, page))
		return;
	clear_bit(alloc->is_movable, page);
	count_movable(alloc, page, order, -1);
}

// free_one_page(): a block of two pageblocks is freed as two, because their
// types may differ. If they do not, the two are one again at once.
static void free_block(struct page_alloc *alloc, uint64_t page, uint32_t order)
{
	const struct pageblock *pageblock = pageblock_of(alloc, page);

	assert(page >= alloc->start &&
	       page + (UINT64_C(1) << order) <= alloc->end);
	if (order > HK_PAGEBLOCK_ORDER &&
	    pageblock[0].type != pageblock[1].type) {
		free_block(alloc, page, HK_PAGEBLOCK_ORDER);
		free_block(alloc, page + PAGEBLOCK_PAGES, HK_PAGEBLOCK_ORDER);
		return;
	}
	account(alloc, (enum hk_migratetype)pageblock->type,
		INT64_C(1) << order);
	page_alloc_insert(alloc, page, order, false);
}

void page_alloc_give(struct page_alloc *alloc, uint64_t pfn, uint32_t order)
{
	uint64_t page = pfn - alloc->base;

	if (pageblock_of(alloc, page)->movable)
		forget_movable(alloc, page, order);
	free_block(alloc, page, order);
}

// The kernel frees page by page, ascending. Inside an aligned block the pages
// merge only with each other until the last one, which then merges on as the
// whole block does; what was inserted meanwhile is gone without a trace. So
// whole blocks, ascending, leave the same lists.
void page_alloc_give_range(struct page_alloc *alloc, uint64_t pfn,
			   uint64_t pages)
{
	uint64_t page = pfn - alloc->base;
	uint64_t end = page + pages;

	while (page < end) {
		uint32_t order = HK_MAX_PAGE_ORDER;

		while (page & ((UINT64_C(1) << order) - 1) ||
		       end - page < UINT64_C(1) << order)
			order--;
		free_block(alloc, page, order);
		page += UINT64_C(1) << order;
	}
}

uint64_t page_alloc_free(const struct page_alloc *alloc)
{
	return alloc->free;
}

uint64_t page_alloc_free_cma(const struct page_alloc *alloc)
{
	return alloc->free_cma;
}

uint64_t page_alloc_splits(const struct page_alloc *alloc)
{
	return alloc->splits;
}

uint64_t page_alloc_largest(const struct page_alloc *alloc)
{
	const uint32_t *of_type = alloc->nonempty;
	uint32_t nonempty =
		of_type[HK_MIGRATE_UNMOVABLE] | of_type[HK_MIGRATE_MOVABLE] |
		of_type[HK_MIGRATE_RECLAIMABLE] | of_type[HK_MIGRATE_CMA] |
		of_type[HK_MIGRATE_ISOLATE];

	return nonempty ? UINT64_C(1) << (31 - __builtin_clz(nonempty)) : 0;
}
