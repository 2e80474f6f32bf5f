// SPDX-License-Identifier: MIT
//
// heapkit's CMA area, aligned as cma_heap.c asks: to the order of the size, at
// most CONFIG_CMA_ALIGNMENT. The area is idle.
#include "contender.h"

#include <stddef.h>

#include "cma_area.h"
#include "order.h"

enum { CMA_ALIGNMENT = 8 };

static int area_create(uint64_t pages, void **ret)
{
	struct cma_range range = {.base_pfn = HEAP_PFN, .count = pages};

	return cma_area_create(&range, 1, 0, (struct cma_area **)ret);
}

static void area_destroy(void *heap)
{
	cma_area_destroy(heap);
}

static bool area_take(void *heap, uint32_t pages, uint64_t *pfn)
{
	uint32_t order = order_of(pages);

	if (order > CMA_ALIGNMENT)
		order = CMA_ALIGNMENT;
	return !cma_area_alloc(heap, pages, order, NULL, NULL, pfn);
}

static void area_give(void *heap, uint64_t pfn, uint32_t pages)
{
	cma_area_free(heap, pfn, pages);
}

static void area_gauges(const void *heap, uint64_t *pages, uint64_t *largest)
{
	*pages = cma_area_available(heap);
	*largest = cma_area_maxchunk(heap);
}

static bool area_check(const void *heap)
{
	const char *rule;

	return !cma_area_check(heap, &rule);
}

static const struct verbs verbs = {area_take, area_give, area_gauges};
REPLAY(area_replay, verbs)

const struct contender cma = {
	.name = "cma",
	.rule = "cma",
	.create = area_create,
	.destroy = area_destroy,
	.replay = area_replay,
	.check = area_check,
};
