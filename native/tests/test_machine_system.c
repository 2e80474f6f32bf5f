// SPDX-License-Identifier: MIT
//
// The system heap: which orders it takes, and what happens when they run out.
#include "bench.h"

enum { SYSTEM = 0 };

static void start(struct bench *bench, uint64_t total)
{
	bench_init(bench);
	bench_memory(bench, total);
	bench_system(bench, 0);
	bench_start(bench);
}

TEST(a_1080p_rgba_frame_is_7_and_14_and_9_blocks)
{
	struct bench bench;

	start(&bench, MIB(64));
	allocate(&bench, 0, 8294400, SYSTEM);
	CHECK_EQ(bench.row.entries, 30);
	CHECK_EQ(entries_of_size(&bench, 0, MIB(1)), 7);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(64)), 14);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(4)), 9);
	bench_end(&bench);
}

TEST(a_4k_nv12_frame_is_11_and_13_and_14_blocks)
{
	struct bench bench;

	start(&bench, MIB(64));
	allocate(&bench, 0, 12441600, SYSTEM);
	CHECK_EQ(bench.row.entries, 38);
	CHECK_EQ(entries_of_size(&bench, 0, MIB(1)), 11);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(64)), 13);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(4)), 14);
	bench_end(&bench);
}

TEST(an_allocation_pays_for_each_block_and_each_page)
{
	struct bench bench;

	start(&bench, MIB(64));
	allocate(&bench, 0, 8294400, SYSTEM);
	CHECK_EQ(bench.row.latency_ns, 5000 + 30 * 300 + 2025 * 500);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 30 * 300);
	CHECK_EQ(bench.gauges.free_bytes, MIB(64));
	bench_end(&bench);
}

TEST(an_entry_is_a_block_even_if_the_next_is_adjacent)
{
	struct bench bench;

	start(&bench, MIB(64));
	allocate(&bench, 0, MIB(2), SYSTEM);
	CHECK_EQ(bench.row.entries, 2);
	CHECK_EQ(entry_of(&bench, 0, 1).address,
		 entry_of(&bench, 0, 0).address + MIB(1));
	bench_end(&bench);
}

// Two free runs of 1 MiB less a page, and one of 64 KiB: order 8 is nowhere.
TEST(an_order_that_failed_is_not_tried_again_in_the_same_buffer)
{
	struct bench bench;

	start(&bench, MIB(4));
	for (uint32_t i = 0; i < 1024; i++)
		allocate(&bench, i, KIB(4), SYSTEM);
	for (uint32_t i = 0; i < 1024; i++)
		if (i % 256)
			give(&bench, i);
	allocate(&bench, 2000, MIB(2), SYSTEM);
	CHECK_EQ(bench.row.status, 0);
	CHECK_EQ(entries_of_size(&bench, 2000, MIB(1)), 0);
	CHECK_EQ(entries_of_size(&bench, 2000, KIB(64)), 32);
	give(&bench, 0);
	allocate(&bench, 2001, MIB(1), SYSTEM);
	CHECK_EQ(bench.row.entries, 16);
	bench_end(&bench);
}

TEST(a_failed_allocation_gives_every_page_back)
{
	struct bench bench;

	start(&bench, MIB(4));
	CHECK_EQ(allocate(&bench, 0, MIB(4) + KIB(4), SYSTEM), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	CHECK_EQ(bench.row.entries, 0);
	CHECK_EQ(bench.row.address, 0);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4));
	CHECK_EQ(bench.gauges.largest_free_bytes, MIB(4));
	CHECK_EQ(bench.row.latency_ns, 5000 + 4 * (300 + 256 * 500) + 4 * 300);
	bench_end(&bench);
}

TEST(only_order_0_goes_below_the_watermark)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(4));
	bench.spec.memory.min_free = MIB(1);
	bench_system(&bench, 0);
	bench_start(&bench);
	CHECK(allocate(&bench, 0, MIB(4), SYSTEM) != NOWHERE);
	CHECK_EQ(bench.gauges.free_bytes, 0);
	CHECK(entries_of_size(&bench, 0, MIB(1)) <= 3);
	CHECK(entries_of_size(&bench, 0, KIB(4)) >= 256 - 16);
	bench_end(&bench);
}

TEST(orders_are_those_of_the_board)
{
	struct bench bench;
	struct hk_heap_spec *heap;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	heap = bench_system(&bench, 0);
	heap->order[0] = 9;
	bench_start(&bench);
	allocate(&bench, 0, MIB(3), SYSTEM);
	CHECK_EQ(entries_of_size(&bench, 0, MIB(2)), 1);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(64)), 16);
	bench_end(&bench);
}

TEST(a_region_inside_the_memory_is_taken_out_of_it)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(64));
	bench_system(&bench, 0);
	bench_region(&bench, HK_HEAP_CARVEOUT, MIB(16), MIB(16));
	bench_region(&bench, HK_HEAP_CMA, MIB(32), MIB(4));
	bench_region(&bench, HK_HEAP_CARVEOUT, MIB(512), MIB(4));
	bench_start(&bench);
	CHECK_EQ(gauges_of(&bench, SYSTEM).free_bytes, MIB(44));
	bench_end(&bench);
}
