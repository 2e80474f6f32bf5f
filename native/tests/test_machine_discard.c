// SPDX-License-Identifier: MIT
//
// Borrowed pages that are dropped or wait for writeback, and what a page's
// mappings cost: by hand.
#include "bench.h"

#include <stdlib.h>

enum { SYSTEM, CMA, CLEAN, DIRTY, PINNED, APPS };

#define PAGES(n) (UINT64_C(4096) * (n))

static void init(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_system(bench, 0);
	bench_region(bench, HK_HEAP_CMA, MIB(8), MIB(4));
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_CLEAN)->mapcount = 2;
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_DIRTY)->mapcount = 3;
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_PINNED);
	bench_load(bench, HK_MIGRATE_MOVABLE, 0);
}

// Movable pages come from the area's start on.
static void start(struct bench *bench)
{
	init(bench);
	bench_start(bench);
	allocate(bench, 99, MIB(11), SYSTEM);
}

static struct hk_cma_counters counters_of(const struct bench *bench)
{
	struct hk_cma_counters counters;

	CHECK_EQ(hk_machine_cma_counters(bench->machine, CMA, &counters), 0);
	return counters;
}

TEST(a_clean_page_is_dropped_and_needs_no_target)
{
	struct bench bench;
	uint64_t free_bytes;

	start(&bench);
	CHECK_EQ(allocate(&bench, 0, PAGES(40), CLEAN), MIB(8));
	free_bytes = bench.gauges.free_bytes;
	CHECK_EQ(allocate(&bench, 1, PAGES(32), CMA), MIB(8));
	CHECK_EQ(bench.machine->moves.pages_discarded, 32);
	CHECK_EQ(bench.machine->moves.pages_migrated, 0);
	CHECK_EQ(counters_of(&bench).pages_discarded, 32);
	CHECK_EQ(counters_of(&bench).pages_lent, 8);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + 311000 + 32 * (1500 + 2 * 40 + 257 + 500));
	CHECK_EQ(gauges_of(&bench, CLEAN).free_bytes, free_bytes);
	CHECK_EQ(bench.machine->heap[CLEAN].held_bytes, PAGES(8));
	give(&bench, 0);
	CHECK_EQ(bench.row.entries, 8);
	CHECK_EQ(bench.row.latency_ns, 3000 + 8 * 300);
	bench_end(&bench);
}

TEST(the_last_page_of_a_load_takes_the_number_of_one_that_was_dropped)
{
	struct bench bench;
	uint64_t old[40];

	start(&bench);
	allocate(&bench, 0, PAGES(40), CLEAN);
	for (uint32_t i = 0; i < 40; i++)
		old[i] = entry_of(&bench, 0, i).address;
	CHECK_EQ(allocate(&bench, 1, PAGES(10), CMA), MIB(8));
	CHECK_EQ(entries_of_size(&bench, 0, PAGES(1)), 30);
	// The highest page of a batch is dropped first.
	for (uint32_t i = 0; i < 30; i++)
		CHECK_EQ(entry_of(&bench, 0, i).address,
			 i < 10 ? old[30 + i] : old[i]);
	bench_end(&bench);
}

TEST(clean_pages_go_even_where_a_pinned_one_makes_the_place_busy)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, PAGES(10), CLEAN);
	allocate(&bench, 1, PAGES(1), PINNED);
	CHECK_EQ(allocate(&bench, 2, PAGES(16), CMA), MIB(8) + PAGES(16));
	CHECK_EQ(bench.machine->moves.pages_discarded, 10);
	CHECK_EQ(bench.machine->moves.busy_retries, 1);
	bench_end(&bench);
}

// A fd without memory behind it is what a refused allocation leaves, too.
TEST(a_load_of_which_all_pages_were_dropped_is_as_one_that_was_refused)
{
	struct bench bench, other;
	uint8_t bytes[4096];
	uint64_t size;

	start(&bench);
	allocate(&bench, 0, PAGES(16), CLEAN);
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	allocate(&bench, 1, PAGES(16), CMA);
	CHECK_EQ(on_device(&bench, HK_OP_MAP, 0, 0), 0);
	CHECK_EQ(bench.row.entries, 0);
	CHECK_EQ(bench.row.latency_ns, 0);
	init(&other);
	bench_start(&other);
	CHECK_EQ(hk_machine_save(bench.machine, bytes, sizeof(bytes), &size),
		 0);
	CHECK_EQ(hk_machine_load(other.machine, bytes, size), 0);
	give(&other, 0);
	CHECK_EQ(other.row.latency_ns, 0);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 0);
	bench_end(&bench);
	bench_end(&other);
}

TEST(a_request_that_waits_moves_dirty_pages_with_all_their_mappings)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, PAGES(16), DIRTY);
	CHECK_EQ(allocate(&bench, 1, PAGES(16), CMA), MIB(8));
	CHECK_EQ(bench.machine->moves.pages_migrated, 16);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + 311000 + 16 * (17000 + 3 * 40 + 257 + 500));
	bench_end(&bench);
}

static void start_discarding(struct bench *bench)
{
	init(bench);
	bench->heap[CMA].flags = HK_HEAP_DISCARD;
	bench_start(bench);
}

TEST(an_area_that_discards_is_lent_to_clean_loads_alone)
{
	struct bench bench;

	start_discarding(&bench);
	CHECK_EQ(allocate(&bench, 0, MIB(12) + 1, APPS), NOWHERE);
	CHECK(allocate(&bench, 1, MIB(6), APPS) != NOWHERE);
	CHECK(allocate(&bench, 2, MIB(3), DIRTY) != NOWHERE);
	CHECK(allocate(&bench, 3, MIB(3), PINNED) != NOWHERE);
	CHECK_EQ(counters_of(&bench).pages_lent, 0);
	CHECK(allocate(&bench, 4, MIB(4), CLEAN) != NOWHERE);
	CHECK_EQ(counters_of(&bench).pages_lent, 1024);
	// Nothing else is free, and yet all of it can be had.
	CHECK_EQ(allocate(&bench, 5, MIB(4), CMA), MIB(8));
	CHECK_EQ(bench.machine->moves.pages_discarded, 1024);
	CHECK_EQ(bench.machine->moves.busy_retries, 0);
	bench_end(&bench);
}

TEST(a_state_in_which_another_load_has_pages_of_such_an_area_is_refused)
{
	struct bench bench, other;
	static uint8_t bytes[1 << 20];
	struct sg_entry *clean, *apps, swapped;
	uint64_t size;

	start_discarding(&bench);
	allocate(&bench, 9, MIB(11), SYSTEM);
	allocate(&bench, 0, PAGES(1), CLEAN);
	allocate(&bench, 1, PAGES(1), APPS);
	clean = buffer_find(&bench.machine->buffers, 0)->entry;
	apps = buffer_find(&bench.machine->buffers, 1)->entry;
	CHECK_EQ(clean->address, MIB(8));
	swapped = *clean;
	*clean = *apps;
	*apps = swapped;
	CHECK_EQ(hk_machine_save(bench.machine, bytes, sizeof(bytes), &size),
		 0);
	hk_machine_destroy(bench.machine);
	start_discarding(&other);
	CHECK_EQ(hk_machine_load(other.machine, bytes, size), -EINVAL);
	hk_machine_destroy(other.machine);
}
