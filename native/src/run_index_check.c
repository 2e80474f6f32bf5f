// SPDX-License-Identifier: MIT
//
// All invariants of a run index.
#include "broken.h"
#include "run_index_internal.h"

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
