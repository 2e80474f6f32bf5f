// SPDX-License-Identifier: MIT
//
// Free runs seen from their first aligned bit. A run that holds a multiple of
// 2^order has one first such point, no other run has the same one, and what
// lies between it and the run's end is what an aligned request can use. A tree
// of maxima over these points turns an aligned first fit into a plain one;
// trying every run that is long enough would take a step for each that is
// misaligned.
#ifndef HK_ALIGNED_RUNS_H
#define HK_ALIGNED_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "max_tree.h"

struct aligned_runs {
	uint32_t order;
	uint32_t phase; // bit 0 is @phase behind a multiple of 2^order
	struct max_tree usable; // by point: bits up to the end of its run
};

// No runs yet in a map of @bits. @order is at most 31. -ENOMEM.
int aligned_runs_create(struct aligned_runs *runs, uint32_t bits,
			uint32_t order, uint64_t phase);
void aligned_runs_destroy(struct aligned_runs *runs);

// The first point at or after @bit.
static inline uint32_t aligned_runs_point(const struct aligned_runs *runs,
					  uint32_t bit)
{
	uint64_t low = (UINT64_C(1) << runs->order) - 1;

	return (uint32_t)((bit + runs->phase + low) >> runs->order);
}

// The bit that @point stands for.
static inline uint64_t aligned_runs_bit(const struct aligned_runs *runs,
					uint32_t point)
{
	return ((uint64_t)point << runs->order) - runs->phase;
}

// The run that starts at @run was @old bits long and is @length now; 0: none.
static inline void aligned_runs_set(struct aligned_runs *runs, uint32_t run,
				    uint32_t old, uint32_t length)
{
	uint32_t point = aligned_runs_point(runs, run);
	uint64_t skipped = aligned_runs_bit(runs, point) - run;

	// A run that ends before its point leaves it to a run that holds it.
	if (old > skipped || length > skipped)
		max_tree_set(&runs->usable, point,
			     length > skipped ? length - (uint32_t)skipped : 0);
}

#endif
