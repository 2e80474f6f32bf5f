// SPDX-License-Identifier: MIT
#include "run_index.h"

#include <errno.h>
#include <stdlib.h>

#include "run_index_internal.h"

// All of the map becomes one free run in words that are all zeros.
static void free_all(struct run_index *index)
{
	uint32_t bits = index->bits;

	index->free = 0;
	index->call->give(index, 0, bits);
}

int run_index_create(uint32_t bits, struct run_index **ret)
{
	struct run_index *index = calloc(1, sizeof(*index));
	// Two words for the phase, one on either side.
	uint64_t words = (uint64_t)(bits - 1) / WORD_BITS + 5;
	int err = -ENOMEM;

	if (!index)
		return err;
	// calloc() leaves untouched pages to the kernel's zero page: an idle
	// region costs next to nothing, whatever its size.
	index->memory = calloc(words, sizeof(*index->memory));
	if (!index->memory)
		goto free_index;
	index->words = index->memory + 1;
	index->bits = bits;
	index->call = &run_index_best_code()->plain;
	index->first_sure = HK_NO_LEAF;
	err = max_tree_create(&index->starts, run_index_words(index));
	if (err)
		goto free_words;
	free_all(index);
	*ret = index;
	return 0;

free_words:
	free(index->memory);
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
	usable_tree_destroy(&index->usable);
	max_tree_destroy(&index->starts);
	free(index->memory);
	free(index);
}

static int create_aligned(struct run_index *index, uint64_t orders)
{
	for (uint32_t order = USABLE_ORDERS; index->bits >> order; order++) {
		struct aligned_runs *runs = &index->aligned[index->n_aligned];
		int err;

		if (!(orders >> order & 1) ||
		    index->n_aligned == HK_MAX_ALIGNED)
			continue;
		err = aligned_runs_create(runs, run_index_end(index), order,
					  index->phase);
		if (err)
			return err;
		index->n_aligned++;
	}
	return 0;
}

int run_index_align(struct run_index *index, uint64_t phase, uint64_t orders)
{
	int err = 0;

	// Words begin elsewhere: take the one run out, put it back in its
	// place.
	index->call->take(index, 0, 0, index->bits);
	max_tree_destroy(&index->starts);
	index->first_sure = HK_NO_LEAF;
	index->origin = phase & ((1U << (USABLE_ORDERS - 1)) - 1);
	index->phase = phase - index->origin;
	err = max_tree_create(&index->starts, run_index_words(index));
	if (!err && orders)
		err = usable_tree_create(&index->usable,
					 run_index_words(index));
	if (!err)
		err = create_aligned(index, orders);
	if (err)
		return err;
	if (orders)
		index->call = &run_index_best_code()->aligned;
	free_all(index);
	return 0;
}

uint32_t run_index_next(const struct run_index *index, uint32_t from,
			uint32_t bits)
{
	return index->call->next(index, from, bits);
}

uint32_t run_index_near(const struct run_index *index, uint32_t from,
			uint32_t bits)
{
	return place_from(index, from, bits);
}

uint32_t run_index_find(const struct run_index *index, uint32_t from,
			uint32_t bits, uint32_t order, uint32_t *run)
{
	return index->call->find(index, from, bits, order, run);
}

uint32_t run_index_at(const struct run_index *index, uint32_t bit)
{
	struct run run = run_holding(index, bit + index->origin);

	return run.bit < run.end ? run.bit - index->origin : HK_NO_RUN;
}

uint32_t run_index_length(const struct run_index *index, uint32_t bit)
{
	uint32_t at = bit + index->origin;

	return free_before(index->words, at + 1) == 1
		       ? free_from(index->words, at)
		       : 0;
}

uint32_t run_index_length_before(const struct run_index *index, uint32_t bit)
{
	uint32_t at = bit + index->origin;
	const struct run_word *word = &index->words[word_of(at)];
	bool goes_on = at & WORD_MASK ? word->free >> (at & WORD_MASK) & 1
				      : word[-1].above;

	return goes_on ? 0 : free_before(index->words, at);
}

uint32_t run_index_longest(const struct run_index *index)
{
	uint32_t longest = max_tree_root(&index->starts);

	if (longest == 0 && index->usable.depth)
		return usable_byte(usable_tree_root(&index->usable), 0);
	return longest;
}

uint32_t run_index_free(const struct run_index *index)
{
	return index->free;
}

void run_index_take(struct run_index *index, uint32_t run, uint32_t at,
		    uint32_t bits)
{
	index->call->take(index, run, at, bits);
}

void run_index_give(struct run_index *index, uint32_t at, uint32_t bits)
{
	index->call->give(index, at, bits);
}

bool run_index_taken(const struct run_index *index, uint32_t at, uint32_t bits)
{
	return run_index_at(index, at) == HK_NO_RUN &&
	       run_index_next(index, at, 1) >= at + bits;
}
