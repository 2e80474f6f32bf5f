// SPDX-License-Identifier: MIT
//
// When malloc() fails: nothing happened, and nothing leaks.
#include "bench.h"

// Fail the next allocation of the core; what a step says.
static int step_starved(struct bench *bench, const struct hk_event *event)
{
	int ret;

	fail_allocation(1);
	ret = hk_machine_step(bench->machine, event, &bench->row, NULL);
	fail_allocation(0);
	bench_check(bench);
	return ret;
}

TEST(a_starved_step_changes_nothing)
{
	struct bench bench;
	const uint16_t heap = 0;
	const struct hk_event alloc = {
		.op = HK_OP_ALLOC,
		.buffer = 7,
		.size = MIB(1),
		.heap = &heap,
		.n_heaps = 1,
	};
	const struct hk_event attach = {.op = HK_OP_ATTACH, .buffer = 7};
	const struct hk_event free_it = {.op = HK_OP_FREE, .buffer = 7};

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED);
	bench_start(&bench);
	CHECK_EQ(step_starved(&bench, &alloc), -ENOMEM);
	CHECK_EQ(gauges_of(&bench, 0).free_bytes, MIB(16));
	CHECK(allocate(&bench, 7, MIB(1), 0) != NOWHERE);
	CHECK_EQ(step_starved(&bench, &attach), -ENOMEM);
	CHECK_EQ(on_device(&bench, HK_OP_DETACH, 7, 0), -EINVAL);
	CHECK_EQ(step_starved(&bench, &free_it), -ENOMEM);
	CHECK_EQ(gauges_of(&bench, 0).pool_bytes, 0);
	give(&bench, 7);
	CHECK_EQ(gauges_of(&bench, 0).pool_bytes, MIB(1));
	bench_end(&bench);
}

TEST(a_starved_idle_thread_keeps_its_buffer)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	bench_start(&bench);
	allocate(&bench, 0, MIB(1), 0);
	give(&bench, 0);
	advance(&bench, 10);
	fail_allocation(1);
	CHECK_EQ(hk_machine_advance(bench.machine, 1000000000), -ENOMEM);
	CHECK_EQ(gauges_of(&bench, 0).deferred_bytes, MIB(1));
	CHECK_EQ(hk_machine_advance(bench.machine, 1000000000), 0);
	CHECK_EQ(gauges_of(&bench, 0).pool_bytes, MIB(1));
	bench_end(&bench);
}

TEST(a_machine_may_end_while_an_idle_thread_is_busy)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(16));
	bench_system(&bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	bench_start(&bench);
	for (uint32_t i = 0; i < 3; i++)
		allocate(&bench, i, MIB(2), 0);
	give(&bench, 0);
	give(&bench, 1);
	advance(&bench, 10);
	bench_end(&bench);
}
