// SPDX-License-Identifier: MIT
//
// Page pools as ION had them: what an allocation that fails leaves in them, and
// in which order they are shrunk.
#include "bench.h"

enum { ION, SYSTEM };

static void start(struct bench *bench, uint32_t flags)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_system(bench, HK_HEAP_POOLED | flags);
	bench_system(bench, 0);
	bench_start(bench);
}

TEST(an_allocation_that_fails_leaves_its_pages_in_the_pools)
{
	struct bench bench;

	start(&bench, HK_HEAP_UNWIND_TO_POOL);
	allocate(&bench, 0, MIB(10), SYSTEM);
	CHECK_EQ(allocate(&bench, 1, MIB(8), ION), NOWHERE);
	CHECK_EQ(bench.gauges.pool_bytes, MIB(6));
	CHECK_EQ(bench.gauges.free_bytes, 0);
	// Nobody wrote to them: they are put back as they came.
	CHECK_EQ(bench.row.latency_ns, 5000 + 6 * (300 + 80 + 256 * 500));
	CHECK(allocate(&bench, 2, MIB(6), ION) != NOWHERE);
	CHECK_EQ(bench.row.pool_entries, 6);
	bench_end(&bench);
}

TEST(android_gives_them_to_the_page_allocator)
{
	struct bench bench;

	start(&bench, 0);
	allocate(&bench, 0, MIB(10), SYSTEM);
	CHECK_EQ(allocate(&bench, 1, MIB(8), ION), NOWHERE);
	CHECK_EQ(bench.gauges.pool_bytes, 0);
	CHECK_EQ(bench.gauges.free_bytes, MIB(6));
	bench_end(&bench);
}

TEST(what_passes_a_pools_limit_goes_to_the_page_allocator)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED | HK_HEAP_UNWIND_TO_POOL)
		->pool_limit = MIB(2);
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, 1, MIB(17), ION), NOWHERE);
	CHECK_EQ(bench.gauges.pool_bytes, MIB(2));
	CHECK_EQ(bench.gauges.free_bytes, MIB(14));
	bench_end(&bench);
}

// One item of every pool, and pressure for one page.
static void fill_and_press(struct bench *bench, uint32_t flags)
{
	start(bench, flags);
	allocate(bench, 0, MIB(1) + KIB(68), ION);
	give(bench, 0);
	for (uint32_t slot = 0; slot < 3; slot++)
		CHECK_EQ(pool_items(bench, ION, slot), 1);
	pressure(bench, KIB(4));
}

TEST(ion_shrinks_its_largest_pool_first)
{
	struct bench bench;

	fill_and_press(&bench, HK_HEAP_SHRINK_LARGEST);
	CHECK_EQ(pool_items(&bench, ION, 0), 0);
	CHECK_EQ(pool_items(&bench, ION, 2), 1);
	CHECK_EQ(bench.row.latency_ns, 256 * 1000);
	pressure(&bench, KIB(4));
	CHECK_EQ(pool_items(&bench, ION, 1), 0);
	CHECK_EQ(pool_items(&bench, ION, 2), 1);
	bench_end(&bench);
}

TEST(android_shrinks_its_smallest_pool_first)
{
	struct bench bench;

	fill_and_press(&bench, 0);
	CHECK_EQ(pool_items(&bench, ION, 0), 1);
	CHECK_EQ(pool_items(&bench, ION, 2), 0);
	bench_end(&bench);
}

TEST(the_pools_of_two_heaps_keep_their_own_order)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED);
	bench_system(&bench, HK_HEAP_POOLED | HK_HEAP_SHRINK_LARGEST);
	bench_start(&bench);
	for (uint16_t heap = 0; heap < 2; heap++) {
		allocate(&bench, heap, MIB(1) + KIB(68), heap);
		give(&bench, heap);
	}
	// The last heap is met first; of its pools the largest.
	pressure(&bench, KIB(4));
	CHECK_EQ(pool_items(&bench, 1, 0), 0);
	pressure(&bench, KIB(68));
	CHECK_EQ(pool_items(&bench, 1, 1) + pool_items(&bench, 1, 2), 0);
	pressure(&bench, KIB(4));
	CHECK_EQ(pool_items(&bench, 0, 2), 0);
	CHECK_EQ(pool_items(&bench, 0, 0), 1);
	bench_end(&bench);
}

TEST(an_unwind_that_starves_gives_to_the_page_allocator)
{
	const uint16_t heap = ION;
	const struct hk_event event = {
		.op = HK_OP_ALLOC,
		.buffer = 1,
		.size = MIB(8),
		.heap = &heap,
		.n_heaps = 1,
	};
	uint32_t nth = 0;
	int ret;

	do {
		struct bench bench;

		start(&bench, HK_HEAP_UNWIND_TO_POOL);
		allocate(&bench, 0, MIB(10), SYSTEM);
		fail_allocation(++nth);
		ret = hk_machine_step(bench.machine, &event, &bench.row, NULL);
		fail_allocation(0);
		CHECK(!ret || ret == -ENOMEM);
		CHECK_EQ(gauges_of(&bench, ION).pool_bytes, ret ? 0 : MIB(6));
		CHECK_EQ(gauges_of(&bench, ION).free_bytes, ret ? MIB(6) : 0);
		bench_end(&bench);
	} while (ret);
	CHECK(nth > 2);
}
