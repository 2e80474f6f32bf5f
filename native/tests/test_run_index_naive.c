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
	uint32_t order = rng_below(&pair->rng, 9);
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
	compare_with_naive(17, 3, 3, 0x1ff, 20000);
	compare_with_naive(1000, 7, 0x12345, 0x1ff, 20000);
}

TEST(aligned_searches_with_a_tree_for_some_orders_equal_a_linear_scan)
{
	compare_with_naive(257, 5, 0xff, 0x10, 20000);
	compare_with_naive(1000, 4, 0x12345, 0x110, 20000);
	compare_with_naive(4096, 9, UINT64_MAX, 0x124, 5000);
}

TEST(searches_in_a_large_fragmented_index_equal_a_linear_scan)
{
	compare_with_naive(NAIVE_BITS - 1, 4, 0, 0, 3000);
	compare_with_naive(NAIVE_BITS, 9, 0x77, 0x110, 3000);
}
