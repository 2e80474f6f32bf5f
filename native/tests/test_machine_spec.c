// SPDX-License-Identifier: MIT
//
// The front door: what a board may not say.
#include "bench.h"

#include <math.h>

enum { SYSTEM, CMA, CARVEOUT, CHUNK, SECURE, LOAD };

static void init(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(64));
	bench_system(bench, 0);
	bench_region(bench, HK_HEAP_CMA, MIB(32), MIB(4));
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(128), MIB(4));
	bench_region(bench, HK_HEAP_CHUNK, MIB(132), MIB(4));
	bench_region(bench, HK_HEAP_SECURE, MIB(16), MIB(4));
	bench_load(bench, HK_MIGRATE_MOVABLE, 0);
}

static int create(const struct bench *bench)
{
	struct hk_machine *machine = NULL;
	const int ret = hk_machine_create(&bench->spec, &machine);

	hk_machine_destroy(machine);
	return ret;
}

#define REFUSED(change)                                                        \
	do {                                                                   \
		struct bench bench;                                            \
		struct hk_heap_spec *heap = bench.heap;                        \
                                                                               \
		init(&bench);                                                  \
		CHECK_EQ(create(&bench), 0);                                   \
		change;                                                        \
		(void)heap;                                                    \
		CHECK_EQ(create(&bench), -EINVAL);                             \
	} while (0)

TEST(kinds_fits_and_flags_outside_their_range_are_refused)
{
	REFUSED(heap[CARVEOUT].kind = HK_NR_HEAP_KINDS);
	REFUSED(heap[CARVEOUT].fit = HK_NR_FITS);
	REFUSED(heap[CARVEOUT].flags = HK_HEAP_POOLED);
	REFUSED(heap[SECURE].flags = HK_HEAP_UNCACHED);
	REFUSED(heap[CMA].flags = HK_HEAP_DEFERRED_FREE);
	REFUSED(heap[SYSTEM].flags = HK_HEAP_DEFERRED_FREE);
	REFUSED(heap[CARVEOUT].flags = 1U << 31);
}

TEST(flags_that_do_not_go_together_are_refused)
{
	REFUSED(heap[SYSTEM].flags = HK_HEAP_UNWIND_TO_POOL);
	REFUSED(heap[SYSTEM].flags = HK_HEAP_SHRINK_LARGEST);
	REFUSED(heap[SYSTEM].flags = HK_HEAP_POOLED | HK_HEAP_PROTECTED);
	REFUSED(heap[LOAD].flags = HK_HEAP_CLEAN | HK_HEAP_DIRTY);
	REFUSED(heap[LOAD].flags = HK_HEAP_PINNED | HK_HEAP_CLEAN);
	REFUSED((heap[LOAD].migratetype = HK_MIGRATE_RECLAIMABLE,
		 heap[LOAD].flags = HK_HEAP_DIRTY));
	REFUSED(heap[CARVEOUT].flags = HK_HEAP_DISCARD);
	REFUSED(heap[CARVEOUT].flags = HK_HEAP_PROTECTED);
}

static void make_memfd(struct hk_heap_spec *heap)
{
	heap->flags = HK_HEAP_MEMFD;
	heap->n_orders = 1;
	heap->order[0] = 0;
}

TEST(a_memfd_is_single_pages_and_nothing_else)
{
	struct bench good;

	init(&good);
	make_memfd(&good.heap[SYSTEM]);
	CHECK_EQ(create(&good), 0);
	REFUSED(heap[SYSTEM].flags = HK_HEAP_MEMFD);
	REFUSED((make_memfd(&heap[SYSTEM]), heap[SYSTEM].order[0] = 1));
	REFUSED((make_memfd(&heap[SYSTEM]),
		 heap[SYSTEM].flags |= HK_HEAP_POOLED));
	REFUSED((make_memfd(&heap[SYSTEM]),
		 heap[SYSTEM].flags |= HK_HEAP_PROTECTED));
	REFUSED((make_memfd(&heap[SYSTEM]),
		 heap[SYSTEM].flags |= HK_HEAP_UNCACHED));
}

TEST(a_number_that_its_heap_has_no_use_for_is_refused)
{
	REFUSED(heap[CARVEOUT].chunk = KIB(64));
	REFUSED(heap[CARVEOUT].size_limit = MIB(1));
	REFUSED(heap[SYSTEM].mapcount = 1);
	REFUSED(heap[SYSTEM].failures = 1);
	REFUSED(heap[SECURE].failures = 1);
	REFUSED(heap[CARVEOUT].n_ranges = 1);
}

TEST(chunks_of_an_area_are_powers_of_two_of_its_bits)
{
	struct bench good;

	init(&good);
	good.heap[CMA].chunk = KIB(64);
	good.heap[CMA].granule = KIB(64);
	CHECK_EQ(create(&good), 0);
	REFUSED(heap[CMA].chunk = KIB(96));
	REFUSED(heap[CMA].chunk = KIB(2));
	REFUSED(heap[CMA].chunk = MIB(8));
	REFUSED((heap[CMA].granule = KIB(64), heap[CMA].chunk = KIB(32)));
}

TEST(rules_of_synchronisation_there_are_not_are_refused)
{
	REFUSED(bench.spec.sync_flags = HK_SYNC_LAZY << 1);
}

TEST(orders_must_descend_and_exist)
{
	REFUSED(heap[SYSTEM].n_orders = 0);
	REFUSED(heap[SYSTEM].n_orders = HK_MAX_ORDERS + 1);
	REFUSED(heap[SYSTEM].order[0] = HK_MAX_PAGE_ORDER + 1);
	REFUSED(heap[SYSTEM].order[1] = 8);
	REFUSED(heap[SYSTEM].order[2] = 5);
}

TEST(regions_must_be_whole_granules)
{
	REFUSED(heap[CARVEOUT].size = 0);
	REFUSED(heap[CARVEOUT].size = KIB(6));
	REFUSED(heap[CARVEOUT].base += 512);
	REFUSED(heap[CARVEOUT].granule = 0);
	REFUSED(heap[CARVEOUT].granule = KIB(8));
	REFUSED(heap[CHUNK].granule = KIB(96));
	REFUSED(heap[CHUNK].granule = KIB(2));
	REFUSED(heap[CHUNK].size = KIB(96));
	REFUSED(heap[CARVEOUT].base = UINT64_MAX - KIB(4) + 1);
	REFUSED((heap[CARVEOUT].fit = HK_FIT_FIRST_ALIGN,
		 heap[CARVEOUT].align = KIB(12)));
}

TEST(overlapping_regions_are_refused)
{
	REFUSED(heap[CARVEOUT].base = MIB(132) - KIB(4));
	REFUSED(heap[CARVEOUT].base = MIB(133));
	REFUSED(heap[CARVEOUT].base = MIB(16));
	REFUSED(heap[CARVEOUT].base = MIB(64) - KIB(4));
	REFUSED((heap[CARVEOUT].base = 0, heap[CARVEOUT].size = MIB(256)));
}

TEST(a_cma_area_must_lie_inside_the_memory)
{
	REFUSED(heap[CMA].base = MIB(256));
	REFUSED(heap[CMA].base = MIB(62));
	REFUSED(heap[CMA].alignment_order = 13);
	REFUSED((bench.spec.memory.total = 0, heap[SYSTEM] = heap[SECURE],
		 bench.spec.n_heaps = 2));
}

TEST(a_system_heap_needs_memory)
{
	REFUSED((bench.spec.memory.total = 0, bench.spec.n_heaps = 1));
}

TEST(memory_must_be_whole_pages_that_exist)
{
	REFUSED(bench.spec.memory.total += 100);
	REFUSED(bench.spec.memory.base = 100);
	REFUSED(bench.spec.memory.base = UINT64_MAX - KIB(4) + 1);
}

TEST(costs_must_be_finite_numbers)
{
	REFUSED(bench.spec.costs.zero_page = -1);
	REFUSED(bench.spec.costs.clean_line = NAN);
	REFUSED(bench.spec.costs.allocate_call = INFINITY);
	REFUSED(bench.spec.costs.line_bytes = 0);
	REFUSED(bench.spec.costs.line_bytes = 8192);
}

TEST(there_are_only_so_many_heaps_and_devices)
{
	REFUSED(bench.spec.n_heaps = HK_MAX_HEAPS + 1);
	REFUSED(bench.spec.n_devices = HK_MAX_DEVICES + 1);
}

TEST(a_machine_may_be_empty)
{
	struct bench bench;

	bench_init(&bench);
	bench_start(&bench);
	pressure(&bench, MIB(1));
	CHECK_EQ(bench.gauges.free_bytes, 0);
	CHECK_EQ(hk_machine_buddyinfo(bench.machine, NULL), -EINVAL);
	CHECK_EQ(hk_machine_pagetypeinfo(bench.machine, NULL, NULL), -EINVAL);
	bench_end(&bench);
}

TEST(a_starved_create_leaves_nothing_behind)
{
	struct bench bench;
	uint32_t nth = 1;
	int ret;

	init(&bench);
	bench.heap[SYSTEM].flags = HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE;
	bench.heap[CARVEOUT].flags = HK_HEAP_DEFERRED_FREE;
	do {
		fail_allocation(nth++);
		ret = create(&bench);
		CHECK(ret == 0 || ret == -ENOMEM);
	} while (ret);
	fail_allocation(0);
	CHECK(nth > 8);
}
