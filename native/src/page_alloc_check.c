// SPDX-License-Identifier: MIT
//
// Looking at a page allocator: a walk over its free blocks, and all invariants.
#include "broken.h"
#include "page_alloc_internal.h"

// The order of the free block that starts at page @number, or that of the
// smallest free block there is, less one step: how far to move on.
static bool block_at(const struct page_alloc *alloc, uint64_t number,
		     uint32_t lowest, uint32_t *order)
{
	uint32_t highest = HK_MAX_PAGE_ORDER;

	if (number && (uint32_t)__builtin_ctzll(number) < highest)
		highest = (uint32_t)__builtin_ctzll(number);
	for (*order = highest; *order > lowest; --*order)
		if (page_alloc_is_free(alloc, *order, number >> *order))
			return true;
	return page_alloc_is_free(alloc, lowest, number >> lowest);
}

void page_alloc_walk_free(const struct page_alloc *alloc,
			  void (*visit)(void *context, uint64_t pfn,
					uint64_t pages),
			  void *context)
{
	uint64_t pages = alloc->end - alloc->base;
	uint64_t number = 0;
	uint32_t lowest;

	if (!alloc->nonempty)
		return;
	lowest = (uint32_t)__builtin_ctz(alloc->nonempty);
	while (number < pages) {
		uint32_t order;

		if (block_at(alloc, number, lowest, &order))
			visit(context, alloc->base + number,
			      UINT64_C(1) << order);
		number += UINT64_C(1) << order;
	}
}

static bool inside_free_block(const struct page_alloc *alloc, uint32_t order,
			      uint64_t number)
{
	while (order < HK_MAX_PAGE_ORDER) {
		order++;
		number >>= 1;
		if (page_alloc_is_free(alloc, order, number))
			return true;
	}
	return false;
}

static int check_block(const struct page_alloc *alloc, uint32_t order,
		       uint64_t number, const char **rule)
{
	uint64_t start = alloc->base + (number << order);

	if (start < alloc->start || start + (UINT64_C(1) << order) > alloc->end)
		return broken(rule, "page_alloc: a block outside the zone");
	if (inside_free_block(alloc, order, number))
		return broken(rule, "page_alloc: a block inside a block");
	if (order < HK_MAX_PAGE_ORDER &&
	    page_alloc_is_free(alloc, order, number ^ 1))
		return broken(rule, "page_alloc: free buddies not merged");
	return 0;
}

static int check_list(const struct page_alloc *alloc, uint32_t order,
		      const char **rule)
{
	const struct free_area *area = &alloc->area[order];
	uint64_t blocks = alloc->span >> order;
	uint32_t prev = END_OF_LIST;
	uint64_t count = 0;

	for (uint32_t link = area->head; link != END_OF_LIST;) {
		const struct block *block;
		int err;

		if (link < FIRST_LINK || link - FIRST_LINK >= blocks)
			return broken(rule, "page_alloc: a link leads outside");
		block = &area->blocks[link - FIRST_LINK];
		if (count++ == area->count || block->prev != prev)
			return broken(rule, "page_alloc: a list is torn");
		err = check_block(alloc, order, link - FIRST_LINK, rule);
		if (err)
			return err;
		prev = link;
		link = block->next;
	}
	if (area->tail != prev || count != area->count)
		return broken(rule, "page_alloc: a list's end or count");
	if (!(alloc->nonempty >> order & 1) != !count)
		return broken(rule, "page_alloc: the bitmask of orders");
	return 0;
}

int page_alloc_check(const struct page_alloc *alloc, const char **rule)
{
	uint64_t pages = 0;

	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		int err = check_list(alloc, order, rule);

		if (err)
			return err;
		pages += alloc->area[order].count << order;
	}
	if (pages != alloc->free)
		return broken(rule, "page_alloc: the free pages do not add up");
	return 0;
}
