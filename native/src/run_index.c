// SPDX-License-Identifier: MIT
#include "run_index.h"

#include <errno.h>
#include <stdlib.h>

#include "max_tree.h"

// A run is written down twice: its length at its first bit (a leaf of the tree)
// and at its last. The second is the boundary tag that finds the left neighbour
// of freed bits at once. Everywhere else both arrays are 0.
struct run_index {
	uint32_t bits;
	uint32_t free;
	struct max_tree starts;
	uint32_t *ends;
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
	max_tree_destroy(&index->starts);
	free(index->ends);
	free(index);
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

// The first aligned place at or after @from inside @run, if @bits fit there.
static uint32_t place_in_run(const struct run_index *index, uint32_t run,
			     uint32_t from, uint32_t bits, uint64_t mask,
			     uint64_t offset)
{
	uint64_t end = (uint64_t)run + run_index_length(index, run);
	uint64_t at = ((from + offset + mask) & ~mask) - offset;

	return at + bits <= end ? (uint32_t)at : HK_NO_RUN;
}

uint32_t run_index_find(const struct run_index *index, uint32_t from,
			uint32_t bits, uint64_t mask, uint64_t offset,
			uint32_t *run)
{
	uint32_t at = HK_NO_RUN;

	if (from >= index->bits)
		return HK_NO_RUN;
	*run = from ? run_index_at(index, from) : HK_NO_RUN;
	if (*run != HK_NO_RUN)
		at = place_in_run(index, *run, from, bits, mask, offset);
	while (at == HK_NO_RUN) {
		*run = run_index_next(index, from, bits);
		if (*run == HK_NO_RUN)
			return HK_NO_RUN;
		at = place_in_run(index, *run, *run, bits, mask, offset);
		from = *run + 1;
	}
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
	max_tree_set(&index->starts, run, before);
	if (after)
		max_tree_set(&index->starts, at + bits, after);
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
		max_tree_set(&index->starts, end, 0);
	index->ends[end + right - 1] = left + bits + right;
	max_tree_set(&index->starts, at - left, left + bits + right);
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

int run_index_check(const struct run_index *index, const char **rule)
{
	uint32_t from = 0;
	uint64_t free_bits = 0;

	if (max_tree_check(&index->starts))
		return broken(rule, "run_index: a maximum is wrong");
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
