// SPDX-License-Identifier: MIT
//
// A zone as it is when a machine has booted.
#include "page_alloc_internal.h"

#include <errno.h>
#include <stdlib.h>

// [start, end) in the largest naturally aligned blocks, ascending, at the tail:
// memblock_free_all() of mm/memblock.c.
static void add_range(struct page_alloc *alloc, uint64_t start, uint64_t end)
{
	alloc->free += end - start;
	while (start < end) {
		uint32_t order = HK_MAX_PAGE_ORDER;

		while (start & ((UINT64_C(1) << order) - 1) ||
		       end - start < UINT64_C(1) << order)
			order--;
		link_tail(alloc, HK_MIGRATE_MOVABLE, order, start >> order);
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
		add_range(alloc, start, holes[i].start - alloc->base);
		start = holes[i].end - alloc->base;
	}
	add_range(alloc, start, alloc->end);
}

static uint64_t words_for(uint64_t bits)
{
	return (bits + 63) / 64;
}

// Everything lies in one zeroed allocation that stays untouched but for blocks
// that are or were free: an idle zone of 64 GiB writes to the largest order's
// 128 KiB and to the 128 KiB of pageblocks.
static int create_areas(struct page_alloc *alloc)
{
	uint64_t pageblocks = alloc->span >> HK_PAGEBLOCK_ORDER;
	uint64_t words = words_for(alloc->span), links = 0;
	uint64_t *bits;
	struct block_link *link;

	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		uint64_t slots = slot_of(order, alloc->span >> order);

		links += slots;
		words += words_for(slots);
	}
	alloc->memory =
		calloc(1, links * sizeof(*link) + words * sizeof(*bits) +
				  pageblocks * sizeof(*alloc->pageblock));
	if (!alloc->memory)
		return -ENOMEM;
	link = alloc->memory;
	bits = (uint64_t *)(link + links);
	alloc->is_movable = bits;
	bits += words_for(alloc->span);
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		uint64_t slots = slot_of(order, alloc->span >> order);

		alloc->area[order].link = link;
		alloc->area[order].is_free = bits;
		link += slots;
		bits += words_for(slots);
	}
	alloc->pageblock = (struct pageblock *)bits;
	for (uint64_t i = 0; i < pageblocks; i++)
		alloc->pageblock[i].type = HK_MIGRATE_MOVABLE;
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
	alloc->start = base_pfn - base;
	alloc->end = end - base;
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
