// SPDX-License-Identifier: MIT
//
// A CMA area that is handed out in chunks: by hand.
#include "bench.h"

enum { SYSTEM, CMA, DIRTY, PINNED };

#define PAGES(n) (UINT64_C(4096) * (n))

// 16 MiB of memory, of which 8 to 12 MiB are the area.
static void init(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_system(bench, 0);
	bench_region(bench, HK_HEAP_CMA, MIB(8), MIB(4))->chunk = KIB(64);
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_DIRTY);
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_PINNED);
}

static void start(struct bench *bench)
{
	init(bench);
	bench_start(bench);
}

// @load has @pages of the area from its start on; 1 MiB is free outside.
static void start_lent(struct bench *bench, uint16_t load, uint64_t pages)
{
	start(bench);
	allocate(bench, 98, MIB(11), SYSTEM);
	allocate(bench, 99, MIB(1), SYSTEM);
	CHECK_EQ(allocate(bench, 97, PAGES(pages), load), MIB(8));
	give(bench, 99);
	bench->machine->moves = (struct hk_moves){0};
}

TEST(runs_are_pageblocks_and_halve_near_the_end)
{
	struct bench bench;

	start(&bench);
	CHECK_EQ(allocate(&bench, 0, MIB(3) + KIB(64) + 1, CMA), MIB(8));
	CHECK_EQ(bench.row.entries, 50);
	CHECK_EQ(entries_of_size(&bench, 0, KIB(64)), 50);
	for (uint32_t i = 0; i < 50; i++)
		CHECK_EQ(entry_of(&bench, 0, i).address,
			 MIB(8) + KIB(64) * (uint64_t)i);
	CHECK_EQ(bench.gauges.free_bytes, KIB(64) * 14);
	// Three runs, none of which had to wait.
	CHECK_EQ(bench.row.latency_ns, 5000 + 3 * 700 + 800 * (257 + 500));
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4));
	bench_end(&bench);
}

TEST(a_run_is_as_large_as_a_chunk_at_least)
{
	struct bench bench;

	init(&bench);
	bench.heap[CMA].chunk = MIB(4);
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, 0, 1, CMA), MIB(8));
	CHECK_EQ(bench.row.entries, 1);
	CHECK_EQ(bench.gauges.free_bytes, 0);
	CHECK_EQ(allocate(&bench, 1, 1, CMA), NOWHERE);
	bench_end(&bench);
}

TEST(what_fails_fast_and_then_fails_gives_every_run_back)
{
	struct bench bench;
	struct hk_cma_counters counters;

	start(&bench);
	CHECK_EQ(allocate(&bench, 0, KIB(64), CMA), MIB(8));
	CHECK_EQ(allocate(&bench, 1, MIB(4) - KIB(64), CMA), MIB(10));
	CHECK_EQ(bench.row.entries, 63);
	give(&bench, 1);
	// Of two pageblocks there is one.
	CHECK_EQ(allocate(&bench, 2, MIB(4), CMA), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	CHECK_EQ(bench.row.latency_ns, 5000 + 2 * 700 + 311000 + 512 * 257);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4) - KIB(64));
	CHECK_EQ(hk_machine_cma_counters(bench.machine, CMA, &counters), 0);
	CHECK_EQ(counters.alloc_fail, 2);
	CHECK_EQ(counters.alloc_pages_fail, 1024);
	CHECK_EQ(counters.alloc_pages_success - counters.release_pages_success,
		 16);
	bench_end(&bench);
}

TEST(more_chunks_than_there_are_move_nobody)
{
	struct bench bench;

	start_lent(&bench, DIRTY, 256);
	CHECK_EQ(allocate(&bench, 0, MIB(4) + 1, CMA), NOWHERE);
	CHECK_EQ(bench.row.latency_ns, 5000);
	CHECK_EQ(allocate(&bench, 1, UINT64_MAX - MIB(1), CMA), NOWHERE);
	CHECK_EQ(bench.machine->moves.busy_retries, 0);
	CHECK_EQ(bench.machine->moves.pages_migrated, 0);
	bench_end(&bench);
}

TEST(the_chunks_of_several_ranges_are_all_of_them)
{
	struct bench bench;

	init(&bench);
	bench.heap[CMA].size = bench.heap[CMA].base = 0;
	bench.heap[CMA].n_ranges = 2;
	bench.heap[CMA].range[0] = (struct hk_range){MIB(12), MIB(2)};
	bench.heap[CMA].range[1] = (struct hk_range){MIB(4), MIB(2)};
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, 0, MIB(4), CMA), MIB(12));
	CHECK_EQ(entry_of(&bench, 0, 32).address, MIB(4));
	CHECK_EQ(allocate(&bench, 1, 1, CMA), NOWHERE);
	bench_end(&bench);
}

TEST(a_run_that_fails_fast_passes_dirty_pages_by)
{
	struct bench bench;

	start_lent(&bench, DIRTY, 10);
	CHECK_EQ(allocate(&bench, 0, KIB(64), CMA), MIB(8) + KIB(64));
	CHECK_EQ(bench.machine->moves.busy_retries, 1);
	CHECK_EQ(bench.machine->moves.pages_migrated, 0);
	CHECK_EQ(bench.row.latency_ns, 5000 + 2 * 700 + 16 * (257 + 500));
	bench_end(&bench);
}

TEST(once_a_run_had_to_wait_the_rest_waits_too)
{
	struct bench bench;

	start_lent(&bench, DIRTY, 1024);
	CHECK_EQ(allocate(&bench, 0, KIB(192), CMA), MIB(8));
	CHECK_EQ(bench.row.entries, 3);
	// 128 KiB are not had at any of 32 places, then they are waited for.
	CHECK_EQ(bench.machine->moves.busy_retries, 32);
	CHECK_EQ(bench.machine->moves.pages_migrated, 48);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + (2 + 32) * 700 + 2 * 311000 + 48 * (17000 + 257 + 500));
	bench_end(&bench);
}

TEST(pinned_pages_are_waited_for_in_vain)
{
	struct bench bench;

	start_lent(&bench, PINNED, 1024);
	CHECK_EQ(allocate(&bench, 0, MIB(2), CMA), NOWHERE);
	CHECK_EQ(bench.machine->moves.busy_retries, 4);
	CHECK_EQ(bench.row.latency_ns, 5000 + 3 * 700 + 311000 + 2 * 290000);
	bench_end(&bench);
}

// --- When malloc() fails ---

TEST(a_chunked_allocation_that_starves_did_not_happen)
{
	struct bench bench;
	const uint16_t heap = CMA;
	const struct hk_event event = {
		.op = HK_OP_ALLOC,
		.buffer = 1,
		.size = MIB(3),
		.heap = &heap,
		.n_heaps = 1,
	};
	uint32_t nth = 0;
	int ret;

	do {
		start(&bench);
		fail_allocation(++nth);
		ret = hk_machine_step(bench.machine, &event, &bench.row, NULL);
		fail_allocation(0);
		CHECK(!ret || ret == -ENOMEM);
		CHECK_EQ(gauges_of(&bench, CMA).free_bytes,
			 ret ? MIB(4) : MIB(1));
		bench_end(&bench);
	} while (ret);
	CHECK(nth > 2);
}
