// SPDX-License-Identifier: MIT
//
// Runs of ones inside one 64-bit word, without a branch that depends on them.
#ifndef HK_WORD_BITS_H
#define HK_WORD_BITS_H

#include <stdint.h>

enum { WORD_SHIFT = 6, WORD_BITS = 64, WORD_MASK = 63 };

// How many ones begin at @bit (0 … 63) and go up.
static inline uint32_t ones_from(uint64_t word, uint32_t bit)
{
	uint64_t zeros = ~(word >> bit);

	return zeros ? (uint32_t)__builtin_ctzll(zeros) : WORD_BITS;
}

// How many ones end at @bit (0 … 63) and go down.
static inline uint32_t ones_down_from(uint64_t word, uint32_t bit)
{
	uint64_t zeros = ~(word << (WORD_MASK - bit));

	return zeros ? (uint32_t)__builtin_clzll(zeros) : WORD_BITS;
}

// Bit @i of fold[@k] says whether the 2^@k bits from @i on are ones.
struct word_folds {
	uint64_t fold[WORD_SHIFT];
};

static inline struct word_folds word_fold(uint64_t word)
{
	struct word_folds ret;

	for (uint32_t k = 0; k < WORD_SHIFT; k++) {
		ret.fold[k] = word;
		word &= word >> (1U << k);
	}
	return ret;
}

// Where @n (1 … 64) ones begin.
static inline uint64_t places_of(uint64_t word, uint32_t n)
{
	for (uint32_t k = 0; k < WORD_SHIFT; k++) {
		uint32_t half = n >> 1;

		word &= word >> half;
		n -= half;
	}
	return word;
}

// The longest run of ones that begins at one of @places, at most 63. Bit by bit
// of the answer: do @places still have one if it is that much longer? Masks
// instead of choices, because a compiler would make branches of those.
static inline uint32_t longest_from(const struct word_folds *folds,
				    uint64_t places)
{
	uint64_t longest = 0;

	for (uint32_t k = WORD_SHIFT; k-- > 0;) {
		uint64_t left = places & (folds->fold[k] >> longest);
		uint64_t any = -(uint64_t)(left != 0);

		places = left | (places & ~any);
		longest += any & (UINT64_C(1) << k);
	}
	return (uint32_t)longest;
}

// The longest run of ones, up to all 64.
static inline uint32_t longest_ones(uint64_t word)
{
	struct word_folds folds = word_fold(word);
	uint32_t longest = longest_from(&folds, ~UINT64_C(0));

	return ~word ? longest : WORD_BITS;
}

#endif
