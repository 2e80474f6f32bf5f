// SPDX-License-Identifier: MIT
//
// Searching, taking and giving: compiled once for each kind of CPU, by
// run_index_portable.c and run_index_avx2.c.
//
// The leftmost word of which a tree says that it offers enough is where the
// search ends. A word that a run enters from below is never found for the sake
// of that run: the word where it begins offers no less and lies further left.
#ifndef HK_RUN_INDEX_HOT_H
#define HK_RUN_INDEX_HOT_H

#include "run_index_internal.h"

// --- First fit ---

// Where in @word, at or after bit @from, @bits can begin; no run passes @from.
// 0: nowhere.
static inline uint64_t places_in_word(const struct run_word *word,
				      uint32_t from, uint32_t bits)
{
	uint64_t free = word->free & ones_at_and_above(from);
	uint64_t places = bits <= WORD_BITS ? places_of(free, bits) : 0;
	uint32_t top = ones_down_from(free, WORD_MASK);

	if (top + word->above >= bits && top)
		places |= UINT64_C(1) << (WORD_BITS - top);
	return places;
}

static inline uint32_t first_place(uint32_t word, uint64_t places)
{
	return (word << WORD_SHIFT) + (uint32_t)__builtin_ctzll(places);
}

static inline uint32_t first_fit(const struct run_index *index, uint32_t bits)
{
	uint32_t word = max_tree_first(&index->starts, bits);

	if (word == HK_NO_LEAF)
		return HK_NO_RUN;
	return first_place(word, places_in_word(&index->words[word], 0, bits));
}

// As run_index_next() from a bit on that no run passes.
static uint32_t next_fit(const struct run_index *index, uint32_t from,
			 uint32_t bits)
{
	uint32_t word = word_of(from);
	uint64_t places;

	if (from >= run_index_end(index))
		return HK_NO_RUN;
	places = places_in_word(&index->words[word], from, bits);
	if (places)
		return first_place(word, places);
	word = max_tree_next(&index->starts, word + 1, bits);
	if (word == HK_NO_LEAF)
		return HK_NO_RUN;
	return first_place(word, places_in_word(&index->words[word], 0, bits));
}

static uint32_t next(const struct run_index *index, uint32_t from,
		     uint32_t bits)
{
	uint32_t at;

	if (from == 0) {
		at = first_fit(index, bits);
	} else if (from >= index->bits) {
		return HK_NO_RUN;
	} else {
		uint32_t bit = from + index->origin;
		struct run run = run_holding(index, bit);

		at = next_fit(index, run.bit < bit ? run.end : bit, bits);
	}
	return at == HK_NO_RUN ? at : at - index->origin;
}

// --- Aligned fit ---

// The run of @word that begins at or after bit @from, which no run passes, and
// offers @bits to @order; or HK_NO_RUN.
static inline uint32_t usable_in_word(const struct run_index *index,
				      uint32_t word, uint32_t from,
				      uint32_t bits, uint32_t order)
{
	const struct run_word *w = &index->words[word];
	uint64_t free = w->free & ones_at_and_above(from);
	uint64_t places = bits <= WORD_BITS ? places_of(free, bits) : 0;
	uint32_t top = ones_down_from(free, WORD_MASK);
	uint32_t run = ((word + 1) << WORD_SHIFT) - top;

	places &= aligned_places(word, order);
	if (places) {
		uint32_t bit = (uint32_t)__builtin_ctzll(places);

		return (word << WORD_SHIFT) + bit + 1 -
		       ones_down_from(free, bit);
	}
	// What is skipped up to the first multiple counts as well.
	return top && top + w->above >= bits + (-run & ((1U << order) - 1))
		       ? run
		       : HK_NO_RUN;
}

static inline uint32_t next_usable(const struct run_index *index, uint32_t from,
				   uint32_t bits, uint32_t order)
{
	uint32_t word = word_of(from);

	if (from > index->origin) {
		uint32_t run = usable_in_word(index, word++, from, bits, order);

		if (run != HK_NO_RUN)
			return run;
	}
	word = usable_tree_next(&index->usable, word, bits, order);
	return word == HK_NO_LEAF ? HK_NO_RUN
				  : usable_in_word(index, word, 0, bits, order);
}

static inline uint32_t next_aligned(const struct run_index *index,
				    const struct aligned_runs *runs,
				    uint32_t from, uint32_t bits)
{
	uint32_t point = max_tree_next(&runs->usable,
				       aligned_runs_point(runs, from), bits);
	uint32_t end;

	if (point == HK_NO_LEAF)
		return HK_NO_RUN;
	end = (uint32_t)aligned_runs_bit(runs, point) +
	      max_tree_get(&runs->usable, point);
	return end - free_before(index->words, end);
}

static inline const struct aligned_runs *runs_for(const struct run_index *index,
						  uint32_t order)
{
	const struct aligned_runs *best = NULL;

	for (uint32_t i = 0; i < index->n_aligned; i++)
		if (index->aligned[i].order <= order)
			best = &index->aligned[i];
	return best;
}

// The next run from @from on, which no run passes, that may have room for an
// aligned request: the best guess that the trees allow.
static inline uint32_t next_candidate(const struct run_index *index,
				      uint32_t from, uint32_t bits,
				      uint32_t order)
{
	if (from >= run_index_end(index))
		return HK_NO_RUN;
	if (order >= USABLE_ORDERS) {
		const struct aligned_runs *runs = runs_for(index, order);

		if (runs)
			return next_aligned(index, runs, from, bits);
		order = USABLE_ORDERS - 1;
	}
	if (order && index->usable.depth && bits <= USABLE_MOST)
		return next_usable(index, from, bits, order);
	return next_fit(index, from, bits);
}

// The first aligned place at or after @from in the free run up to @end.
static inline uint32_t place_in_run(const struct run_index *index,
				    uint32_t from, uint32_t end, uint32_t bits,
				    uint32_t order)
{
	uint64_t low = (UINT64_C(1) << order) - 1;
	uint64_t at = from + (-(from + index->phase) & low);

	return at + bits <= end ? (uint32_t)at : HK_NO_RUN;
}

static uint32_t find_from(const struct run_index *index, uint32_t from,
			  uint32_t bits, uint32_t order, uint32_t *run)
{
	uint32_t at = HK_NO_RUN;

	while (at == HK_NO_RUN) {
		uint32_t end;

		*run = next_candidate(index, from, bits, order);
		if (*run == HK_NO_RUN)
			break;
		end = *run + free_from(index->words, *run);
		at = place_in_run(index, *run, end, bits, order);
		from = end;
	}
	return at;
}

static uint32_t find(const struct run_index *index, uint32_t from,
		     uint32_t bits, uint32_t order, uint32_t *run)
{
	uint32_t bit = from + index->origin;
	uint32_t at = HK_NO_RUN;

	if (from >= index->bits)
		return HK_NO_RUN;
	if (from > 0) {
		struct run held = run_holding(index, bit);

		*run = held.bit;
		at = place_in_run(index, bit, held.end, bits, order);
		bit = held.end;
	}
	if (at == HK_NO_RUN)
		at = find_from(index, bit, bits, order, run);
	if (at == HK_NO_RUN)
		return HK_NO_RUN;
	*run -= index->origin;
	return at - index->origin;
}

// --- Taking and giving ---

// A run of @length begins at @bit now.
static inline void raise(struct run_index *index, uint32_t bit, uint32_t length)
{
	uint32_t word = word_of(bit);

	max_tree_raise(&index->starts, word, length);
	if (index->usable.depth)
		usable_tree_raise(&index->usable, word,
				  usable_of_run(bit, length));
}

static inline uint32_t longest_in(const struct run_word *word)
{
	uint32_t top = top_bits(word) + word->above;
	uint32_t longest = longest_ones(own_bits(word));

	return top > longest ? top : longest;
}

// No run of @length begins at @bit any more: what its word says of it goes.
static inline void lower(struct run_index *index, uint32_t bit, uint32_t length)
{
	uint32_t word = word_of(bit);

	if (length == max_tree_get(&index->starts, word))
		max_tree_lower(&index->starts, word,
			       longest_in(&index->words[word]));
	if (index->usable.depth) {
		uint64_t bytes = usable_in(word, &index->words[word]);

		if (bytes != usable_tree_get(&index->usable, word))
			usable_tree_set(&index->usable, word, bytes);
	}
}

// [@at, @to) is taken out of a run of several words.
static inline void take_across(struct run_index *index, struct run run,
			       uint32_t at, uint32_t to)
{
	remove_run(index->words, run.bit, run.end);
	if (run.bit < at)
		put_run(index->words, run.bit, at);
	if (to < run.end) {
		put_run(index->words, to, run.end);
		// Before the other shrinks: it is then less often a maximum.
		if (word_of(to) != word_of(run.bit))
			raise(index, to, run.end - to);
	}
}

static void take(struct run_index *index, uint32_t run_bit, uint32_t at,
		 uint32_t bits)
{
	struct run run = {.bit = run_bit + index->origin};
	uint32_t to;

	at += index->origin;
	to = at + bits;
	run.end = run.bit + free_from(index->words, run.bit);
	index->free -= bits;
	if (within_a_word(run.bit, run.end))
		index->words[word_of(at)].free &= ~ones_between(at, to);
	else
		take_across(index, run, at, to);
	lower(index, run.bit, run.end - run.bit);
	for (uint32_t i = 0; i < index->n_aligned; i++) {
		if (!aligned_runs_have(&index->aligned[i], run.bit, run.end))
			break;
		aligned_runs_take(&index->aligned[i], run.bit, run.end, at, to);
	}
}

// [@at, @to) becomes part of a run of several words.
static inline void give_across(struct run_index *index, struct run run,
			       uint32_t at, uint32_t to)
{
	if (to < run.end)
		remove_run(index->words, to, run.end);
	if (run.bit < at)
		remove_run(index->words, run.bit, at);
	put_run(index->words, run.bit, run.end);
}

static void give(struct run_index *index, uint32_t at, uint32_t bits)
{
	struct run run;
	uint32_t to;

	at += index->origin;
	to = at + bits;
	run.bit = at - free_before(index->words, at);
	run.end = to + free_from(index->words, to);
	index->free += bits;
	if (within_a_word(run.bit, run.end))
		index->words[word_of(at)].free |= ones_between(at, to);
	else
		give_across(index, run, at, to);
	raise(index, run.bit, run.end - run.bit);
	if (to < run.end && word_of(to) != word_of(run.bit))
		lower(index, to, run.end - to);
	for (uint32_t i = 0; i < index->n_aligned; i++) {
		if (!aligned_runs_have(&index->aligned[i], run.bit, run.end))
			break;
		aligned_runs_give(&index->aligned[i], run.bit, run.end, to);
	}
}

#endif
