// SPDX-License-Identifier: MIT
//
// Pages of a memfd that udmabuf pins, and a heap's limit of a buffer's size.
#include "bench.h"

enum { UDMABUF, SYSTEM, CMA, APPS };

static void init(struct bench *bench)
{
	struct hk_heap_spec *heap;

	bench_init(bench);
	bench_memory(bench, MIB(16));
	heap = bench_system(bench, HK_HEAP_MEMFD);
	heap->n_orders = 1;
	heap->order[0] = 0;
	heap->size_limit = MIB(13);
	bench_system(bench, 0)->size_limit = MIB(8);
	bench_region(bench, HK_HEAP_CMA, MIB(8), MIB(4));
	bench_load(bench, HK_MIGRATE_MOVABLE, 0);
}

static void start(struct bench *bench)
{
	init(bench);
	bench_start(bench);
}

TEST(a_memfd_is_single_pages_each_found_and_pinned)
{
	struct bench bench;

	start(&bench);
	CHECK(allocate(&bench, 0, MIB(1), UDMABUF) != NOWHERE);
	CHECK_EQ(bench.row.entries, 256);
	CHECK_EQ(bench.row.latency_ns, 5000 + 256 * (300 + 500 + 60));
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 256 * 300);
	bench_end(&bench);
}

TEST(pinned_pages_of_a_memfd_are_not_those_an_area_lends)
{
	struct bench bench;

	start(&bench);
	CHECK(allocate(&bench, 0, MIB(12), UDMABUF) != NOWHERE);
	CHECK_EQ(allocate(&bench, 1, KIB(4), UDMABUF), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4));
	CHECK_EQ(allocate(&bench, 2, MIB(4), CMA), MIB(8));
	CHECK_EQ(bench.machine->moves.pages_migrated, 0);
	CHECK_EQ(bench.machine->moves.busy_retries, 0);
	bench_end(&bench);
}

TEST(a_memfd_takes_whole_pages_up_to_the_limit_or_is_einval)
{
	struct bench bench;
	const uint16_t chain[] = {UDMABUF, SYSTEM};

	start(&bench);
	CHECK_EQ(allocate(&bench, 0, KIB(4) + 1, UDMABUF), NOWHERE);
	CHECK_EQ(bench.row.status, -EINVAL);
	CHECK_EQ(bench.row.latency_ns, 5000);
	CHECK_EQ(allocate(&bench, 1, MIB(13) + KIB(4), UDMABUF), NOWHERE);
	CHECK_EQ(bench.row.status, -EINVAL);
	// Within the limit, but there is not so much.
	CHECK_EQ(allocate(&bench, 2, MIB(13), UDMABUF), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	// No memory leads to the next heap, a wrong size does not.
	CHECK_EQ(allocate_chain(&bench, 3, KIB(4) + 1, chain, 2), -EINVAL);
	CHECK_EQ(bench.row.tried, 1);
	bench_end(&bench);
}

TEST(ions_half_of_the_memory_is_enomem_and_leads_to_the_next_heap)
{
	struct bench bench;
	const uint16_t chain[] = {SYSTEM, UDMABUF};

	start(&bench);
	CHECK_EQ(allocate_chain(&bench, 0, MIB(8) + KIB(4), chain, 1), -ENOMEM);
	CHECK_EQ(bench.row.latency_ns, 5000);
	CHECK_EQ(allocate_chain(&bench, 1, MIB(8) + KIB(4), chain, 2), 0);
	CHECK_EQ(bench.row.heap, UDMABUF);
	give(&bench, 1);
	CHECK_EQ(allocate_chain(&bench, 2, MIB(8), chain, 2), 0);
	CHECK_EQ(bench.row.heap, SYSTEM);
	bench_end(&bench);
}

// Pages of a memfd are movable when a pageblock is claimed, and count so in a
// machine that was loaded.
TEST(a_machine_with_a_memfd_goes_on_from_its_state)
{
	static uint8_t bytes[1 << 16];
	struct bench one, two;
	uint64_t size;

	start(&one);
	for (uint32_t i = 0; i < 40; i++)
		allocate(&one, i, KIB(4) * (1 + i % 7), (uint16_t)(i % 2));
	for (uint32_t i = 0; i < 40; i += 3)
		give(&one, i);
	CHECK_EQ(hk_machine_save(one.machine, bytes, sizeof(bytes), &size), 0);
	start(&two);
	CHECK_EQ(hk_machine_load(two.machine, bytes, size), 0);
	bench_check(&two);
	for (uint32_t i = 100; i < 160; i++) {
		const uint64_t wanted = KIB(4) * (1 + i % 60);
		const uint16_t heap = (uint16_t)(i % 2);

		CHECK_EQ(allocate(&one, i, wanted, heap),
			 allocate(&two, i, wanted, heap));
	}
	bench_end(&one);
	bench_end(&two);
}
