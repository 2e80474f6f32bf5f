// SPDX-License-Identifier: MIT
//
// Every trick with a word against a loop over its bits.
#include "word_bits.h"

#include "harness.h"

static bool bit_of(uint64_t word, uint32_t bit)
{
	return word >> bit & 1;
}

static uint32_t count_from(uint64_t word, uint32_t bit)
{
	uint32_t n = 0;

	while (bit + n < 64 && bit_of(word, bit + n))
		n++;
	return n;
}

static uint32_t count_down_from(uint64_t word, uint32_t bit)
{
	uint32_t n = 0;

	while (n <= bit && bit_of(word, bit - n))
		n++;
	return n;
}

static void compare(uint64_t word)
{
	struct word_folds folds = word_fold(word);
	uint64_t places[65] = {0};
	uint32_t longest = 0;

	for (uint32_t bit = 0; bit < 64; bit++) {
		uint32_t n = count_from(word, bit);

		CHECK_EQ(ones_from(word, bit), n);
		CHECK_EQ(ones_down_from(word, bit), count_down_from(word, bit));
		CHECK_EQ(longest_from(&folds, UINT64_C(1) << bit),
			 n < 64 ? n : 63);
		longest = n > longest ? n : longest;
		for (uint32_t i = 1; i <= n; i++)
			places[i] |= UINT64_C(1) << bit;
	}
	CHECK_EQ(longest_ones(word), longest);
	for (uint32_t n = 1; n <= 64; n++)
		CHECK_EQ(places_of(word, n), places[n]);
}

TEST(runs_of_ones_in_a_word_are_what_a_loop_finds)
{
	struct rng rng = {.state = 1};

	compare(0);
	compare(~UINT64_C(0));
	for (uint32_t bit = 0; bit < 64; bit++) {
		compare(UINT64_C(1) << bit);
		compare(~(UINT64_C(1) << bit));
		compare(~UINT64_C(0) << bit);
		compare(~UINT64_C(0) >> bit);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		uint64_t word = rng_next(&rng);

		compare(word);
		compare(word | rng_next(&rng) | rng_next(&rng));
		compare(word & rng_next(&rng) & rng_next(&rng));
	}
}
