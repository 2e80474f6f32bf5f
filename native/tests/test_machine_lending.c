// SPDX-License-Identifier: MIT
//
// A CMA area whose pages movable loads borrow: by hand.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEM, CMA, APPS, DRIVER };

#define PAGES(n) (UINT64_C(4096) * (n))

// 16 MiB of memory, of which 8 to 12 MiB are a CMA area.
static void init(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_system(bench, 0);
	bench_region(bench, HK_HEAP_CMA, MIB(8), MIB(4));
	bench_load(bench, HK_MIGRATE_MOVABLE, 0);
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_PINNED);
}

static void start(struct bench *bench)
{
	init(bench);
	bench_start(bench);
}

// Only 1 MiB is free outside of the area, so that movable pages come from its
// start on.
static void start_full(struct bench *bench)
{
	start(bench);
	allocate(bench, 99, MIB(11), SYSTEM);
}

static struct hk_cma_counters counters_of(const struct bench *bench)
{
	struct hk_cma_counters counters;

	CHECK_EQ(hk_machine_cma_counters(bench->machine, CMA, &counters), 0);
	return counters;
}

static bool is_lent(uint64_t address)
{
	return address >= MIB(8) && address < MIB(12);
}

static uint32_t count_lent(const struct bench *bench, uint32_t buffer)
{
	uint32_t lent = 0;

	for (uint32_t i = 0; i < entries_of_size(bench, buffer, PAGES(1)); i++)
		lent += is_lent(entry_of(bench, buffer, i).address);
	return lent;
}

TEST(a_load_takes_blocks_of_its_order_and_gives_them_back)
{
	struct bench bench;

	init(&bench);
	bench.heap[APPS].migratetype = HK_MIGRATE_UNMOVABLE;
	bench.heap[APPS].order[0] = 2;
	bench_start(&bench);
	allocate(&bench, 0, PAGES(9), APPS);
	CHECK_EQ(bench.row.entries, 3);
	CHECK_EQ(bench.row.latency_ns, 5000 + 3 * 300 + 12 * 500);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16) - PAGES(12));
	CHECK_EQ(entries_of_size(&bench, 0, PAGES(4)), 3);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 3 * 300);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	bench_end(&bench);
}

TEST(a_load_that_finds_too_little_gets_nothing)
{
	struct bench bench;

	start(&bench);
	CHECK_EQ(allocate(&bench, 0, MIB(17), APPS), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	CHECK_EQ(allocate(&bench, 1, UINT64_C(1) << 50, APPS), NOWHERE);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	bench_end(&bench);
}

TEST(a_load_reclaims_from_pools)
{
	struct bench bench;

	init(&bench);
	bench.heap[SYSTEM].flags = HK_HEAP_POOLED;
	bench_start(&bench);
	allocate(&bench, 0, MIB(8), SYSTEM);
	give(&bench, 0);
	CHECK_EQ(gauges_of(&bench, SYSTEM).pool_bytes, MIB(8));
	CHECK(allocate(&bench, 1, MIB(15), APPS) != NOWHERE);
	bench_end(&bench);
}

TEST(a_loads_buffer_needs_no_cache_maintenance)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(1), APPS);
	on_device(&bench, HK_OP_ATTACH, 0, 0);
	on_device(&bench, HK_OP_MAP, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 256 * 20);
	sync_cpu(&bench, HK_OP_END_CPU, 0, HK_ACCESS_WRITE, 0, 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	bench_end(&bench);
}

TEST(a_movable_load_borrows_and_an_unmovable_one_does_not)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(14), APPS);
	CHECK(count_lent(&bench, 0) >= PAGES(0) + 512);
	CHECK_EQ(counters_of(&bench).pages_lent, count_lent(&bench, 0));
	give(&bench, 0);
	CHECK_EQ(counters_of(&bench).pages_lent, 0);
	CHECK_EQ(allocate(&bench, 1, MIB(12) + 1, SYSTEM), NOWHERE);
	CHECK(allocate(&bench, 2, MIB(12), SYSTEM) != NOWHERE);
	bench_end(&bench);
}

TEST(an_allocation_moves_the_borrowed_pages_out)
{
	struct bench bench;
	uint32_t lent;

	start(&bench);
	// Once half of what is free is the area's, both halves are used up side
	// by side: half a MiB of each is left to move to.
	allocate(&bench, 0, MIB(15), APPS);
	lent = count_lent(&bench, 0);
	CHECK_EQ(lent, 896);
	CHECK_EQ(allocate(&bench, 1, MIB(1), CMA), MIB(8));
	CHECK_EQ(count_lent(&bench, 0), 768);
	CHECK_EQ(counters_of(&bench).pages_migrated, 256);
	CHECK_EQ(counters_of(&bench).pages_lent, 768);
	bench_end(&bench);
}

TEST(what_does_not_fit_anywhere_else_stays_and_the_allocation_fails)
{
	struct bench bench;
	struct hk_cma_counters counters;

	start(&bench);
	allocate(&bench, 0, MIB(15), APPS);
	CHECK_EQ(allocate(&bench, 1, MIB(2), CMA), NOWHERE);
	counters = counters_of(&bench);
	CHECK_EQ(counters.pages_migrated, 256);
	CHECK_EQ(counters.busy_retries, 0);
	CHECK_EQ(counters.alloc_fail, 1);
	CHECK_EQ(counters.alloc_pages_fail, 512);
	CHECK_EQ(gauges_of(&bench, CMA).free_bytes, MIB(4));
	bench_check(&bench);
	// The first 256 were moved: nobody has them now.
	CHECK_EQ(allocate(&bench, 2, MIB(1), CMA), MIB(8));
	CHECK_EQ(counters_of(&bench).pages_migrated, 256);
	bench_end(&bench);
}

TEST(every_entry_of_a_load_is_where_its_page_went)
{
	struct bench bench;

	start(&bench);
	allocate(&bench, 0, MIB(13), APPS);
	allocate(&bench, 1, MIB(2), CMA);
	CHECK(counters_of(&bench).pages_migrated > 0);
	bench_check(&bench);
	give(&bench, 0);
	give(&bench, 1);
	CHECK_EQ(gauges_of(&bench, APPS).free_bytes, MIB(16));
	CHECK(allocate(&bench, 0, MIB(16), APPS) != NOWHERE);
	bench_end(&bench);
}

TEST(an_unaligned_area_cannot_be_lent)
{
	struct bench bench;
	struct hk_machine *machine;

	init(&bench);
	bench.heap[CMA].size -= PAGES(1);
	CHECK_EQ(hk_machine_create(&bench.spec, &machine), -EINVAL);
	bench.heap[CMA].size = MIB(2);
	bench.heap[CMA].base += PAGES(256);
	CHECK_EQ(hk_machine_create(&bench.spec, &machine), -EINVAL);
	bench.heap[APPS].migratetype = HK_MIGRATE_UNMOVABLE;
	bench.heap[DRIVER] = bench.heap[APPS];
	bench_start(&bench);
	bench_end(&bench);
}

TEST(the_door_refuses_loads_that_make_no_sense)
{
	struct bench bench;
	struct hk_machine *machine;
	struct hk_heap_spec *load = &bench.heap[APPS];

	for (int i = 0; i < 7; i++) {
		init(&bench);
		if (i == 0)
			load->migratetype = HK_MIGRATE_CMA;
		if (i == 1)
			load->order[0] = 1;
		if (i == 2)
			load->n_orders = 0;
		if (i == 3)
			load->n_orders = 2;
		if (i == 4)
			load->flags = HK_HEAP_UNCACHED;
		if (i == 5)
			bench.heap[DRIVER].migratetype = HK_MIGRATE_UNMOVABLE;
		if (i == 6) {
			load->migratetype = HK_MIGRATE_UNMOVABLE;
			load->order[0] = HK_MAX_PAGE_ORDER + 1;
		}
		CHECK_EQ(hk_machine_create(&bench.spec, &machine), -EINVAL);
	}
}

TEST(a_pinned_page_sends_the_search_on_with_its_batch_moved)
{
	struct bench bench;

	start_full(&bench);
	allocate(&bench, 0, MIB(2), APPS);
	CHECK_EQ(count_lent(&bench, 0), 512);
	allocate(&bench, 1, PAGES(1), DRIVER);
	give(&bench, 0);
	bench.machine->moves = (struct hk_moves){0};
	CHECK_EQ(allocate(&bench, 2, MIB(1), CMA), MIB(8));
	CHECK_EQ(allocate(&bench, 3, MIB(1), CMA), MIB(9));
	CHECK_EQ(bench.machine->moves.busy_retries, 0);
	// The third MiB has the page; steps of 1 MiB lead past it.
	CHECK_EQ(entry_of(&bench, 1, 0).address, MIB(10));
	CHECK_EQ(allocate(&bench, 4, MIB(1), CMA), MIB(11));
	CHECK_EQ(bench.machine->moves.busy_retries, 1);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + 311000 + 290000 + 256 * (257 + 500));
	CHECK_EQ(allocate(&bench, 5, MIB(1), CMA), NOWHERE);
	CHECK_EQ(bench.row.latency_ns, 5000 + 311000 + 290000);
	CHECK_EQ(counters_of(&bench).busy_retries, 2);
	CHECK_EQ(counters_of(&bench).alloc_fail, 1);
	give(&bench, 1);
	CHECK_EQ(allocate(&bench, 6, MIB(1), CMA), MIB(10));
	bench_end(&bench);
}

TEST(a_batch_is_moved_from_its_highest_page_down)
{
	struct bench bench;
	uint64_t old[40], new[40];

	start_full(&bench);
	allocate(&bench, 1, PAGES(40), APPS);
	for (uint32_t i = 0; i < 40; i++)
		old[i] = entry_of(&bench, 1, i).address;
	CHECK_EQ(old[0], MIB(8));
	CHECK_EQ(old[39], MIB(8) + PAGES(39));
	CHECK_EQ(allocate(&bench, 2, PAGES(40), CMA), MIB(8));
	CHECK_EQ(counters_of(&bench).pages_migrated, 40);
	CHECK_EQ(bench.row.latency_ns,
		 5000 + 311000 + 40 * (17000 + 257 + 500));
	for (uint32_t i = 0; i < 40; i++)
		new[i] = entry_of(&bench, 1, i).address;
	// 32 pages, then 8: targets ascend, so the pages of a batch descend.
	for (uint32_t i = 1; i < 40; i++)
		CHECK_EQ(new[i] < new[i - 1], i != 32);
	CHECK_EQ(new[0] - new[31], PAGES(31));
	CHECK_EQ(new[39] - new[0], PAGES(1));
	bench_end(&bench);
}

TEST(a_pinned_page_does_not_hold_up_its_batch)
{
	struct bench bench;

	start_full(&bench);
	allocate(&bench, 1, PAGES(10), APPS);
	allocate(&bench, 2, PAGES(1), DRIVER);
	allocate(&bench, 3, PAGES(60), APPS);
	CHECK_EQ(entry_of(&bench, 2, 0).address, MIB(8) + PAGES(10));
	CHECK_EQ(allocate(&bench, 4, PAGES(64), CMA), MIB(8) + PAGES(64));
	// The first 32 but one, and the last 7 of the next place.
	CHECK_EQ(counters_of(&bench).pages_migrated, 31 + 7);
	CHECK_EQ(counters_of(&bench).busy_retries, 1);
	bench_end(&bench);
}

TEST(counters_are_a_cma_heaps)
{
	struct bench bench;
	struct hk_cma_counters counters;

	start(&bench);
	CHECK_EQ(hk_machine_cma_counters(bench.machine, APPS, &counters),
		 -EINVAL);
	CHECK_EQ(hk_machine_cma_counters(bench.machine, 9, &counters), -EINVAL);
	allocate(&bench, 0, MIB(1), CMA);
	give(&bench, 0);
	allocate(&bench, 1, MIB(5), CMA);
	counters = counters_of(&bench);
	CHECK_EQ(counters.alloc_success, 1);
	CHECK_EQ(counters.alloc_pages_success, 256);
	CHECK_EQ(counters.release_pages_success, 256);
	CHECK_EQ(counters.alloc_fail, 1);
	CHECK_EQ(counters.alloc_pages_fail, 1280);
	bench_end(&bench);
}

TEST(a_loads_snapshot_joins_pages_that_follow_one_another)
{
	struct bench bench;
	struct hk_region region[64];
	uint64_t count;

	start(&bench);
	allocate(&bench, 0, MIB(1), APPS);
	CHECK_EQ(hk_machine_snapshot(bench.machine, APPS, region, 64, &count),
		 0);
	CHECK_EQ(region[0].address, 0);
	CHECK_EQ(region[0].size, MIB(1));
	CHECK_EQ(region[0].owner, 0);
	CHECK(count < 16);
	bench_end(&bench);
}

// --- Lent and not: nobody borrows, so nothing differs ---

TEST(an_area_that_nobody_borrows_from_is_as_one_that_is_not_lent)
{
	struct bench lent, idle;
	struct rng rng = {7};
	bool held[32] = {false};

	start(&lent);
	init(&idle);
	idle.heap[APPS].migratetype = HK_MIGRATE_UNMOVABLE;
	idle.heap[DRIVER] = idle.heap[APPS];
	bench_start(&idle);
	for (uint32_t i = 0; i < scaled(4000); i++) {
		const uint32_t id = rng_below(&rng, 32);
		const uint64_t pages = rng_size(&rng, 9);

		if (held[id]) {
			give(&lent, id);
			give(&idle, id);
		} else {
			CHECK_EQ(allocate(&lent, id, PAGES(pages), CMA),
				 allocate(&idle, id, PAGES(pages), CMA));
		}
		held[id] = !held[id];
		CHECK_EQ(lent.row.latency_ns, idle.row.latency_ns);
		CHECK_EQ(lent.gauges.largest_free_bytes,
			 idle.gauges.largest_free_bytes);
		CHECK_EQ(lent.gauges.free_bytes, idle.gauges.free_bytes);
	}
	CHECK_EQ(counters_of(&lent).pages_migrated, 0);
	bench_end(&lent);
	bench_end(&idle);
}

// --- When malloc() fails ---

TEST(a_lending_machine_is_made_or_not_at_all)
{
	struct bench bench;
	struct hk_machine *machine;
	uint32_t n = 0;
	int ret = -ENOMEM;

	init(&bench);
	while (ret) {
		fail_allocation(++n);
		ret = hk_machine_create(&bench.spec, &machine);
		fail_allocation(0);
		CHECK(ret == 0 || ret == -ENOMEM);
	}
	CHECK(n > 8);
	hk_machine_destroy(machine);
}

static const struct {
	uint32_t buffer;
	uint64_t pages; // 0: FREE
	uint16_t heap;
} script[] = {
	{0, 3000, APPS}, {1, 300, CMA}, {2, 1, DRIVER}, {3, 4000, APPS},
	{4, 512, CMA},	 {0, 0, 0},	{5, 100, CMA},	{3, 0, 0},
	{6, 700, APPS},	 {1, 0, 0},	{7, 800, CMA},
};

// Carry the script out with the @nth allocation failing, and what failed once
// more. Whether any failed; where the last buffer lies in *@last.
static bool run_starved(uint32_t nth, uint64_t *last)
{
	struct bench bench;
	bool failed = false;

	start(&bench);
	fail_allocation(nth);
	for (uint32_t i = 0; i < sizeof(script) / sizeof(script[0]); i++) {
		struct hk_event event = {
			.op = script[i].pages ? HK_OP_ALLOC : HK_OP_FREE,
			.buffer = script[i].buffer,
			.size = PAGES(script[i].pages),
			.heap = &script[i].heap,
			.n_heaps = 1,
		};

		if (!hk_machine_step(bench.machine, &event, &bench.row, NULL))
			continue;
		failed = true;
		fail_allocation(0);
		bench_check(&bench);
		CHECK_EQ(hk_machine_step(bench.machine, &event, &bench.row,
					 NULL),
			 0);
	}
	fail_allocation(0);
	*last = bench.row.address;
	bench_end(&bench);
	return failed;
}

TEST(a_lending_machine_that_starves_goes_on_as_if_it_had_not)
{
	uint64_t expected, last;
	uint32_t n = 1;

	CHECK(!run_starved(0, &expected));
	for (; run_starved(n, &last); n++)
		CHECK_EQ(last, expected);
	CHECK(n > 8);
}

// --- A state ---

static void random_event(struct bench *bench, struct rng *rng, bool held[40])
{
	static const uint16_t heaps[] = {APPS, APPS, APPS, APPS,   CMA,
					 CMA,  CMA,  CMA,  SYSTEM, DRIVER};
	const uint32_t id = rng_below(rng, 40);
	const uint16_t heap = heaps[rng_below(rng, 10)];
	const uint64_t pages = heap == DRIVER ? 1 : 1 + rng_below(rng, 500);

	if (held[id])
		give(bench, id);
	else
		allocate(bench, id, PAGES(pages), heap);
	held[id] = !held[id];
}

static void copy(const struct bench *bench, struct bench *ret)
{
	uint64_t size;
	void *bytes;

	hk_machine_save(bench->machine, NULL, 0, &size);
	bytes = malloc(size);
	CHECK_EQ(hk_machine_save(bench->machine, bytes, size, &size), 0);
	init(ret);
	bench_start(ret);
	CHECK_EQ(hk_machine_load(ret->machine, bytes, size), 0);
	free(bytes);
	bench_check(ret);
}

TEST(a_lending_machine_goes_on_from_its_state)
{
	struct bench one, two;
	struct rng rng = {11}, again;
	bool held[40] = {false}, held_again[40];

	start(&one);
	for (uint32_t i = 0; i < 2000; i++)
		random_event(&one, &rng, held);
	CHECK(counters_of(&one).pages_migrated > 0);
	CHECK(counters_of(&one).pages_lent > 0);
	copy(&one, &two);
	again = rng;
	memcpy(held_again, held, sizeof(held));
	for (uint32_t i = 0; i < 2000; i++) {
		random_event(&one, &rng, held);
		random_event(&two, &again, held_again);
		CHECK(!memcmp(&one.row, &two.row, sizeof(one.row)));
		CHECK(!memcmp(&one.gauges, &two.gauges, sizeof(one.gauges)));
	}
	CHECK_EQ(counters_of(&one).pages_migrated,
		 counters_of(&two).pages_migrated);
	CHECK_EQ(counters_of(&one).busy_retries,
		 counters_of(&two).busy_retries);
	CHECK(counters_of(&one).busy_retries > 0);
	bench_end(&one);
	bench_end(&two);
}
