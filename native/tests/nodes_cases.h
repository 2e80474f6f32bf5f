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
			1 + rng_below(&rng, rng_below(&rng, 2) ? 4 : 127);
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

// The longest run from each multiple of 2^@order in @word, and from the next
// word's first bit if the free bits go on there.
static uint64_t naive_usable(uint64_t word, uint32_t above, uint32_t order)
{
	uint64_t most = 0;

	for (uint32_t at = 0; at <= 64; at += 1U << order) {
		uint32_t bit = at;
		uint64_t n;

		while (bit < 64 && word >> bit & 1)
			bit++;
		n = bit - at + (bit == 64 ? above : 0);
		most = n > most ? n : most;
	}
	return most < USABLE_MOST ? most : USABLE_MOST;
}

static void compare_usable(uint64_t word, uint32_t above)
{
	uint64_t expected = 0;

	for (uint32_t order = 0; order < USABLE_ORDERS; order++)
		expected |= naive_usable(word, above, order) << (8 * order);
	CHECK_EQ(usable_bytes(word, above), expected);
}

static void compare_usable_bytes(void)
{
	const uint64_t top = UINT64_C(1) << 63;
	struct rng rng = {.state = 9};

	compare_usable(0, 0);
	for (uint32_t bit = 0; bit < 64; bit++) {
		compare_usable(~UINT64_C(0) >> bit, 0);
		compare_usable(~UINT64_C(0) << bit, 0);
		for (uint32_t above = 0; above < 200; above += 9)
			compare_usable(~UINT64_C(0) << bit, above);
	}
	compare_usable(top, INT32_MAX);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint64_t word = rng_next(&rng);

		if (round & 1)
			word |= rng_next(&rng) | rng_next(&rng);
		compare_usable(word, 0);
		compare_usable(word | top, rng_below(&rng, 300));
	}
}

#endif
