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

// The first place for @bits in @word, which has one.
static inline uint32_t first_place(const struct run_index *index, uint32_t word,
				   uint32_t bits)
{
	const struct run_word *w = &index->words[word];
	uint64_t places = bits <= WORD_BITS ? places_of(w->free, bits) : 0;

	places |= place_at_top(w->free, w->above, bits);
	return (word << WORD_SHIFT) + (uint32_t)__builtin_ctzll(places);
}

static inline uint32_t first_fit(const struct run_index *index, uint32_t bits)
{
	uint32_t word = max_tree_first(&index->starts, bits);

	return word == HK_NO_LEAF ? HK_NO_RUN : first_place(index, word, bits);
}

// As run_index_next() from a bit on that no run passes, if ->starts has all
// runs of @bits.
static uint32_t next_long(const struct run_index *index, uint32_t from,
			  uint32_t bits)
{
	uint32_t at;
	uint32_t word;

	if (from >= run_index_end(index))
		return HK_NO_RUN;
	at = place_from(index, from, bits);
	if (at != HK_NO_RUN)
		return at;
	word = max_tree_next(&index->starts, word_of(from) + 1, bits);
	return word == HK_NO_LEAF ? HK_NO_RUN : first_place(index, word, bits);
}

// --- Aligned fit ---

// The first run that begins in the word of @from at or after it and offers
// @bits to @order, if there is one.
static inline uint32_t usable_run(const struct run_index *index, uint32_t from,
				  uint32_t bits, uint32_t order)
{
	uint32_t word = word_of(from);
	uint64_t free = index->words[word].free & ones_at_and_above(from);
	uint32_t inside = bits < WORD_BITS ? bits : WORD_BITS;
	uint64_t places = places_of(free, inside) & aligned_places(word, order);
	// If none is inside, the run at the top offers them above.
	uint32_t bit =
		(uint32_t)__builtin_ctzll(places | UINT64_C(1) << WORD_MASK);

	return (word << WORD_SHIFT) + bit + 1 - ones_down_from(free, bit);
}

static inline bool offers(const struct run_index *index, uint32_t run,
			  uint32_t bits, uint32_t order)
{
	uint32_t skipped = -run & ((1U << order) - 1);

	return free_from(index->words, run) >= bits + skipped;
}

// As run_index_next(), for @bits that @order can use; from a bit on that no run
// passes.
static inline uint32_t next_usable(const struct run_index *index, uint32_t from,
				   uint32_t bits, uint32_t order)
{
	uint32_t sure = index->first_sure;
	uint32_t word = word_of(from);

	if (from > index->origin) {
		uint32_t run = usable_run(index, from, bits, order);

		if (word_of(run) == word && offers(index, run, bits, order))
			return run;
		word++;
		sure = max_tree_next(&index->starts, word, USABLE_SURE);
	}
	word = usable_tree_next(&index->usable, word, bits, order);
	word = word < sure ? word : sure;
	return word == HK_NO_LEAF
		       ? HK_NO_RUN
		       : usable_run(index, word << WORD_SHIFT, bits, order);
}

// The same for any number of bits and order 0.
static inline uint32_t next_fit(const struct run_index *index, uint32_t from,
				uint32_t bits, bool aligned)
{
	if (aligned && bits <= USABLE_MOST)
		return next_usable(index, from, bits, 0);
	return next_long(index, from, bits);
}

static inline uint32_t next(const struct run_index *index, uint32_t from,
			    uint32_t bits, bool aligned)
{
	uint32_t at;

	if (from == 0 && !aligned) {
		at = first_fit(index, bits);
	} else if (from == 0) {
		at = next_fit(index, index->origin, bits, aligned);
	} else if (from >= index->bits) {
		return HK_NO_RUN;
	} else {
		uint32_t bit = from + index->origin;
		struct run run = run_holding(index, bit);

		at = next_fit(index, run.bit < bit ? run.end : bit, bits,
			      aligned);
	}
	return at == HK_NO_RUN ? at : at - index->origin;
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
				      uint32_t order, bool aligned)
{
	if (from >= run_index_end(index))
		return HK_NO_RUN;
	if (aligned && order >= USABLE_ORDERS) {
		const struct aligned_runs *runs = runs_for(index, order);

		if (runs)
			return next_aligned(index, runs, from, bits);
		order = USABLE_ORDERS - 1;
	}
	if (aligned && bits <= USABLE_MOST)
		return next_usable(index, from, bits, order);
	return next_long(index, from, bits);
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

static inline uint32_t find_from(const struct run_index *index, uint32_t from,
				 uint32_t bits, uint32_t order, uint32_t *run,
				 bool aligned)
{
	uint32_t at = HK_NO_RUN;

	while (at == HK_NO_RUN) {
		uint32_t end;

		*run = next_candidate(index, from, bits, order, aligned);
		if (*run == HK_NO_RUN)
			break;
		end = *run + free_from(index->words, *run);
		at = place_in_run(index, *run, end, bits, order);
		from = end;
	}
	return at;
}

static inline uint32_t find(const struct run_index *index, uint32_t from,
			    uint32_t bits, uint32_t order, uint32_t *run,
			    bool aligned)
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
		at = find_from(index, bit, bits, order, run, aligned);
	if (at == HK_NO_RUN)
		return HK_NO_RUN;
	*run -= index->origin;
	return at - index->origin;
}

// --- Taking and giving ---

static inline void refresh_usable(struct run_index *index, uint32_t word)
{
	uint64_t bytes = usable_in(word, &index->words[word]);

	if (bytes != usable_tree_get(&index->usable, word))
		usable_tree_set(&index->usable, word, bytes);
}

// Whether a run of @length is in ->usable.
static inline bool is_counted(uint32_t length)
{
	return length && length < USABLE_SURE;
}

// A run of @length begins at @bit now; @joined: a counted one that began in the
// same word is part of it.
static inline void raise_aligned(struct run_index *index, uint32_t bit,
				 uint32_t length, bool joined)
{
	uint32_t word = word_of(bit);

	if (length >= LONG_RUN)
		max_tree_raise(&index->starts, word, length);
	if (length < USABLE_SURE) {
		usable_tree_raise(&index->usable, word,
				  usable_of_run(bit, length));
		return;
	}
	if (word < index->first_sure)
		index->first_sure = word;
	if (joined)
		refresh_usable(index, word);
}

// Often no run begins there but the one at the top.
static inline uint32_t longest_in(const struct run_word *word)
{
	uint64_t own = own_bits(word);
	uint32_t top = ones_down_from(own, WORD_MASK);
	uint64_t inner = inner_bits(own, top);
	uint32_t longest = inner ? longest_ones(inner) : 0;

	top += word->above;
	return top > longest ? top : longest;
}

// The run of @length that began at @bit is gone, or a part of it.
static inline void lower(struct run_index *index, uint32_t bit, uint32_t length)
{
	uint32_t word = word_of(bit);

	if (length == max_tree_get(&index->starts, word))
		max_tree_lower(&index->starts, word,
			       longest_in(&index->words[word]));
}

// A word has one long run, which leaves it.
static inline void lower_long(struct run_index *index, uint32_t word,
			      uint32_t length)
{
	const struct run_word *w = &index->words[word];
	uint32_t top = top_bits(w) + w->above;

	max_tree_set(&index->starts, word, top >= LONG_RUN ? top : 0);
	if (length >= USABLE_SURE && word == index->first_sure)
		index->first_sure = max_tree_first(&index->starts, USABLE_SURE);
}

// As lower(); @rest: a part of the run begins in the same word.
static inline void lower_aligned(struct run_index *index, uint32_t bit,
				 uint32_t length, bool rest)
{
	uint32_t word = word_of(bit);

	if (length >= LONG_RUN)
		lower_long(index, word, length);
	if (length < USABLE_SURE || rest)
		refresh_usable(index, word);
}

// [@at, @to) is taken out of a run: what the trees say of it. What grows first:
// what shrinks is then less often a maximum.
static inline void file_taken(struct run_index *index, struct run run,
			      uint32_t at, uint32_t to, bool aligned)
{
	uint32_t length = run.end - run.bit;
	bool apart = to < run.end && word_of(to) != word_of(run.bit);

	if (!aligned) {
		if (apart)
			max_tree_raise(&index->starts, word_of(to),
				       run.end - to);
		lower(index, run.bit, length);
		return;
	}
	if (apart)
		raise_aligned(index, to, run.end - to, false);
	lower_aligned(index, run.bit, length,
		      run.bit < at || (to < run.end && !apart));
	for (uint32_t i = 0; i < index->n_aligned; i++) {
		if (!aligned_runs_have(&index->aligned[i], run.bit, run.end))
			break;
		aligned_runs_take(&index->aligned[i], run.bit, run.end, at, to);
	}
}

// The same of [@at, @to), which became part of a run.
static inline void file_given(struct run_index *index, struct run run,
			      uint32_t at, uint32_t to, bool aligned)
{
	uint32_t length = run.end - run.bit;
	uint32_t right = run.end - to;
	bool apart = right && word_of(to) != word_of(run.bit);

	if (!aligned) {
		max_tree_raise(&index->starts, word_of(run.bit), length);
		if (apart)
			lower(index, to, right);
		return;
	}
	raise_aligned(index, run.bit, length,
		      is_counted(at - run.bit) ||
			      (!apart && is_counted(right)));
	if (apart)
		lower_aligned(index, to, right, false);
	for (uint32_t i = 0; i < index->n_aligned; i++) {
		if (!aligned_runs_have(&index->aligned[i], run.bit, run.end))
			break;
		aligned_runs_give(&index->aligned[i], run.bit, run.end, to);
	}
}

// [@at, @to) is taken out of a run of several words.
static inline void take_across(struct run_index *index, struct run run,
			       uint32_t at, uint32_t to)
{
	remove_run(index->words, run.bit, run.end);
	if (run.bit < at)
		put_run(index->words, run.bit, at);
	if (to < run.end)
		put_run(index->words, to, run.end);
}

static inline void take(struct run_index *index, uint32_t run_bit, uint32_t at,
			uint32_t bits, bool aligned)
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
	file_taken(index, run, at, to, aligned);
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

static inline void give(struct run_index *index, uint32_t at, uint32_t bits,
			bool aligned)
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
	file_given(index, run, at, to, aligned);
}

// --- For an index with one tree, and for one with all of them ---

static uint32_t plain_next(const struct run_index *index, uint32_t from,
			   uint32_t bits)
{
	return next(index, from, bits, false);
}

static uint32_t plain_find(const struct run_index *index, uint32_t from,
			   uint32_t bits, uint32_t order, uint32_t *run)
{
	return find(index, from, bits, order, run, false);
}

static void plain_take(struct run_index *index, uint32_t run, uint32_t at,
		       uint32_t bits)
{
	take(index, run, at, bits, false);
}

static void plain_give(struct run_index *index, uint32_t at, uint32_t bits)
{
	give(index, at, bits, false);
}

static uint32_t aligned_next(const struct run_index *index, uint32_t from,
			     uint32_t bits)
{
	return next(index, from, bits, true);
}

static uint32_t aligned_find(const struct run_index *index, uint32_t from,
			     uint32_t bits, uint32_t order, uint32_t *run)
{
	return find(index, from, bits, order, run, true);
}

static void aligned_take(struct run_index *index, uint32_t run, uint32_t at,
			 uint32_t bits)
{
	take(index, run, at, bits, true);
}

static void aligned_give(struct run_index *index, uint32_t at, uint32_t bits)
{
	give(index, at, bits, true);
}

#define RUN_INDEX_CODE                                                         \
	{                                                                      \
		.plain = {plain_next, plain_find, plain_take, plain_give},     \
		.aligned = {aligned_next, aligned_find, aligned_take,          \
			    aligned_give},                                     \
	}

#endif
