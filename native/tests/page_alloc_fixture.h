// SPDX-License-Identifier: MIT
//
// A page allocator to test: made, checked and taken from, all in one call each.
#ifndef HK_PAGE_ALLOC_FIXTURE_H
#define HK_PAGE_ALLOC_FIXTURE_H

#include <stddef.h>

#include "harness.h"
#include "page_alloc.h"

static const uint64_t nowhere = UINT64_MAX;

static inline struct page_alloc *create(uint64_t base, uint64_t pages,
					uint64_t min_free)
{
	struct page_alloc *alloc = NULL;

	CHECK_EQ(page_alloc_create(base, pages, NULL, 0, min_free, &alloc), 0);
	return alloc;
}

static inline void check(const struct page_alloc *alloc)
{
	const char *rule = "";

	if (page_alloc_check(alloc, &rule))
		test_fail(__FILE__, __LINE__, rule);
}

static inline uint64_t take_as(struct page_alloc *alloc,
			       enum hk_migratetype type, uint32_t order)
{
	bool can = page_alloc_can_take(alloc, order, type);
	uint64_t pfn;
	int err = page_alloc_take(alloc, order, type, &pfn);

	CHECK_EQ(can, err == 0);
	return err ? nowhere : pfn;
}

// Movable, as a zone is when it is new: no other type's lists take part.
static inline uint64_t take(struct page_alloc *alloc, uint32_t order)
{
	return take_as(alloc, HK_MIGRATE_MOVABLE, order);
}

static inline uint64_t count(const struct page_alloc *alloc, uint32_t order)
{
	uint64_t counts[HK_NR_PAGE_ORDERS];

	page_alloc_counts(alloc, counts);
	return counts[order];
}

#endif
