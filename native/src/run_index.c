// SPDX-License-Identifier: MIT
#include "run_index.h"

#include <errno.h>
#include <stdlib.h>

#include "aligned_runs.h"
#include "max_tree.h"

// A run is written down twice: its length at its first bit (a leaf of the tree)
// and at its last. The second is the boundary tag that finds the left neighbour
// of freed bits at once. Everywhere else both arrays are 0.
struct run_index {
	uint32_t bits;
	uint32_t free;
	struct max_tree starts;
	uint32_t *ends;
	uint64_t phase;
	uint32_t n_aligned;
	struct aligned_runs aligned[HK_MAX_ALIGNED]; // by ascending order
};

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

static int broken(const char **rule, const char *text)
{
	*rule = text;
	return -EUCLEAN;
}

// Bits [from, to) are taken or inside a run: nothing may be written there.
static bool blank(const struct run_index *index, uint32_t from, uint32_t to)
{
	for (uint32_t bit = from; bit < to; bit++)
		if (index->ends[bit] || run_index_length(index, bit))
			return false;
	return true;
}

// One run and what lies between it and @from, the end of the run before it.
static int check_run(const struct run_index *index, uint32_t from, uint32_t run,
		     const char **rule)
{
	uint32_t length = run_index_length(index, run);

	if (length > index->bits - run)
		return broken(rule, "run_index: a run passes the end");
	if (from && run == from)
		return broken(rule, "run_index: two runs touch");
	if (!blank(index, from, run))
		return broken(rule, "run_index: a stray end tag");
	if (index->ends[run + length - 1] != length)
		return broken(rule, "run_index: start and end tags differ");
	if (length > 1 &&
	    (index->ends[run] || !blank(index, run + 1, run + length - 1) ||
	     run_index_length(index, run + length - 1)))
		return broken(rule, "run_index: a run inside a run");
	return 0;
}

// What @point of @runs should say.
static uint64_t usable_at(const struct run_index *index,
			  const struct aligned_runs *runs, uint32_t point)
{
	uint64_t bit = aligned_runs_bit(runs, point);
	uint32_t run;

	if (bit >= index->bits)
		return 0;
	run = run_index_at(index, (uint32_t)bit);
	if (run == HK_NO_RUN || aligned_runs_point(runs, run) != point)
		return 0;
	return run + (uint64_t)run_index_length(index, run) - bit;
}

static int check_aligned(const struct run_index *index,
			 const struct aligned_runs *runs, const char **rule)
{
	if (max_tree_check(&runs->usable))
		return broken(rule, "run_index: an aligned maximum is wrong");
	for (uint32_t point = 0; point < runs->usable.leaves; point++)
		if (max_tree_get(&runs->usable, point) !=
		    usable_at(index, runs, point))
			return broken(rule, "run_index: an aligned run is not");
	return 0;
}

static int check_runs(const struct run_index *index, const char **rule)
{
	uint32_t from = 0;
	uint64_t free_bits = 0;

	for (uint32_t bit = 0; bit < index->bits; bit++) {
		int err;

		if (!run_index_length(index, bit))
			continue;
		err = check_run(index, from, bit, rule);
		if (err)
			return err;
		free_bits += run_index_length(index, bit);
		from = bit + run_index_length(index, bit);
		bit = from - 1;
	}
	if (!blank(index, from, index->bits))
		return broken(rule, "run_index: a stray end tag");
	if (free_bits != index->free)
		return broken(rule, "run_index: the free bits do not add up");
	return 0;
}

int run_index_check(const struct run_index *index, const char **rule)
{
	int err;

	if (max_tree_check(&index->starts))
		return broken(rule, "run_index: a maximum is wrong");
	err = check_runs(index, rule);
	for (uint32_t i = 0; !err && i < index->n_aligned; i++)
		err = check_aligned(index, &index->aligned[i], rule);
	return err;
}
