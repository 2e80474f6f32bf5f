// SPDX-License-Identifier: MIT
//
// Ranges of pages: those a CMA area lends, and how it gets them back.
// mm/page_isolation.c and alloc_contig_range() of mm/page_alloc.c.
#include "page_alloc_internal.h"

#include <assert.h>
#include <errno.h>

// init_cma_reserved_pageblock(): each pageblock is freed for itself.
void page_alloc_add_cma(struct page_alloc *alloc, uint64_t pfn, uint64_t pages)
{
	uint64_t page = pfn - alloc->base;
	uint64_t end = page + pages;

	assert(page % PAGEBLOCK_PAGES == 0 && end % PAGEBLOCK_PAGES == 0);
	assert(page >= alloc->start && end <= alloc->end);
	for (; page < end; page += PAGEBLOCK_PAGES) {
		pageblock_of(alloc, page)->type = HK_MIGRATE_CMA;
		page_alloc_give_range(alloc, alloc->base + page,
				      PAGEBLOCK_PAGES);
	}
}

// move_freepages_block_isolate(): a pageblock and its free pages change to
// @type. A block of two pageblocks is broken up and inserted anew, so that its
// halves are on their own types' lists.
static void retype(struct page_alloc *alloc, uint64_t pageblock,
		   enum hk_migratetype type)
{
	uint64_t pair = pageblock & ~UINT64_C(1);
	uint64_t page = pair << HK_PAGEBLOCK_ORDER;
	enum hk_migratetype old = type_of(alloc, page);

	if (!page_alloc_is_free(alloc, HK_MAX_PAGE_ORDER, pair >> 1)) {
		page_alloc_move_pageblock(alloc, pageblock, type);
		return;
	}
	unlink_block(alloc, old, HK_MAX_PAGE_ORDER, pair >> 1);
	account(alloc, old, -PAGEBLOCK_PAGES);
	account(alloc, type, PAGEBLOCK_PAGES);
	alloc->pageblock[pageblock].type = (uint8_t)type;
	page_alloc_insert(alloc, page, HK_PAGEBLOCK_ORDER, false);
	page_alloc_insert(alloc, page + PAGEBLOCK_PAGES, HK_PAGEBLOCK_ORDER,
			  false);
}

static void isolate_pageblock(struct page_alloc *alloc, uint64_t pageblock)
{
	struct pageblock *isolated = &alloc->pageblock[pageblock];

	assert(isolated->type != HK_MIGRATE_ISOLATE);
	isolated->isolated_from = isolated->type;
	retype(alloc, pageblock, HK_MIGRATE_ISOLATE);
}

// unset_migratetype_isolate(): a free pageblock may join its buddy now, which
// it could not while isolated, at the tail.
static void undo_pageblock(struct page_alloc *alloc, uint64_t pageblock)
{
	struct pageblock *isolated = &alloc->pageblock[pageblock];
	enum hk_migratetype type = (enum hk_migratetype)isolated->isolated_from;

	if (!page_alloc_is_free(alloc, HK_PAGEBLOCK_ORDER, pageblock)) {
		retype(alloc, pageblock, type);
		return;
	}
	unlink_block(alloc, HK_MIGRATE_ISOLATE, HK_PAGEBLOCK_ORDER, pageblock);
	isolated->type = (uint8_t)type;
	account(alloc, type, PAGEBLOCK_PAGES);
	page_alloc_insert(alloc, pageblock << HK_PAGEBLOCK_ORDER,
			  HK_PAGEBLOCK_ORDER, true);
}

// start_isolate_page_range(): both ends, then what is between them.
void page_alloc_isolate(struct page_alloc *alloc, uint64_t pfn, uint64_t pages)
{
	uint64_t first = (pfn - alloc->base) >> HK_PAGEBLOCK_ORDER;
	uint64_t last = (pfn - alloc->base + pages - 1) >> HK_PAGEBLOCK_ORDER;

	assert(first << HK_PAGEBLOCK_ORDER >= alloc->start);
	assert((last + 1) << HK_PAGEBLOCK_ORDER <= alloc->end);
	isolate_pageblock(alloc, first);
	if (last != first)
		isolate_pageblock(alloc, last);
	for (uint64_t i = first + 1; i < last; i++)
		isolate_pageblock(alloc, i);
}

void page_alloc_undo_isolate(struct page_alloc *alloc, uint64_t pfn,
			     uint64_t pages)
{
	uint64_t first = (pfn - alloc->base) >> HK_PAGEBLOCK_ORDER;
	uint64_t last = (pfn - alloc->base + pages - 1) >> HK_PAGEBLOCK_ORDER;

	for (uint64_t i = first; i <= last; i++)
		if (alloc->pageblock[i].type == HK_MIGRATE_ISOLATE)
			undo_pageblock(alloc, i);
}

// The order of the free block that @page is in, HK_NR_PAGE_ORDERS if there is
// none.
static uint32_t order_around(const struct page_alloc *alloc, uint64_t page)
{
	uint32_t order = 0;

	while (order < HK_NR_PAGE_ORDERS &&
	       !page_alloc_is_free(alloc, order, page >> order))
		order++;
	return order;
}

// test_pages_isolated(). *@end becomes where the last block ends.
static bool all_free(const struct page_alloc *alloc, uint64_t page,
		     uint64_t *end)
{
	while (page < *end) {
		uint32_t order = order_around(alloc, page);

		if (order == HK_NR_PAGE_ORDERS)
			return false;
		page = ((page >> order) + 1) << order;
	}
	*end = page;
	return true;
}

// What the outermost blocks hold beyond the range is freed again.
int page_alloc_take_range(struct page_alloc *alloc, uint64_t pfn,
			  uint64_t pages)
{
	uint64_t start = pfn - alloc->base;
	uint64_t outer_start, outer_end = start + pages;

	assert(type_of(alloc, start) == HK_MIGRATE_ISOLATE);
	assert(type_of(alloc, outer_end - 1) == HK_MIGRATE_ISOLATE);
	if (!all_free(alloc, start, &outer_end))
		return -EBUSY;
	outer_start = start & ~UINT64_C(0) << order_around(alloc, start);
	for (uint64_t page = outer_start; page < outer_end;) {
		uint32_t order = order_around(alloc, page);

		unlink_block(alloc, HK_MIGRATE_ISOLATE, order, page >> order);
		page += UINT64_C(1) << order;
	}
	page_alloc_give_range(alloc, alloc->base + outer_start,
			      start - outer_start);
	page_alloc_give_range(alloc, pfn + pages, outer_end - start - pages);
	return 0;
}
