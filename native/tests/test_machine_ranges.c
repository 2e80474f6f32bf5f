// SPDX-License-Identifier: MIT
//
// A CMA heap whose area lies in several pieces.
#include "bench.h"

#include <stdlib.h>

// Pieces of 8, 4 and 16 MiB, not in the order of their addresses.
static void init(struct bench *bench)
{
	struct hk_heap_spec *heap;

	bench_init(bench);
	bench_memory(bench, MIB(64));
	bench_system(bench, 0);
	heap = bench_region(bench, HK_HEAP_CMA, 0, 0);
	heap->n_ranges = 3;
	heap->range[0] = (struct hk_range){MIB(40), MIB(8)};
	heap->range[1] = (struct hk_range){MIB(8), MIB(4)};
	heap->range[2] = (struct hk_range){MIB(16), MIB(16)};
}

static int create(const struct bench *bench)
{
	struct hk_machine *machine = NULL;
	const int ret = hk_machine_create(&bench->spec, &machine);

	hk_machine_destroy(machine);
	return ret;
}

TEST(ranges_are_tried_in_the_boards_order)
{
	struct bench bench;

	init(&bench);
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, 0, MIB(4), 1), MIB(40));
	CHECK_EQ(allocate(&bench, 1, MIB(6), 1), MIB(16));
	CHECK_EQ(allocate(&bench, 2, MIB(4), 1), MIB(44));
	CHECK_EQ(allocate(&bench, 3, MIB(4), 1), MIB(8));
	CHECK_EQ(allocate(&bench, 4, MIB(10), 1), MIB(22));
	CHECK_EQ(bench.gauges.free_bytes, 0);
	bench_check(&bench);
	give(&bench, 3);
	CHECK_EQ(bench.gauges.largest_free_bytes, MIB(4));
	CHECK_EQ(allocate(&bench, 3, MIB(5), 1), NOWHERE);
	bench_end(&bench);
}

TEST(no_buffer_spans_two_ranges)
{
	struct bench bench;

	init(&bench);
	bench_start(&bench);
	CHECK_EQ(gauges_of(&bench, 1).free_bytes, MIB(28));
	CHECK_EQ(gauges_of(&bench, 1).largest_free_bytes, MIB(16));
	CHECK_EQ(allocate(&bench, 0, MIB(17), 1), NOWHERE);
	bench_end(&bench);
}

TEST(the_page_allocator_has_what_lies_between_the_ranges)
{
	struct bench bench;

	init(&bench);
	bench_start(&bench);
	CHECK_EQ(gauges_of(&bench, 0).free_bytes, MIB(64 - 28));
	bench_end(&bench);
}

TEST(a_snapshot_has_every_range)
{
	struct bench bench;
	struct hk_region region[8];
	uint64_t count;

	init(&bench);
	bench_start(&bench);
	allocate(&bench, 0, MIB(8), 1);
	CHECK_EQ(hk_machine_snapshot(bench.machine, 1, region, 8, &count), 0);
	CHECK_EQ(count, 3);
	CHECK_EQ(region[0].address, MIB(8));
	CHECK_EQ(region[1].address, MIB(16));
	CHECK_EQ(region[2].address, MIB(40));
	CHECK_EQ(region[2].state, HK_REGION_USED);
	bench_end(&bench);
}

#define REFUSED(change)                                                        \
	do {                                                                   \
		struct bench bench;                                            \
		struct hk_heap_spec *heap = bench.heap;                        \
                                                                               \
		init(&bench);                                                  \
		CHECK_EQ(create(&bench), 0);                                   \
		(void)heap;                                                    \
		change;                                                        \
		CHECK_EQ(create(&bench), -EINVAL);                             \
	} while (0)

TEST(ranges_must_be_whole_apart_and_inside_the_memory)
{
	REFUSED(heap[1].n_ranges = HK_MAX_CMA_RANGES + 1);
	REFUSED(heap[1].range[1].size = 0);
	REFUSED(heap[1].range[1].base += 1);
	REFUSED(heap[1].range[1].size += 1);
	REFUSED(heap[1].range[1].base = MIB(14));
	REFUSED(heap[1].range[2].base = MIB(64));
	REFUSED(heap[1].range[2].size = UINT64_MAX - 4095);
	REFUSED(heap[1].kind = HK_HEAP_CARVEOUT);
	REFUSED(heap[0].n_ranges = 1);
	REFUSED(bench_region(&bench, HK_HEAP_SECURE, MIB(31), MIB(1)));
}
