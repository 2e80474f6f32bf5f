// SPDX-License-Identifier: MIT
//
// A pool of page-sized granules to test: made and checked in one call each.
#ifndef HK_GEN_POOL_FIXTURE_H
#define HK_GEN_POOL_FIXTURE_H

#include "gen_pool.h"
#include "harness.h"

enum { SHIFT = 12, PAGE = 1 << SHIFT };

static inline struct gen_pool *create(enum hk_fit fit, uint64_t align)
{
	struct gen_pool *pool = NULL;

	CHECK_EQ(gen_pool_create(SHIFT, fit, align, &pool), 0);
	return pool;
}

static inline void check(const struct gen_pool *pool)
{
	const char *rule = "";

	if (gen_pool_check(pool, &rule))
		test_fail(__FILE__, __LINE__, rule);
}

#endif
