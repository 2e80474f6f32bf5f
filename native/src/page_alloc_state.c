// SPDX-License-Identifier: MIT
//
// A page allocator as bytes: its free blocks, each list in its order, for a
// block's place on it decides when it is taken.
#include "page_alloc_internal.h"

#include <errno.h>

static uint64_t address_of(const struct page_alloc *alloc, uint32_t order,
			   uint64_t number)
{
	return (alloc->base + (number << order)) << HK_PAGE_SHIFT;
}

static void save_list(const struct page_alloc *alloc, uint32_t order,
		      struct state_writer *out)
{
	const struct free_area *area = &alloc->area[order];
	uint32_t link = area->head;

	state_put(out, area->count);
	while (link != END_OF_LIST) {
		const uint32_t number = link - FIRST_LINK;

		state_put_block(out, address_of(alloc, order, number), order);
		link = area->blocks[number].next;
	}
}

void page_alloc_save(const struct page_alloc *alloc, struct state_writer *out)
{
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
		save_list(alloc, order, out);
}

static void drop_list(struct page_alloc *alloc, uint32_t order)
{
	struct free_area *area = &alloc->area[order];

	while (area->head != END_OF_LIST) {
		struct block *block = &area->blocks[area->head - FIRST_LINK];

		area->head = block->next;
		block->prev = UNLINKED;
	}
	area->tail = END_OF_LIST;
	area->count = 0;
}

static void append(struct free_area *area, uint32_t number)
{
	const uint32_t link = number + FIRST_LINK;

	area->blocks[number].next = END_OF_LIST;
	area->blocks[number].prev = area->tail;
	if (area->tail == END_OF_LIST)
		area->head = link;
	else
		area->blocks[area->tail - FIRST_LINK].next = link;
	area->tail = link;
	area->count++;
}

static int load_list(struct page_alloc *alloc, uint32_t order,
		     struct state_reader *in)
{
	const uint64_t pages = UINT64_C(1) << order;
	struct free_area *area = &alloc->area[order];

	for (uint32_t count = state_get_count(in); count; count--) {
		const uint64_t pfn =
			state_get_block(in, order) >> HK_PAGE_SHIFT;

		if (!claim_pages(&in->memory, pfn, pages))
			return -EINVAL;
		append(area, (uint32_t)((pfn - alloc->base) >> order));
	}
	alloc->free += area->count << order;
	if (area->count)
		alloc->nonempty |= UINT32_C(1) << order;
	return 0;
}

// Buddies that are both free would have been merged.
static bool all_merged(const struct page_alloc *alloc, uint32_t order)
{
	const struct free_area *area = &alloc->area[order];
	uint32_t link = area->head;

	while (link != END_OF_LIST) {
		const uint32_t number = link - FIRST_LINK;

		if (page_alloc_is_free(alloc, order, number ^ 1))
			return false;
		link = area->blocks[number].next;
	}
	return true;
}

int page_alloc_load(struct page_alloc *alloc, struct state_reader *in)
{
	alloc->free = 0;
	alloc->nonempty = 0;
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		drop_list(alloc, order);
		if (load_list(alloc, order, in))
			return -EINVAL;
		if (order < HK_MAX_PAGE_ORDER && !all_merged(alloc, order))
			return -EINVAL;
	}
	return 0;
}
