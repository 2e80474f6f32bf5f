// SPDX-License-Identifier: MIT
//
// heapkit's page allocator, one block a buffer: sizes are rounded up to a power
// of two and cut at the largest block, 4 MiB.
#include "contender.h"

#include <stddef.h>

#include "order.h"
#include "page_alloc.h"

static int zone_create(uint64_t pages, void **ret)
{
	return page_alloc_create(HEAP_PFN, pages, NULL, 0, 0,
				 (struct page_alloc **)ret);
}

static void zone_destroy(void *heap)
{
	page_alloc_destroy(heap);
}

static uint32_t block_order(uint32_t pages)
{
	uint32_t order = order_of(pages);

	return order < HK_MAX_PAGE_ORDER ? order : (uint32_t)HK_MAX_PAGE_ORDER;
}

static bool zone_take(void *heap, uint32_t pages, uint64_t *pfn)
{
	return !page_alloc_take(heap, block_order(pages), HK_MIGRATE_UNMOVABLE,
				pfn);
}

static void zone_give(void *heap, uint64_t pfn, uint32_t pages)
{
	page_alloc_give(heap, pfn, block_order(pages));
}

static void zone_gauges(const void *heap, uint64_t *pages, uint64_t *largest)
{
	*pages = page_alloc_free(heap);
	*largest = page_alloc_largest(heap);
}

static bool zone_check(const void *heap)
{
	const char *rule;

	return !page_alloc_check(heap, &rule);
}

static const struct verbs verbs = {zone_take, zone_give, zone_gauges};
REPLAY(zone_replay, verbs)

const struct contender buddy = {
	.name = "buddy",
	.rule = "buddy",
	.create = zone_create,
	.destroy = zone_destroy,
	.replay = zone_replay,
	.check = zone_check,
};
