// SPDX-License-Identifier: MIT
//
// What every kind of heap shares: fallback chains, failed buffers, devices and
// cache maintenance.
#include "bench.h"

enum { CARVEOUT, SYSTEM };

static const uint64_t base = UINT64_C(0x800000000);
static const uint16_t fallback[] = {CARVEOUT, SYSTEM};
static const uint64_t lines = 1048576 / 64; // of 1 MiB

// A carveout of 4 MiB, a system heap over 16 MiB, devices 0 and 1 that do not
// snoop and device 2 that does.
static void start(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_region(bench, HK_HEAP_CARVEOUT, base, MIB(4));
	bench_system(bench, 0);
	bench_device(bench, false);
	bench_device(bench, false);
	bench_device(bench, true);
	bench_start(bench);
}

TEST(a_chain_goes_on_when_a_heap_is_full)
{
	struct bench bench;

	start(&bench);
	CHECK_EQ(allocate_chain(&bench, 0, MIB(3), fallback, 2), 0);
	CHECK_EQ(bench.row.heap, CARVEOUT);
	CHECK_EQ(bench.row.tried, 1);
	CHECK_EQ(allocate_chain(&bench, 1, MIB(3), fallback, 2), 0);
	CHECK_EQ(bench.row.heap, SYSTEM);
	CHECK_EQ(bench.row.tried, 2);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700 + 5000 + 3 * 300 + 768 * 500);
	bench_end(&bench);
}

TEST(a_failed_allocation_names_the_last_heap_tried)
{
	struct bench bench;

	start(&bench);
	CHECK_EQ(allocate_chain(&bench, 0, MIB(17), fallback, 2), -ENOMEM);
	CHECK_EQ(bench.row.heap, SYSTEM);
	CHECK_EQ(bench.row.tried, 2);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	bench_end(&bench);
}

TEST(the_free_of_a_failed_allocation_does_nothing)
{
	struct bench bench;

	start(&bench);
	allocate_chain(&bench, 0, MIB(17), fallback, 2);
	give(&bench, 0);
	CHECK_EQ(bench.row.heap, SYSTEM);
	CHECK_EQ(bench.row.latency_ns, 0);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	CHECK_EQ(allocate_chain(&bench, 0, MIB(1), fallback, 2), 0);
	bench_end(&bench);
}

TEST(ops_on_a_failed_allocation_do_nothing)
{
	struct bench bench;

	start(&bench);
	allocate_chain(&bench, 0, MIB(17), fallback, 2);
	CHECK_EQ(on_device(&bench, HK_OP_ATTACH, 0, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_UNMAP, 0, 0), 0);
	CHECK_EQ(sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_READ, 0, 0), 0);
	CHECK_EQ(bench.row.latency_ns, 0);
	bench_end(&bench);
}

TEST(a_size_that_is_no_size_is_refused_by_the_first_heap)
{
	struct bench bench;

	start(&bench);
	CHECK_EQ(allocate_chain(&bench, 0, 0, fallback, 2), -EINVAL);
	CHECK_EQ(bench.row.heap, CARVEOUT);
	CHECK_EQ(bench.row.tried, 1);
	CHECK_EQ(allocate_chain(&bench, 1, UINT64_MAX, fallback, 2), -EINVAL);
	CHECK_EQ(allocate_chain(&bench, 2, UINT64_MAX - 4095, fallback, 2),
		 -ENOMEM);
	bench_end(&bench);
}

TEST(a_buffer_id_is_free_again_after_its_free)
{
	struct bench bench;

	start(&bench);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_EQ(allocate(&bench, 7, MIB(1), CARVEOUT), base);
		give(&bench, 7);
	}
	bench_end(&bench);
}

static int try_event(struct bench *bench, struct hk_event event)
{
	return hk_machine_step(bench->machine, &event, &bench->row, NULL);
}

TEST(malformed_events_are_refused_without_effect)
{
	struct bench bench;
	const uint16_t none[] = {2};

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	const struct hk_event bad[] = {
		{.op = HK_NR_OPS},
		{.op = HK_OP_FREE, .buffer = 1},
		{.op = HK_OP_FREE, .time_ns = -1},
		{.op = HK_OP_ALLOC, .size = 1, .heap = fallback, .n_heaps = 1},
		{.op = HK_OP_ALLOC, .buffer = 1, .size = 1},
		{.op = HK_OP_ALLOC,
		 .buffer = 1,
		 .size = 1,
		 .heap = none,
		 .n_heaps = 1},
		{.op = HK_OP_ALLOC,
		 .buffer = UINT32_MAX,
		 .size = 1,
		 .heap = fallback,
		 .n_heaps = 1},
		{.op = HK_OP_ATTACH, .device = 3},
		{.op = HK_OP_BEGIN_CPU, .access = 0},
		{.op = HK_OP_END_CPU, .access = 4},
	};
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(try_event(&bench, bad[i]), -EINVAL);
	CHECK_EQ(gauges_of(&bench, CARVEOUT).free_bytes, MIB(3));
	bench_end(&bench);
}

TEST(a_device_must_be_attached_and_mapped_in_turn)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	CHECK_EQ(on_device(&bench, HK_OP_DETACH, 0, 0), -EINVAL);
	CHECK_EQ(on_device(&bench, HK_OP_MAP, 0, 0), -EINVAL);
	CHECK_EQ(on_device(&bench, HK_OP_ATTACH, 0, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_UNMAP, 0, 0), -EINVAL);
	CHECK_EQ(on_device(&bench, HK_OP_MAP, 0, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_MAP, 0, 0), -EINVAL);
	CHECK_EQ(on_device(&bench, HK_OP_UNMAP, 0, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_DETACH, 0, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_DETACH, 0, 0), -EINVAL);
	bench_end(&bench);
}

TEST(mapping_cleans_and_unmapping_invalidates_the_whole_buffer)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(2), SYSTEM);
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 1100 + 2 * 10);
	on_device(&bench, HK_OP_MAP, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 2 * 20 + 2 * 900 + 2 * lines * 4);
	on_device(&bench, HK_OP_UNMAP, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 2 * 30 + 2 * 900 + 2 * lines * 5);
	on_device(&bench, HK_OP_DETACH, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 1100);
	bench_end(&bench);
}

TEST(a_device_that_snoops_needs_no_maintenance)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	on_device(&bench, HK_OP_ATTACH, 0, 2);
	on_device(&bench, HK_OP_MAP, 0, 2);
	CHECK_EQ(bench.row.latency_ns, 20);
	sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, HK_ACCESS_READ, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	bench_end(&bench);
}

TEST(cpu_access_repeats_the_pass_for_every_mapped_attachment)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, HK_ACCESS_READ, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	for (uint32_t i = 0; i < 3; i++) {
		on_device(&bench, HK_OP_ATTACH, 0, i % 2);
		on_device(&bench, HK_OP_MAP, 0, i % 2);
	}
	on_device(&bench, HK_OP_ATTACH, 0, 1);
	sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, HK_ACCESS_READ, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600 + 3 * (900 + lines * 5));
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_READ, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600 + 3 * (900 + lines * 4));
	sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, HK_ACCESS_WRITE, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, HK_ACCESS_READ | HK_ACCESS_WRITE,
		 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600 + 3 * (900 + lines * 5));
	bench_end(&bench);
}

TEST(partial_maintenance_touches_only_the_entries_it_overlaps)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(4), SYSTEM);
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	on_device(&bench, HK_OP_MAP, 0, 0);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, MIB(1), 64);
	CHECK_EQ(bench.row.latency_ns, 600 + 900 + 4);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, MIB(1) - 64, 128);
	CHECK_EQ(bench.row.latency_ns, 600 + 2 * 900 + 2 * 4);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, 60, 8);
	CHECK_EQ(bench.row.latency_ns, 600 + 900 + 2 * 4);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, MIB(3), 0);
	CHECK_EQ(bench.row.latency_ns, 600 + 900 + lines * 4);
	bench_end(&bench);
}

TEST(maintenance_outside_the_buffer_is_refused)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	CHECK_EQ(sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, 1, 0, MIB(1)), 0);
	CHECK_EQ(sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, 1, 0, MIB(1) + 1),
		 -EINVAL);
	CHECK_EQ(sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, 1, 64, UINT64_MAX),
		 -EINVAL);
	CHECK_EQ(sync_cpu(&bench, HK_OP_BEGIN_CPU, 0, 1, MIB(2), 0), -EINVAL);
	bench_end(&bench);
}

TEST(an_uncached_heap_writes_back_once_at_allocation)
{
	struct bench bench;

	bench_init(&bench);
	bench_region(&bench, HK_HEAP_CARVEOUT, base, MIB(4))->flags =
		HK_HEAP_UNCACHED;
	bench_start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + 700 + 256 * 500 + 20 + 30 + 2 * 900 + lines * (4 + 5));
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	on_device(&bench, HK_OP_MAP, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 20);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	bench_end(&bench);
}

TEST(a_free_detaches_every_device)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	on_device(&bench, HK_OP_MAP, 0, 0);
	give(&bench, 0);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	CHECK_EQ(on_device(&bench, HK_OP_DETACH, 0, 0), -EINVAL);
	bench_end(&bench);
}
