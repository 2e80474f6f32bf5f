// SPDX-License-Identifier: MIT
//
// Looking inside: snapshots, entries and the invariants.
#include "bench.h"

#include <string.h>

enum { POOLED, CARVEOUT, CMA, NR_REGIONS = 64 };

static const uint64_t base = UINT64_C(0x800000000);

static void start(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(20));
	bench_system(bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	bench_region(bench, HK_HEAP_CARVEOUT, base, MIB(4))->flags =
		HK_HEAP_DEFERRED_FREE | HK_HEAP_ZERO_AT_FREE;
	bench_region(bench, HK_HEAP_CMA, MIB(16), MIB(4));
	bench_start(bench);
}

static void expect(const struct hk_region *region, uint64_t address,
		   uint64_t size, uint32_t owner, enum hk_region_state state)
{
	CHECK_EQ(region->address, address);
	CHECK_EQ(region->size, size);
	CHECK_EQ(region->owner, owner);
	CHECK_EQ(region->state, state);
}

TEST(a_snapshot_lists_every_region_by_address)
{
	struct bench bench;
	struct hk_region regions[NR_REGIONS];
	uint64_t count;

	start(&bench);
	allocate(&bench, 3, MIB(1), CARVEOUT);
	allocate(&bench, 9, MIB(1), CARVEOUT);
	give(&bench, 3);
	CHECK_EQ(hk_machine_snapshot(bench.machine, CARVEOUT, regions,
				     NR_REGIONS, &count),
		 0);
	CHECK_EQ(count, 3);
	expect(&regions[0], base, MIB(1), UINT32_MAX, HK_REGION_DEFERRED);
	expect(&regions[1], base + MIB(1), MIB(1), 9, HK_REGION_USED);
	expect(&regions[2], base + MIB(2), MIB(2), UINT32_MAX, HK_REGION_FREE);
	bench_end(&bench);
}

TEST(a_system_heaps_snapshot_covers_the_memory)
{
	struct bench bench;
	struct hk_region regions[NR_REGIONS];
	uint64_t count, next = 0;
	uint32_t states = 0;

	start(&bench);
	allocate(&bench, 0, MIB(1), POOLED);
	give(&bench, 0);
	advance(&bench, 1000000000);
	allocate(&bench, 1, KIB(64), POOLED);
	allocate(&bench, 2, KIB(4), POOLED);
	give(&bench, 2);
	CHECK_EQ(hk_machine_snapshot(bench.machine, POOLED, regions, NR_REGIONS,
				     &count),
		 0);
	for (uint64_t i = 0; i < count; i++) {
		CHECK_EQ(regions[i].address, next);
		next += regions[i].size;
		states |= 1U << regions[i].state;
	}
	CHECK_EQ(next, MIB(16));
	CHECK_EQ(states, 15);
	bench_end(&bench);
}

TEST(a_snapshot_says_how_many_regions_there_are)
{
	struct bench bench;
	struct hk_region region;
	uint64_t count = 0;

	start(&bench);
	allocate(&bench, 0, MIB(1), CARVEOUT);
	CHECK_EQ(hk_machine_snapshot(bench.machine, CARVEOUT, NULL, 0, &count),
		 -ENOSPC);
	CHECK_EQ(count, 2);
	CHECK_EQ(hk_machine_snapshot(bench.machine, CARVEOUT, &region, 1,
				     &count),
		 -ENOSPC);
	CHECK_EQ(count, 2);
	CHECK_EQ(hk_machine_snapshot(bench.machine, 3, NULL, 0, &count),
		 -EINVAL);
	bench_end(&bench);
}

TEST(entries_are_those_of_a_live_buffer)
{
	struct bench bench;
	uint64_t count;

	start(&bench);
	CHECK_EQ(hk_machine_entries(bench.machine, 0, NULL, 0, &count),
		 -EINVAL);
	allocate(&bench, 0, MIB(100), CARVEOUT);
	CHECK_EQ(hk_machine_entries(bench.machine, 0, NULL, 0, &count),
		 -EINVAL);
	allocate(&bench, 1, KIB(4), POOLED);
	CHECK_EQ(hk_machine_entries(bench.machine, 1, NULL, 0, &count),
		 -ENOSPC);
	CHECK_EQ(count, 1);
	CHECK_EQ(entry_of(&bench, 1, 0).owner, 1);
	bench_end(&bench);
}

TEST(pagetypeinfo_counts_free_blocks_and_pageblocks_by_migratetype)
{
	struct bench bench;
	uint64_t counts[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS];
	uint64_t pageblocks[HK_NR_MIGRATETYPES];

	start(&bench);
	allocate(&bench, 0, KIB(4), POOLED);
	CHECK_EQ(hk_machine_pagetypeinfo(bench.machine, counts[0], pageblocks),
		 0);
	CHECK_EQ(counts[HK_MIGRATE_MOVABLE][HK_MAX_PAGE_ORDER], 3);
	CHECK_EQ(counts[HK_MIGRATE_UNMOVABLE][0], 1);
	// Those of regions too, whose pages the zone does not have.
	CHECK_EQ(pageblocks[HK_MIGRATE_MOVABLE], 8);
	CHECK_EQ(pageblocks[HK_MIGRATE_UNMOVABLE], 2);
	bench_end(&bench);
}

TEST(buddyinfo_counts_free_blocks_by_order)
{
	struct bench bench;
	uint64_t counts[HK_NR_PAGE_ORDERS];

	start(&bench);
	allocate(&bench, 0, KIB(4), POOLED);
	CHECK_EQ(hk_machine_buddyinfo(bench.machine, counts), 0);
	CHECK_EQ(counts[HK_MAX_PAGE_ORDER], 3);
	for (uint32_t order = 0; order < HK_MAX_PAGE_ORDER; order++)
		CHECK_EQ(counts[order], 1);
	bench_end(&bench);
}

TEST(what_is_not_a_heap_has_no_gauges)
{
	struct bench bench;
	struct hk_gauges gauges;
	struct hk_pool_fill fill;

	start(&bench);
	CHECK_EQ(hk_machine_gauges(bench.machine, 3, &gauges), -EINVAL);
	CHECK_EQ(hk_machine_pool_fill(bench.machine, 3, &fill), -EINVAL);
	bench_end(&bench);
}

// Break one thing of a lively machine; what the check says.
static const char *say(void (*break_it)(struct hk_machine *machine))
{
	struct bench bench;
	const char *rule = "";

	start(&bench);
	allocate(&bench, 0, MIB(1), POOLED);
	give(&bench, 0);
	advance(&bench, 1000000000);
	allocate(&bench, 0, KIB(64), POOLED);
	allocate(&bench, 1, MIB(1), CARVEOUT);
	bench_check(&bench);
	break_it(bench.machine);
	CHECK_EQ(hk_machine_check(bench.machine, &rule), -EUCLEAN);
	hk_machine_destroy(bench.machine);
	return rule;
}

static void leak_a_page(struct hk_machine *machine)
{
	uint64_t pfn;

	page_alloc_take(machine->pages, 0, HK_MIGRATE_UNMOVABLE, &pfn);
}

static void share_a_page(struct hk_machine *machine)
{
	struct page_pool *pool = &machine->heap[POOLED].pool[1];

	page_pool_reserve(pool, 1);
	page_pool_add(pool, machine->buffers.slot[0]->first.address);
}

static void miscount_held(struct hk_machine *machine)
{
	machine->heap[POOLED].held_bytes += KIB(4);
}

static void miscount_deferred(struct hk_machine *machine)
{
	machine->heap[POOLED].deferred_bytes += KIB(4);
}

static void miscount_region(struct hk_machine *machine)
{
	machine->heap[CARVEOUT].held_bytes += KIB(4);
}

static void miscount_cma(struct hk_machine *machine)
{
	machine->heap[CMA].held_bytes += KIB(4);
}

static void overfill_pool(struct hk_machine *machine)
{
	machine->heap[POOLED].pool[0].limit = 0;
}

static void forget_the_last_block(struct hk_machine *machine)
{
	machine->memory.total += MIB(4);
}

static void miscount_gauges(struct hk_machine *machine)
{
	struct heap *heap = &machine->heap[CARVEOUT];

	CHECK_EQ(heap->gauged_at, machine->changes);
	heap->gauges.free_bytes -= KIB(4);
}

TEST(the_check_notices_what_is_broken)
{
	CHECK(strstr(say(miscount_gauges), "stale"));
	CHECK(strstr(say(leak_a_page), "without an owner"));
	CHECK(strstr(say(share_a_page), "two owners"));
	CHECK(strstr(say(miscount_held), "held bytes"));
	CHECK(strstr(say(miscount_deferred), "deferred bytes"));
	CHECK(strstr(say(miscount_region), "do not add up"));
	CHECK(strstr(say(miscount_cma), "CMA"));
	CHECK(strstr(say(overfill_pool), "limit"));
	CHECK(strstr(say(forget_the_last_block), "do not add up"));
}

TEST(the_check_may_starve)
{
	struct bench bench;
	const char *rule;
	uint32_t nth = 1;
	int ret;

	start(&bench);
	allocate(&bench, 0, MIB(1), POOLED);
	do {
		fail_allocation_of_check(nth++);
		ret = hk_machine_check(bench.machine, &rule);
		CHECK(ret == 0 || ret == -ENOMEM);
	} while (ret);
	CHECK(nth > 2);
	bench_end(&bench);
}
