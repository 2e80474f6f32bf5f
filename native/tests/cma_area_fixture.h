// SPDX-License-Identifier: MIT
//
// A CMA area to test: made, checked and taken from, all in one call each.
#ifndef HK_CMA_AREA_FIXTURE_H
#define HK_CMA_AREA_FIXTURE_H

#include <stddef.h>

#include "cma_area.h"
#include "harness.h"

static const uint64_t nowhere = UINT64_MAX;

static inline struct cma_area *create(uint64_t base_pfn, uint64_t count,
				      uint32_t order_per_bit)
{
	const struct cma_range range = {.base_pfn = base_pfn, .count = count};
	struct cma_area *area = NULL;

	CHECK_EQ(cma_area_create(&range, 1, order_per_bit, &area), 0);
	return area;
}

static inline void check(const struct cma_area *area)
{
	const char *rule = "";

	if (cma_area_check(area, &rule))
		test_fail(__FILE__, __LINE__, rule);
}

static inline uint64_t alloc(struct cma_area *area, uint64_t count,
			     uint32_t align)
{
	uint64_t pfn;

	return cma_area_alloc(area, count, align, NULL, NULL, &pfn) ? nowhere
								    : pfn;
}

#endif
