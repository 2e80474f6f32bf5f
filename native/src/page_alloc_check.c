// SPDX-License-Identifier: MIT
//
// All invariants of a page allocator.
#include "broken.h"
#include "page_alloc_internal.h"

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

// The buddy of a free pageblock may be free if it may not merge, or if both
// were isolated as they were: __move_freepages_block() does not merge.
static bool should_be_merged(const struct page_alloc *alloc, uint32_t order,
			     uint64_t number)
{
	if (order == HK_MAX_PAGE_ORDER ||
	    !page_alloc_is_free(alloc, order, number ^ 1))
		return false;
	return type_of(alloc, number << order) != HK_MIGRATE_ISOLATE &&
	       may_join(type_of(alloc, number << order),
			type_of(alloc, (number ^ 1) << order));
}

static int check_block(const struct page_alloc *alloc, uint32_t type,
		       uint32_t order, uint64_t number, const char **rule)
{
	uint64_t start = number << order;
	uint64_t end = start + (UINT64_C(1) << order);

	if (start < alloc->start || end > alloc->end)
		return broken(rule, "page_alloc: a block outside the zone");
	if (inside_free_block(alloc, order, number))
		return broken(rule, "page_alloc: a block inside a block");
	if (should_be_merged(alloc, order, number))
		return broken(rule, "page_alloc: free buddies not merged");
	if (type_of(alloc, start) != type || type_of(alloc, end - 1) != type)
		return broken(rule, "page_alloc: a block on the list of "
				    "another type than its pageblock's");
	return 0;
}

// *@left blocks of this order are marked free and not listed yet.
static int check_list(const struct page_alloc *alloc, uint32_t type,
		      uint32_t order, uint64_t *left, const char **rule)
{
	const struct free_list *list = &alloc->list[type][order];
	uint64_t blocks = alloc->span >> order;
	uint32_t prev = END_OF_LIST;

	for (uint32_t link = list->head; link != END_OF_LIST;) {
		const struct block_link *block;
		int err;

		if (link - FIRST_LINK >= blocks)
			return broken(rule, "page_alloc: a link leads outside");
		block = link_of(alloc, order, link);
		if ((*left)-- == 0 || block->prev != prev)
			return broken(rule, "page_alloc: a list is torn");
		if (!is_free_unless_buddy(alloc, order, link - FIRST_LINK))
			return broken(rule, "page_alloc: a listed block is "
					    "not marked free");
		err = check_block(alloc, type, order, link - FIRST_LINK, rule);
		if (err)
			return err;
		prev = link;
		link = block->next;
	}
	if (list->tail != prev)
		return broken(rule, "page_alloc: a list's end");
	if (!(alloc->nonempty[type] >> order & 1) != !list->head)
		return broken(rule, "page_alloc: the bitmask of orders");
	return 0;
}

static int check_order(const struct page_alloc *alloc, uint32_t order,
		       const char **rule)
{
	uint64_t slots = slot_of(order, alloc->span >> order);
	uint64_t left = 0;
	int err = 0;

	for (uint64_t i = 0; i < (slots + 63) / 64; i++)
		left += (uint64_t)__builtin_popcountll(
			alloc->area[order].is_free[i]);
	for (uint32_t type = 0; !err && type < HK_NR_MIGRATETYPES; type++)
		err = check_list(alloc, type, order, &left, rule);
	if (!err && left)
		return broken(rule, "page_alloc: a block is marked free and "
				    "not listed");
	return err;
}

static bool has_movable_mark(const struct page_alloc *alloc, uint64_t pageblock)
{
	const uint64_t *marks =
		&alloc->is_movable[pageblock * PAGEBLOCK_PAGES / 64];

	for (uint32_t i = 0; i < PAGEBLOCK_PAGES / 64; i++)
		if (marks[i])
			return true;
	return false;
}

static int check_pageblock(const struct page_alloc *alloc, uint64_t i,
			   uint32_t free, const char **rule)
{
	const struct pageblock *pageblock = &alloc->pageblock[i];
	// The second half of a largest block has no mark of its own.
	bool may_lack = i % 2 && pageblock->movable == PAGEBLOCK_PAGES;

	if (pageblock->type >= HK_NR_MIGRATETYPES)
		return broken(rule, "page_alloc: a pageblock of no type");
	if (free + pageblock->movable > PAGEBLOCK_PAGES ||
	    (!may_lack && !pageblock->movable != !has_movable_mark(alloc, i)))
		return broken(rule, "page_alloc: a pageblock's movable pages");
	return 0;
}

static int check_pageblocks(const struct page_alloc *alloc, const char **rule)
{
	uint64_t pages[HK_NR_MIGRATETYPES] = {0}, all = 0;

	for (uint64_t i = 0; i < pageblocks_of(alloc); i++) {
		uint32_t free = page_alloc_free_in(alloc, i);
		int err = check_pageblock(alloc, i, free, rule);

		if (err)
			return err;
		pages[alloc->pageblock[i].type] += free;
		all += free;
	}
	if (all - pages[HK_MIGRATE_ISOLATE] != alloc->free)
		return broken(rule, "page_alloc: the free pages do not add up");
	if (pages[HK_MIGRATE_CMA] != alloc->free_cma)
		return broken(rule, "page_alloc: the free CMA pages do not "
				    "add up");
	return 0;
}

int page_alloc_check(const struct page_alloc *alloc, const char **rule)
{
	int err = 0;

	for (uint32_t order = 0; !err && order < HK_NR_PAGE_ORDERS; order++)
		err = check_order(alloc, order, rule);
	return err ? err : check_pageblocks(alloc, rule);
}
