// SPDX-License-Identifier: MIT
//
// Page pools, deferred free and shrinkers.
#include "bench.h"

enum { POOLED = 0 };

static const uint32_t deferred_flags = HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE;
static const int64_t second = 1000000000;

static void start(struct bench *bench, uint64_t total, uint32_t flags)
{
	bench_init(bench);
	bench_memory(bench, total);
	bench_system(bench, flags);
	bench_start(bench);
}

TEST(a_recycled_page_costs_no_zeroing)
{
	struct bench bench;

	start(&bench, MIB(16), HK_HEAP_POOLED);
	allocate(&bench, 0, MIB(1), POOLED);
	CHECK_EQ(bench.row.latency_ns, 5000 + 300 + 256 * 500);
	CHECK_EQ(bench.row.pool_entries, 0);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 80 + 256 * 500);
	CHECK_EQ(bench.gauges.pool_bytes, MIB(1));
	CHECK_EQ(bench.gauges.free_bytes, MIB(15));
	allocate(&bench, 0, MIB(1), POOLED);
	CHECK_EQ(bench.row.latency_ns, 5000 + 80);
	CHECK_EQ(bench.row.pool_entries, 1);
	bench_end(&bench);
}

TEST(a_pool_hands_out_its_oldest_page_first)
{
	struct bench bench;
	uint64_t a, b;

	start(&bench, MIB(16), HK_HEAP_POOLED);
	a = allocate(&bench, 0, KIB(4), POOLED);
	b = allocate(&bench, 1, KIB(4), POOLED);
	give(&bench, 0);
	give(&bench, 1);
	CHECK_EQ(allocate(&bench, 2, KIB(4), POOLED), a);
	CHECK_EQ(allocate(&bench, 3, KIB(4), POOLED), b);
	bench_end(&bench);
}

TEST(a_pool_grows_without_bound_and_keeps_its_order)
{
	struct bench bench;

	start(&bench, MIB(16), HK_HEAP_POOLED);
	for (uint32_t i = 0; i < 100; i++)
		allocate(&bench, i, KIB(4), POOLED);
	for (uint32_t i = 0; i < 100; i++)
		give(&bench, i);
	CHECK_EQ(pool_items(&bench, POOLED, 2), 100);
	allocate(&bench, 0, KIB(8), POOLED);
	CHECK_EQ(entry_of(&bench, 0, 1).address,
		 entry_of(&bench, 0, 0).address + KIB(4));
	bench_end(&bench);
}

TEST(a_full_pool_sends_pages_to_the_page_allocator)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED)->pool_limit = MIB(2);
	bench_start(&bench);
	allocate(&bench, 0, MIB(3), POOLED);
	give(&bench, 0);
	CHECK_EQ(bench.gauges.pool_bytes, MIB(2));
	CHECK_EQ(bench.gauges.free_bytes, MIB(14));
	CHECK_EQ(bench.row.latency_ns, 3000 + 2 * (80 + 256 * 500) + 300);
	bench_end(&bench);
}

TEST(pages_of_a_failed_allocation_do_not_go_back_to_the_pool)
{
	struct bench bench;

	start(&bench, MIB(4), HK_HEAP_POOLED);
	allocate(&bench, 0, MIB(1), POOLED);
	give(&bench, 0);
	CHECK_EQ(allocate(&bench, 1, MIB(5), POOLED), NOWHERE);
	CHECK_EQ(bench.row.pool_entries, 0);
	CHECK_EQ(bench.gauges.pool_bytes, 0);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4));
	bench_end(&bench);
}

TEST(a_close_returns_at_once_and_the_memory_later)
{
	struct bench bench;

	start(&bench, MIB(16), deferred_flags);
	allocate(&bench, 0, MIB(1), POOLED);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000);
	CHECK_EQ(bench.gauges.deferred_bytes, MIB(1));
	CHECK_EQ(bench.gauges.pool_bytes, 0);
	advance(&bench, 256 * 500 - 1);
	CHECK_EQ(gauges_of(&bench, POOLED).deferred_bytes, MIB(1));
	advance(&bench, 1);
	CHECK_EQ(gauges_of(&bench, POOLED).deferred_bytes, 0);
	CHECK_EQ(gauges_of(&bench, POOLED).pool_bytes, MIB(1));
	bench_end(&bench);
}

TEST(the_idle_thread_takes_the_newest_buffer_first)
{
	struct bench bench;

	start(&bench, MIB(16), deferred_flags);
	allocate(&bench, 0, KIB(64), POOLED);
	allocate(&bench, 1, KIB(4), POOLED);
	give(&bench, 0);
	give(&bench, 1);
	advance(&bench, 500);
	CHECK_EQ(pool_items(&bench, POOLED, 2), 1);
	CHECK_EQ(pool_items(&bench, POOLED, 1), 0);
	advance(&bench, 16 * 500);
	CHECK_EQ(pool_items(&bench, POOLED, 1), 1);
	bench_end(&bench);
}

TEST(a_buffer_in_the_idle_threads_hand_is_finished_first)
{
	struct bench bench;

	start(&bench, MIB(16), deferred_flags);
	allocate(&bench, 0, KIB(64), POOLED);
	allocate(&bench, 1, KIB(4), POOLED);
	give(&bench, 0);
	bench.now += 10;
	give(&bench, 1);
	advance(&bench, 16 * 500 - 11);
	CHECK_EQ(gauges_of(&bench, POOLED).pool_bytes, 0);
	advance(&bench, 1);
	CHECK_EQ(gauges_of(&bench, POOLED).pool_bytes, KIB(64));
	advance(&bench, 500);
	CHECK_EQ(gauges_of(&bench, POOLED).pool_bytes, KIB(68));
	bench_end(&bench);
}

TEST(pressure_takes_deferred_buffers_before_pools)
{
	struct bench bench;

	start(&bench, MIB(16), deferred_flags);
	allocate(&bench, 0, KIB(64), POOLED);
	allocate(&bench, 1, MIB(1), POOLED);
	give(&bench, 0);
	advance(&bench, second);
	give(&bench, 1);
	pressure(&bench, KIB(4));
	CHECK_EQ(bench.gauges.deferred_bytes, 0);
	CHECK_EQ(bench.gauges.pool_bytes, KIB(64));
	CHECK_EQ(bench.gauges.free_bytes, MIB(16) - KIB(64));
	CHECK_EQ(bench.row.latency_ns, 256 * 1000);
	bench_end(&bench);
}

TEST(pressure_takes_the_buffer_in_the_idle_threads_hand_last)
{
	struct bench bench;

	start(&bench, MIB(16), deferred_flags);
	allocate(&bench, 0, MIB(1), POOLED);
	allocate(&bench, 1, KIB(4), POOLED);
	give(&bench, 0);
	bench.now += 10;
	give(&bench, 1);
	pressure(&bench, KIB(4));
	CHECK_EQ(bench.gauges.deferred_bytes, MIB(1));
	pressure(&bench, KIB(4));
	CHECK_EQ(bench.gauges.deferred_bytes, 0);
	advance(&bench, second);
	CHECK_EQ(gauges_of(&bench, POOLED).pool_bytes, 0);
	CHECK_EQ(gauges_of(&bench, POOLED).free_bytes, MIB(16));
	bench_end(&bench);
}

static void fill_each_pool(struct bench *bench, uint16_t heap, uint32_t buffer)
{
	allocate(bench, buffer, MIB(1) + KIB(64) + KIB(4), heap);
	give(bench, buffer);
}

TEST(pressure_visits_pools_from_order_0_up)
{
	struct bench bench;

	start(&bench, MIB(16), HK_HEAP_POOLED);
	fill_each_pool(&bench, POOLED, 0);
	pressure(&bench, KIB(4));
	CHECK_EQ(pool_items(&bench, POOLED, 2), 0);
	CHECK_EQ(pool_items(&bench, POOLED, 1), 1);
	pressure(&bench, KIB(4));
	CHECK_EQ(pool_items(&bench, POOLED, 1), 0);
	CHECK_EQ(pool_items(&bench, POOLED, 0), 1);
	CHECK_EQ(bench.gauges.free_bytes, MIB(15));
	pressure(&bench, KIB(4));
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	pressure(&bench, KIB(4));
	CHECK_EQ(bench.row.latency_ns, 0);
	bench_end(&bench);
}

TEST(pressure_visits_the_pools_of_the_last_heap_first)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED);
	bench_system(&bench, HK_HEAP_POOLED);
	bench_start(&bench);
	fill_each_pool(&bench, 0, 0);
	fill_each_pool(&bench, 1, 0);
	pressure(&bench, MIB(1) + KIB(68));
	CHECK_EQ(gauges_of(&bench, 0).pool_bytes, MIB(1) + KIB(68));
	CHECK_EQ(gauges_of(&bench, 1).pool_bytes, 0);
	bench_end(&bench);
}

TEST(order_0_reclaims_before_it_fails)
{
	struct bench bench;

	start(&bench, MIB(4), HK_HEAP_POOLED);
	allocate(&bench, 0, MIB(4), POOLED);
	give(&bench, 0);
	CHECK_EQ(bench.gauges.free_bytes, 0);
	CHECK(allocate(&bench, 1, KIB(4), POOLED) != NOWHERE);
	CHECK_EQ(bench.gauges.pool_bytes, MIB(3));
	CHECK_EQ(bench.row.latency_ns, 5000 + 300 + 500 + 256 * 1000);
	bench_end(&bench);
}

TEST(higher_orders_do_not_reclaim)
{
	struct bench bench;

	start(&bench, MIB(4), HK_HEAP_POOLED);
	for (uint32_t i = 0; i < 1024; i++)
		allocate(&bench, i, KIB(4), POOLED);
	for (uint32_t i = 0; i < 1024; i++)
		give(&bench, i);
	allocate(&bench, 0, KIB(64), POOLED);
	CHECK_EQ(bench.row.entries, 16);
	CHECK_EQ(bench.row.pool_entries, 16);
	CHECK_EQ(bench.gauges.free_bytes, 0);
	bench_end(&bench);
}

TEST(time_does_not_run_backwards)
{
	struct bench bench;

	start(&bench, MIB(4), deferred_flags);
	advance(&bench, 100);
	CHECK_EQ(hk_machine_advance(bench.machine, 99), -EINVAL);
	CHECK_EQ(hk_machine_advance(bench.machine, 100), 0);
	bench_end(&bench);
}
