// SPDX-License-Identifier: MIT
#include "run_index_internal.h"

#include <errno.h>
#include <stdlib.h>

int run_index_create(uint32_t bits, struct run_index **ret)
{
	struct run_index *index = calloc(1, sizeof(*index));
	int err = -ENOMEM;

	if (!index)
		return err;
	index->ends = calloc(bits, sizeof(*index->ends));
	if (!index->ends)
		goto free_index;
	err = max_tree_create(&index->starts, bits);
	if (err)
		goto free_ends;
	index->bits = bits;
	run_index_give(index, 0, bits);
	*ret = index;
	return 0;

free_ends:
	free(index->ends);
free_index:
	free(index);
	return err;
}

void run_index_destroy(struct run_index *index)
{
	if (!index)
		return;
	for (uint32_t i = 0; i < index->n_aligned; i++)
		aligned_runs_destroy(&index->aligned[i]);
	max_tree_destroy(&index->starts);
	free(index->ends);
	free(index);
}

int run_index_align(struct run_index *index, uint64_t phase, uint64_t orders)
{
	index->phase = phase;
	// In steps of one bit every place is aligned.
	for (uint32_t order = 1; index->bits >> order; order++) {
		struct aligned_runs *runs = &index->aligned[index->n_aligned];
		int err;

		if (!(orders >> order & 1))
			continue;
		err = aligned_runs_create(runs, index->bits, order, phase);
		if (err)
			return err;
		aligned_runs_set(runs, 0, 0, index->bits);
		index->n_aligned++;
	}
	return 0;
}

// The run that starts at @run is @length bits long now; 0: there is none.
static void set_run(struct run_index *index, uint32_t run, uint32_t length)
{
	uint32_t old = run_index_length(index, run);

	max_tree_set(&index->starts, run, length);
	for (uint32_t i = 0; i < index->n_aligned; i++)
		aligned_runs_set(&index->aligned[i], run, old, length);
}

uint32_t run_index_next(const struct run_index *index, uint32_t from,
			uint32_t bits)
{
	if (from == 0)
		return max_tree_first(&index->starts, bits);
	return max_tree_next(&index->starts, from, bits);
}

uint32_t run_index_at(const struct run_index *index, uint32_t bit)
{
	uint32_t run = max_tree_previous(&index->starts, bit + 1);

	if (run == HK_NO_LEAF || bit - run >= run_index_length(index, run))
		return HK_NO_RUN;
	return run;
}

// The first multiple of 2^@order at or after @bit.
static uint64_t align_up(const struct run_index *index, uint64_t bit,
			 uint32_t order)
{
	uint64_t low = (UINT64_C(1) << order) - 1;

	return bit + (-(bit + index->phase) & low);
}

// The first aligned place at or after @from inside @run, if @bits fit there.
static uint32_t place_in_run(const struct run_index *index, uint32_t run,
			     uint32_t from, uint32_t bits, uint32_t order)
{
	uint64_t end = (uint64_t)run + run_index_length(index, run);
	uint64_t at = align_up(index, from, order);

	return at + bits <= end ? (uint32_t)at : HK_NO_RUN;
}

// As run_index_find(), but only in runs that start at or after @from.
static uint32_t find_in_runs(const struct run_index *index, uint32_t from,
			     uint32_t bits, uint32_t order, uint32_t *run)
{
	uint32_t at = HK_NO_RUN;

	while (at == HK_NO_RUN) {
		*run = run_index_next(index, from, bits);
		if (*run == HK_NO_RUN)
			break;
		at = place_in_run(index, *run, *run, bits, order);
		from = *run + 1;
	}
	return at;
}

// The same by the points of @runs, whose order is at most @order. Of equal
// orders the first candidate fits; otherwise one in 2^(difference) does.
static uint32_t find_in_points(const struct run_index *index,
			       const struct aligned_runs *runs, uint32_t from,
			       uint32_t bits, uint32_t order)
{
	uint32_t point = aligned_runs_point(runs, from);

	for (;; point++) {
		uint64_t bit;
		uint64_t at;

		point = max_tree_next(&runs->usable, point, bits);
		if (point == HK_NO_LEAF)
			return HK_NO_RUN;
		bit = aligned_runs_bit(runs, point);
		at = align_up(index, bit, order);
		if (at + bits <= bit + max_tree_get(&runs->usable, point))
			return (uint32_t)at;
	}
}

static const struct aligned_runs *runs_for(const struct run_index *index,
					   uint32_t order)
{
	const struct aligned_runs *best = NULL;

	for (uint32_t i = 0; i < index->n_aligned; i++)
		if (index->aligned[i].order <= order)
			best = &index->aligned[i];
	return best;
}

uint32_t run_index_find(const struct run_index *index, uint32_t from,
			uint32_t bits, uint32_t order, uint32_t *run)
{
	const struct aligned_runs *runs = runs_for(index, order);
	uint32_t at = HK_NO_RUN;

	if (from >= index->bits)
		return HK_NO_RUN;
	// A run that begins before @from is in no list of points from there on.
	*run = from ? run_index_at(index, from) : HK_NO_RUN;
	if (*run != HK_NO_RUN)
		at = place_in_run(index, *run, from, bits, order);
	if (at != HK_NO_RUN)
		return at;
	if (!runs)
		return find_in_runs(index, from, bits, order, run);
	at = find_in_points(index, runs, from, bits, order);
	if (at != HK_NO_RUN)
		*run = run_index_at(index, at);
	return at;
}

uint32_t run_index_length(const struct run_index *index, uint32_t bit)
{
	return max_tree_get(&index->starts, bit);
}

uint32_t run_index_length_before(const struct run_index *index, uint32_t bit)
{
	return bit ? index->ends[bit - 1] : 0;
}

uint32_t run_index_longest(const struct run_index *index)
{
	return max_tree_root(&index->starts);
}

uint32_t run_index_free(const struct run_index *index)
{
	return index->free;
}

void run_index_take(struct run_index *index, uint32_t run, uint32_t at,
		    uint32_t bits)
{
	uint32_t end = run + run_index_length(index, run);
	uint32_t before = at - run;
	uint32_t after = end - (at + bits);

	index->free -= bits;
	index->ends[end - 1] = after;
	if (before)
		index->ends[at - 1] = before;
	set_run(index, run, before);
	if (after)
		set_run(index, at + bits, after);
}

void run_index_give(struct run_index *index, uint32_t at, uint32_t bits)
{
	uint32_t end = at + bits;
	uint32_t left = run_index_length_before(index, at);
	uint32_t right = end < index->bits ? run_index_length(index, end) : 0;

	index->free += bits;
	if (left)
		index->ends[at - 1] = 0;
	if (right)
		set_run(index, end, 0);
	index->ends[end + right - 1] = left + bits + right;
	set_run(index, at - left, left + bits + right);
}

bool run_index_taken(const struct run_index *index, uint32_t at, uint32_t bits)
{
	return run_index_at(index, at) == HK_NO_RUN &&
	       run_index_next(index, at, 1) >= at + bits;
}
