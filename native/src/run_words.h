// SPDX-License-Identifier: MIT
//
// A bitmap of free bits of which only the borders of free runs are kept. A word
// that lies wholly inside a longer free run is all zeros, as one without a free
// bit is: taking or giving a run writes at most four words, however long it is.
#ifndef HK_RUN_WORDS_H
#define HK_RUN_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "word_bits.h"

struct run_word {
	uint64_t free; // a bit for each; see above
	uint32_t below; // free bits that join this word's lowest one from below
	uint32_t
		above; // free bits that join this word's highest one from above
};

static inline uint32_t word_of(uint32_t bit)
{
	return bit >> WORD_SHIFT;
}

static inline uint64_t ones_at_and_above(uint32_t bit)
{
	return ~UINT64_C(0) << (bit & WORD_MASK);
}

static inline uint64_t ones_at_and_below(uint32_t bit)
{
	return ~UINT64_C(0) >> (WORD_MASK - (bit & WORD_MASK));
}

// Bits [bit, end) of one word.
static inline uint64_t ones_between(uint32_t bit, uint32_t end)
{
	return ones_at_and_above(bit) & ones_at_and_below(end - 1);
}

static inline bool within_a_word(uint32_t bit, uint32_t end)
{
	return word_of(bit) == word_of(end - 1);
}

// The free bits from @bit on, which is free or in a word that can be read.
static inline uint32_t free_from(const struct run_word *words, uint32_t bit)
{
	const struct run_word *word = &words[word_of(bit)];
	uint32_t length = ones_from(word->free, bit & WORD_MASK);
	uint32_t room = WORD_BITS - (bit & WORD_MASK);

	return length == room ? length + word->above : length;
}

// The free bits that end before @bit, which may be 0.
static inline uint32_t free_before(const struct run_word *words, uint32_t bit)
{
	const struct run_word *word = &words[((int64_t)bit - 1) >> WORD_SHIFT];
	uint32_t last = (bit - 1) & WORD_MASK;
	uint32_t length = ones_down_from(word->free, last);

	return length == last + 1 ? length + word->below : length;
}

// The free bits of the runs that begin in @word.
static inline uint64_t own_bits(const struct run_word *word)
{
	return word->below ? word->free & (word->free + 1) : word->free;
}

// How long the run that begins in @word and leaves it is inside; 0: none does.
static inline uint32_t top_bits(const struct run_word *word)
{
	return ones_down_from(own_bits(word), WORD_MASK);
}

// The @own bits of a word without the @top ones at its top.
static inline uint64_t inner_bits(uint64_t own, uint32_t top)
{
	return own & ~(ones_at_and_above(-top) & -(uint64_t)(top != 0));
}

// [run, end) becomes a free run, which no other touches.
static inline void put_run(struct run_word *words, uint32_t run, uint32_t end)
{
	struct run_word *first = &words[word_of(run)];
	struct run_word *last = &words[word_of(end - 1)];

	if (first == last) {
		first->free |= ones_between(run, end);
		return;
	}
	first->free |= ones_at_and_above(run);
	first->above = end - (run | WORD_MASK) - 1;
	last->free |= ones_at_and_below(end - 1);
	last->below = ((end - 1) & ~(uint32_t)WORD_MASK) - run;
}

// The free run [run, end) becomes taken.
static inline void remove_run(struct run_word *words, uint32_t run,
			      uint32_t end)
{
	struct run_word *first = &words[word_of(run)];
	struct run_word *last = &words[word_of(end - 1)];

	if (first == last) {
		first->free &= ~ones_between(run, end);
		return;
	}
	first->free &= ~ones_at_and_above(run);
	first->above = 0;
	last->free &= ~ones_at_and_below(end - 1);
	last->below = 0;
}

#endif
