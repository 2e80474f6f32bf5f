// SPDX-License-Identifier: MIT
//
// Searches for free runs against a linear scan.
#include <stddef.h>

#include "harness.h"
#include "naive_bitmap.h"
#include "run_index_fixture.h"

struct differential {
	struct run_index *index;
	struct naive_bitmap map;
	struct rng rng;
	uint64_t phase;
};

// Both must find the same place; take it in both, or give back the run of used
// bits at a random place.
static void random_event(struct differential *pair, uint32_t orders)
{
	struct naive_bitmap *map = &pair->map;
	uint32_t order = rng_below(&pair->rng, 11);
	uint64_t mask = (UINT64_C(1) << order) - 1;
	uint64_t offset = pair->phase & mask;
	uint32_t n = rng_size(&pair->rng, orders);
	uint32_t from =
		rng_below(&pair->rng, 2) * rng_below(&pair->rng, map->bits);
	uint32_t run;
	uint32_t at = run_index_find(pair->index, from, n, order, &run);
	uint64_t naive = naive_find(map, from, n, mask, offset);

	CHECK_EQ(at, naive + n <= map->bits ? naive : HK_NO_RUN);
	if (at != HK_NO_RUN && rng_below(&pair->rng, 2)) {
		run_index_take(pair->index, run, at, n);
		naive_set(map, at, n, true);
	}
	at = rng_below(&pair->rng, map->bits);
	for (n = 0; n < 1U << orders && at + n < map->bits; n++)
		if (!map->used[at + n])
			break;
	if (n == 0)
		return;
	CHECK(run_index_taken(pair->index, at, n));
	run_index_give(pair->index, at, n);
	naive_set(map, at, n, false);
}

static bool naive_is_free(const struct naive_bitmap *map, uint64_t bit)
{
	return bit < map->bits && !map->used[bit];
}

static uint32_t naive_run_from(const struct naive_bitmap *map, uint32_t bit)
{
	uint32_t n = 0;

	while (naive_is_free(map, bit + n))
		n++;
	return n;
}

static uint32_t naive_run_start(const struct naive_bitmap *map, uint32_t bit)
{
	while (bit > 0 && naive_is_free(map, bit - 1))
		bit--;
	return bit;
}

static uint32_t naive_next(const struct naive_bitmap *map, uint32_t from,
			   uint32_t n)
{
	for (uint32_t bit = from; bit < map->bits; bit++)
		if (naive_is_free(map, bit) &&
		    naive_run_start(map, bit) == bit &&
		    naive_run_from(map, bit) >= n)
			return bit;
	return HK_NO_RUN;
}

// All that can be asked of one bit.
static void compare_bit(struct differential *pair, uint32_t bit)
{
	const struct naive_bitmap *map = &pair->map;
	const struct run_index *index = pair->index;
	bool starts = naive_run_start(map, bit) == bit;
	uint32_t before = bit - naive_run_start(map, bit);
	uint32_t n = 1 + rng_below(&pair->rng, 1 + rng_below(&pair->rng, 200));

	CHECK_EQ(run_index_at(index, bit), naive_is_free(map, bit)
						   ? naive_run_start(map, bit)
						   : HK_NO_RUN);
	CHECK_EQ(run_index_length(index, bit),
		 starts ? naive_run_from(map, bit) : 0);
	CHECK_EQ(run_index_length_before(index, bit),
		 naive_is_free(map, bit) ? 0 : before);
	CHECK_EQ(run_index_next(index, bit, n), naive_next(map, bit, n));
	CHECK_EQ(run_index_taken(index, bit, 1), !naive_is_free(map, bit));
}

// @orders as for run_index_align(): searches with and without a tree.
static void compare_with_naive(uint32_t bits, uint32_t sizes, uint64_t phase,
			       uint64_t orders, uint32_t events)
{
	struct differential pair = {
		.index = create(bits), .rng = {.state = bits}, .phase = phase};

	naive_clear(&pair.map, bits);
	CHECK_EQ(run_index_align(pair.index, phase, orders), 0);
	check(pair.index);
	for (uint32_t i = 0; i < scaled(events); i++) {
		random_event(&pair, sizes);
		CHECK_EQ(run_index_longest(pair.index),
			 naive_longest(&pair.map));
		CHECK_EQ(run_index_free(pair.index), naive_free(&pair.map));
		compared(1);
		compare_bit(&pair, rng_below(&pair.rng, bits));
		if (i % 64 == 0)
			check(pair.index);
	}
	run_index_destroy(pair.index);
}

TEST(aligned_searches_without_a_tree_equal_a_linear_scan)
{
	compare_with_naive(17, 3, 0, 0, 20000);
	compare_with_naive(256, 5, 5, 0, 20000);
	compare_with_naive(1000, 7, 0x12345, 0, 20000);
}

TEST(aligned_searches_with_a_tree_for_each_order_equal_a_linear_scan)
{
	compare_with_naive(17, 3, 3, 0x7ff, 20000);
	compare_with_naive(1000, 7, 0x12345, 0x7ff, 20000);
	compare_with_naive(3000, 9, 0x3c0, 0x7ff, 5000);
}

TEST(aligned_searches_with_a_tree_for_some_orders_equal_a_linear_scan)
{
	compare_with_naive(257, 5, 0xff, 0x10, 20000);
	compare_with_naive(1000, 4, 0x12345, 0x110, 20000);
	compare_with_naive(4096, 9, UINT64_MAX, 0x124, 5000);
	compare_with_naive(4096, 9, 0x5a, 0x80, 5000);
	compare_with_naive(4096, 8, 0x41, 0x300, 5000);
}

TEST(searches_in_a_large_fragmented_index_equal_a_linear_scan)
{
	compare_with_naive(NAIVE_BITS - 1, 4, 0, 0, 3000);
	compare_with_naive(NAIVE_BITS, 9, 0x77, 0x110, 3000);
}

// Words begin at other bits of the map with each phase.
TEST(searches_equal_a_linear_scan_in_every_phase_of_a_word)
{
	for (uint32_t phase = 0; phase < 64; phase++)
		compare_with_naive(193 + phase, 7, phase, 0x1ff, 500);
}

// The borders of a run where they can go wrong: at, before and behind the
// borders of words.
static const uint32_t edges[] = {0,   1,   62,	63,  64,  65,
				 127, 128, 129, 191, 192, 193};

enum { N_EDGES = sizeof(edges) / sizeof(*edges), EDGE_BITS = 256 };

static void take(struct differential *pair, uint32_t at, uint32_t n)
{
	run_index_take(pair->index, run_index_at(pair->index, at), at, n);
	naive_set(&pair->map, at, n, true);
}

static void give(struct differential *pair, uint32_t at, uint32_t n)
{
	run_index_give(pair->index, at, n);
	naive_set(&pair->map, at, n, false);
}

static void compare_edges(struct differential *pair)
{
	check(pair->index);
	CHECK_EQ(run_index_longest(pair->index), naive_longest(&pair->map));
	for (uint32_t i = 0; i < N_EDGES; i++)
		compare_bit(pair, edges[i]);
	compared(1);
}

// [@b, @c) of [@a, @d) is taken and given back: with what is free on either
// side, with one of them taken first, and with both.
static void cross_edges(struct differential *pair, const uint32_t *at)
{
	for (uint32_t sides = 0; sides < 4; sides++) {
		bool left = sides & 1 && at[1] > at[0];
		bool right = sides & 2 && at[3] > at[2];

		if (left)
			take(pair, at[0], at[1] - at[0]);
		if (right)
			take(pair, at[2], at[3] - at[2]);
		take(pair, at[1], at[2] - at[1]);
		compare_edges(pair);
		give(pair, at[1], at[2] - at[1]);
		compare_edges(pair);
		if (left)
			give(pair, at[0], at[1] - at[0]);
		if (right)
			give(pair, at[2], at[3] - at[2]);
		CHECK_EQ(run_index_length(pair->index, 0), EDGE_BITS);
	}
}

TEST(runs_join_and_part_at_every_border_of_words)
{
	static struct differential pair;

	pair.index = create(EDGE_BITS);
	naive_clear(&pair.map, EDGE_BITS);
	CHECK_EQ(run_index_align(pair.index, 0, 0x184), 0);
	for (uint32_t a = 0; a < N_EDGES; a++)
		for (uint32_t b = a; b < N_EDGES; b++)
			for (uint32_t c = b + 1; c < N_EDGES; c++)
				for (uint32_t d = c; d < N_EDGES; d++)
					cross_edges(&pair,
						    (uint32_t[]){edges[a],
								 edges[b],
								 edges[c],
								 edges[d]});
	run_index_destroy(pair.index);
}

// Found by the fixed rule's adversary: the bit before a word's first may lie in
// a word that says nothing, being inside the run.
TEST(a_run_is_traced_back_from_the_first_bit_of_its_last_word)
{
	static struct differential pair;

	pair.index = create(300);
	naive_clear(&pair.map, 300);
	take(&pair, 0, 10);
	take(&pair, 200, 100);
	for (uint32_t bit = 0; bit < 300; bit++)
		compare_bit(&pair, bit);
	take(&pair, 192, 4);
	CHECK_EQ(run_index_longest(pair.index), 182);
	check(pair.index);
	run_index_destroy(pair.index);
}
