// SPDX-License-Identifier: MIT
//
// What a tree does to one node, against loops: compiled for any machine by
// test_nodes.c and for AVX2 by test_nodes_avx2.c.
#ifndef HK_NODES_CASES_H
#define HK_NODES_CASES_H

#include <string.h>

#include "harness.h"
#include "lanes.h"
#include "usable_tree.h"

enum { ROUNDS = 20000 };

static void random_lanes(struct rng *rng, uint32_t *node)
{
	uint32_t limit = rng_below(rng, 4) ? 5 : INT32_MAX;

	for (uint32_t i = 0; i < LANES; i++)
		node[i] = rng_below(rng, limit);
}

static void compare_lanes(void)
{
	_Alignas(LANES_BYTES) uint32_t node[LANES];
	struct rng rng = {.state = 7};

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t which = rng_below(&rng, LANES);
		uint32_t value;
		uint32_t reach = 0;
		uint32_t largest = 0;

		random_lanes(&rng, node);
		value = node[rng_below(&rng, LANES)] + 1;
		for (uint32_t i = 0; i < LANES; i++)
			reach |= (uint32_t)(node[i] >= value) << i;
		CHECK_EQ(lanes_reach(node, value), reach);
		value = rng_below(&rng, 6);
		for (uint32_t i = 0; i < LANES; i++) {
			uint32_t lane = i == which ? value : node[i];

			largest = lane > largest ? lane : largest;
		}
		CHECK_EQ(lanes_largest_with(node, which, value), largest);
	}
}

static uint64_t random_bytes(struct rng *rng)
{
	uint64_t most =
		rng_below(rng, 4) ? 0x0303030303030303 : 0x7f7f7f7f7f7f7f7f;

	return rng_next(rng) & most;
}

static uint64_t naive_largest(const uint64_t *node, uint32_t which,
			      uint64_t bytes)
{
	uint64_t largest = 0;

	for (uint32_t order = 0; order < 8; order++) {
		uint64_t most = 0;

		for (uint32_t i = 0; i < USABLE_LANES; i++) {
			uint64_t byte = usable_byte(
				i == which ? bytes : node[i], order);

			most = byte > most ? byte : most;
		}
		largest |= most << (8 * order);
	}
	return largest;
}

static void compare_usable_lanes(void)
{
	_Alignas(USABLE_LANES * 8) uint64_t node[USABLE_LANES];
	struct rng rng = {.state = 8};

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t order = rng_below(&rng, USABLE_ORDERS);
		uint32_t bits =
			1 +
			rng_below(&rng, rng_below(&rng, 2) ? 4 : USABLE_MOST);
		uint32_t from = rng_below(&rng, USABLE_LANES);
		uint32_t found = from;
		uint64_t bytes = random_bytes(&rng);

		for (uint32_t i = 0; i < USABLE_LANES; i++)
			node[i] = random_bytes(&rng);
		while (found < USABLE_LANES &&
		       usable_byte(node[found], order) < bits)
			found++;
		CHECK_EQ(usable_reach(node, from, bits, order), found);
		CHECK_EQ(usable_largest_with(node, from, bytes),
			 naive_largest(node, from, bytes));
	}
}

// What the runs that begin in @word and are not sure offer to an order: bits
// from its first multiple in each, which may lie in one of the next two words.
static uint64_t naive_usable(uint32_t number, const struct run_word *word,
			     uint32_t order)
{
	uint32_t first = number << WORD_SHIFT;
	uint32_t bit = word->below ? ones_from(word->free, 0) : 0;
	uint64_t most = 0;

	for (; bit < 64; bit++) {
		uint32_t run = bit;
		uint32_t at = first + bit;
		uint32_t end;

		while (bit < 64 && word->free >> bit & 1)
			bit++;
		end = first + bit;
		if (run == bit)
			continue;
		if (bit == 64)
			end += word->above;
		if (end - at >= USABLE_SURE)
			continue;
		while (at & ((1U << order) - 1))
			at++;
		if (at < end && end - at > most)
			most = end - at;
	}
	return most < USABLE_MOST ? most : USABLE_MOST;
}

static void compare_usable(uint64_t free, uint32_t below, uint32_t above)
{
	const struct run_word word = {
		.free = free,
		.below = free & 1 ? below : 0,
		// What enters a word does not leave it.
		.above = free >> 63 && !(below && !~free) ? above : 0,
	};

	for (uint32_t number = 8; number < 10; number++) {
		uint64_t expected = 0;

		for (uint32_t order = 0; order < USABLE_ORDERS; order++)
			expected |= naive_usable(number, &word, order)
				    << (8 * order);
		CHECK_EQ(usable_in(number, &word), expected);
	}
}

static void compare_usable_bytes(void)
{
	struct rng rng = {.state = 9};

	compare_usable(0, 0, 0);
	for (uint32_t bit = 0; bit < 64; bit++)
		for (uint32_t above = 0; above < 450; above += 9) {
			compare_usable(~UINT64_C(0) << bit, 0, above);
			compare_usable(~UINT64_C(0) << bit, 5, above);
			compare_usable(~UINT64_C(0) >> bit, above, 0);
		}
	compare_usable(UINT64_C(1) << 63, 0, INT32_MAX);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t word = rng_next(&rng);

		if (round & 1)
			word |= rng_next(&rng) | rng_next(&rng);
		compare_usable(word, round & 2, rng_below(&rng, 300));
		compare_usable(word | 1, round & 4, rng_below(&rng, 600));
	}
}

// A run by itself offers what its word does when it is the only one.
static void compare_usable_runs(void)
{
	for (uint32_t bit = 1024; bit < 1280; bit++)
		for (uint32_t length = 0; length <= USABLE_SURE; length++) {
			uint64_t expected = 0;

			for (uint32_t order = 0; order < USABLE_ORDERS;
			     order++) {
				uint32_t low = (1U << order) - 1;
				uint32_t at = (bit + low) & ~low;
				uint64_t n = at < bit + length
						     ? bit + length - at
						     : 0;

				n = n < USABLE_MOST ? n : USABLE_MOST;
				expected |= n << (8 * order);
			}
			CHECK_EQ(usable_of_run(bit, length), expected);
		}
}

#endif
