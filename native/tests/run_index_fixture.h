// SPDX-License-Identifier: MIT
//
// A run index to test: made and checked in one call each.
#ifndef HK_RUN_INDEX_FIXTURE_H
#define HK_RUN_INDEX_FIXTURE_H

#include <stddef.h>

#include "harness.h"
#include "run_index.h"

static inline struct run_index *create(uint32_t bits)
{
	struct run_index *index = NULL;

	CHECK_EQ(run_index_create(bits, &index), 0);
	return index;
}

static inline void check(const struct run_index *index)
{
	const char *rule = "";
	int err = run_index_check(index, &rule);

	if (err)
		test_fail(__FILE__, __LINE__, rule);
}

#endif
