// SPDX-License-Identifier: MIT
//
// Free runs seen from their first multiple of 2^order, for an order of 8 or
// more: what lies between that point and the run's end is what an aligned
// request can use. No two runs have the same first point. A tree of maxima over
// these points turns an aligned first fit into a plain one; trying every run
// that is long enough would take a step for each that is misaligned.
#ifndef HK_ALIGNED_RUNS_H
#define HK_ALIGNED_RUNS_H

#include <stdbool.h>
#include <stddef.h>
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

// Whether the run [@run, @end) has a point.
static inline bool aligned_runs_have(const struct aligned_runs *runs,
				     uint32_t run, uint32_t end)
{
	return aligned_runs_bit(runs, aligned_runs_point(runs, run)) < end;
}

// [@from, @to) is taken out of the run [@run, @end), which has a point.
static inline void aligned_runs_take(struct aligned_runs *runs, uint32_t run,
				     uint32_t end, uint32_t from, uint32_t to)
{
	uint32_t point = aligned_runs_point(runs, run);
	uint64_t bit = aligned_runs_bit(runs, point);
	uint32_t next = aligned_runs_point(runs, to);
	uint64_t next_bit = aligned_runs_bit(runs, next);

	if (next != point && next_bit < end)
		max_tree_set(&runs->usable, next, end - (uint32_t)next_bit);
	if (bit < to)
		max_tree_set(&runs->usable, point,
			     bit < from ? from - (uint32_t)bit : 0);
}

// The run [@run, @end) is there now, which has a point. Of what it was made
// from, the last free run began at @right; @end: there was none.
static inline void aligned_runs_give(struct aligned_runs *runs, uint32_t run,
				     uint32_t end, uint32_t right)
{
	uint32_t point = aligned_runs_point(runs, run);
	uint32_t next = aligned_runs_point(runs, right);

	max_tree_set(&runs->usable, point,
		     end - (uint32_t)aligned_runs_bit(runs, point));
	if (next != point && aligned_runs_bit(runs, next) < end)
		max_tree_set(&runs->usable, next, 0);
}

#endif
