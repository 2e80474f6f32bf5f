// SPDX-License-Identifier: MIT
#include "page_alloc_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

// Where the link to a block's successor is kept, @link being the block's.
static uint32_t *next_of(struct free_area *area, uint32_t link)
{
	return link == END_OF_LIST ? &area->head
				   : &area->blocks[link - FIRST_LINK].next;
}

static uint32_t *prev_of(struct free_area *area, uint32_t link)
{
	return link == END_OF_LIST ? &area->tail
				   : &area->blocks[link - FIRST_LINK].prev;
}

static void link_between(struct page_alloc *alloc, uint32_t order,
			 uint64_t number, uint32_t prev, uint32_t next)
{
	struct free_area *area = &alloc->area[order];
	uint32_t link = (uint32_t)number + FIRST_LINK;

	area->blocks[number] = (struct block){.next = next, .prev = prev};
	*next_of(area, prev) = link;
	*prev_of(area, next) = link;
	area->count++;
	alloc->nonempty |= UINT32_C(1) << order;
}

static void link_head(struct page_alloc *alloc, uint32_t order, uint64_t number)
{
	link_between(alloc, order, number, END_OF_LIST,
		     alloc->area[order].head);
}

static void link_tail(struct page_alloc *alloc, uint32_t order, uint64_t number)
{
	link_between(alloc, order, number, alloc->area[order].tail,
		     END_OF_LIST);
}

static void unlink_block(struct page_alloc *alloc, uint32_t order,
			 uint64_t number)
{
	struct free_area *area = &alloc->area[order];
	struct block *block = &area->blocks[number];

	*next_of(area, block->prev) = block->next;
	*prev_of(area, block->next) = block->prev;
	block->prev = UNLINKED;
	if (--area->count == 0)
		alloc->nonempty &= ~(UINT32_C(1) << order);
}

// [start, end) in the largest naturally aligned blocks, ascending, at the tail:
// memblock_free_all() of mm/memblock.c.
static void add_range(struct page_alloc *alloc, uint64_t start, uint64_t end)
{
	alloc->free += end - start;
	while (start < end) {
		uint64_t number = start - alloc->base;
		uint32_t order = HK_MAX_PAGE_ORDER;

		while (start & ((UINT64_C(1) << order) - 1) ||
		       end - start < UINT64_C(1) << order)
			order--;
		link_tail(alloc, order, number >> order);
		start += UINT64_C(1) << order;
	}
}

static void add_all(struct page_alloc *alloc, const struct pfn_range *holes,
		    uint32_t n_holes)
{
	uint64_t start = alloc->start;

	for (uint32_t i = 0; i < n_holes; i++) {
		if (holes[i].start == holes[i].end)
			continue;
		add_range(alloc, start, holes[i].start);
		start = holes[i].end;
	}
	add_range(alloc, start, alloc->end);
}

// The arrays of all orders lie in one zeroed allocation that stays untouched
// but for blocks that are or were free: an idle zone of 64 GiB writes to the
// largest order's 128 KiB.
static int create_areas(struct page_alloc *alloc)
{
	struct block *blocks = calloc(2 * alloc->span, sizeof(*blocks));

	alloc->memory = blocks;
	if (!blocks)
		return -ENOMEM;
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		alloc->area[order].blocks = blocks;
		alloc->area[order].head = END_OF_LIST;
		alloc->area[order].tail = END_OF_LIST;
		blocks += alloc->span >> order;
	}
	return 0;
}

int page_alloc_create(uint64_t base_pfn, uint64_t pages,
		      const struct pfn_range *holes, uint32_t n_holes,
		      uint64_t min_free, struct page_alloc **ret)
{
	uint64_t pair = UINT64_C(2) << HK_MAX_PAGE_ORDER;
	uint64_t base = base_pfn & ~(pair - 1);
	uint64_t end = base_pfn + pages;
	uint64_t span = (end - base + pair - 1) & ~(pair - 1);
	struct page_alloc *alloc;
	int err;

	if (pages == 0 || end < base_pfn || pages > UINT32_MAX ||
	    span > UINT32_MAX)
		return -EINVAL;
	alloc = calloc(1, sizeof(*alloc));
	if (!alloc)
		return -ENOMEM;
	alloc->base = base;
	alloc->span = span;
	alloc->start = base_pfn;
	alloc->end = end;
	alloc->min_free = min_free;
	err = create_areas(alloc);
	if (err)
		goto free_alloc;
	add_all(alloc, holes, n_holes);
	*ret = alloc;
	return 0;

free_alloc:
	free(alloc);
	return err;
}

void page_alloc_destroy(struct page_alloc *alloc)
{
	if (!alloc)
		return;
	free(alloc->memory);
	free(alloc);
}

bool page_alloc_can_take(const struct page_alloc *alloc, uint32_t order)
{
	uint64_t unusable = (UINT64_C(1) << order) - 1;

	// __zone_watermark_ok(): an order above 0 comes without reclaim here
	// and must leave more than the mark.
	if (order > 0 && (alloc->free <= unusable ||
			  alloc->free - unusable <= alloc->min_free))
		return false;
	return alloc->nonempty >> order != 0;
}

// expand() of mm/page_alloc.c: upper halves go to the head of the next lower
// lists, the lowest piece is what is left.
static uint64_t split(struct page_alloc *alloc, uint64_t number, uint32_t from,
		      uint32_t to)
{
	while (from > to) {
		from--;
		number *= 2;
		link_head(alloc, from, number + 1);
	}
	return number;
}

int page_alloc_take(struct page_alloc *alloc, uint32_t order, uint64_t *pfn)
{
	uint32_t from;
	uint64_t number;

	if (!page_alloc_can_take(alloc, order))
		return -ENOMEM;
	from = order + (uint32_t)__builtin_ctz(alloc->nonempty >> order);
	number = alloc->area[from].head - FIRST_LINK;
	unlink_block(alloc, from, number);
	number = split(alloc, number, from, order);
	alloc->free -= UINT64_C(1) << order;
	*pfn = alloc->base + (number << order);
	return 0;
}

// buddy_merge_likely(): the block would merge upwards if its buddy came back,
// so it goes where it is taken last.
static bool merge_likely(const struct page_alloc *alloc, uint32_t order,
			 uint64_t number)
{
	return order < HK_MAX_PAGE_ORDER - 1 &&
	       page_alloc_is_free(alloc, order + 1, (number >> 1) ^ 1);
}

void page_alloc_give(struct page_alloc *alloc, uint64_t pfn, uint32_t order)
{
	uint64_t number = (pfn - alloc->base) >> order;

	assert(pfn >= alloc->start &&
	       pfn + (UINT64_C(1) << order) <= alloc->end);
	assert(!page_alloc_is_free(alloc, order, number));
	alloc->free += UINT64_C(1) << order;
	while (order < HK_MAX_PAGE_ORDER &&
	       page_alloc_is_free(alloc, order, number ^ 1)) {
		unlink_block(alloc, order, number ^ 1);
		number >>= 1;
		order++;
	}
	if (merge_likely(alloc, order, number))
		link_tail(alloc, order, number);
	else
		link_head(alloc, order, number);
}

uint64_t page_alloc_free(const struct page_alloc *alloc)
{
	return alloc->free;
}

uint64_t page_alloc_largest(const struct page_alloc *alloc)
{
	if (!alloc->nonempty)
		return 0;
	return UINT64_C(1) << (31 - __builtin_clz(alloc->nonempty));
}

void page_alloc_counts(const struct page_alloc *alloc,
		       uint64_t counts[HK_NR_PAGE_ORDERS])
{
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
		counts[order] = alloc->area[order].count;
}
