// SPDX-License-Identifier: MIT
//
// Heaps over one region: carveout, CMA, chunk and secure.
#include "bench.h"

enum { A, B, C, D, E };

static const uint64_t base = UINT64_C(0x800000000);

static struct hk_heap_spec *region(struct bench *bench, enum hk_heap_kind kind,
				   uint64_t size)
{
	bench_init(bench);
	return bench_region(bench, kind, base, size);
}

// Place @mib MiB; at which MiB of the region.
static uint64_t place(struct bench *bench, uint32_t buffer, uint64_t mib)
{
	const uint64_t address = allocate(bench, buffer, MIB(mib), 0);

	return address == NOWHERE ? NOWHERE : (address - base) / MIB(1);
}

static void start_exynos(struct bench *bench, uint32_t flags)
{
	region(bench, HK_HEAP_CARVEOUT, MIB(10))->flags = flags;
	bench_start(bench);
	CHECK_EQ(place(bench, A, 4), 0);
	CHECK_EQ(place(bench, B, 2), 4);
	give(bench, A);
	give(bench, B);
}

// The case for which Exynos took DEFER_FREE from its carveouts (d985013f).
TEST(deferred_frees_fragment_a_carveout)
{
	struct bench bench;

	start_exynos(&bench, HK_HEAP_DEFERRED_FREE | HK_HEAP_ZERO_AT_FREE);
	CHECK_EQ(place(&bench, C, 3), 6);
	advance(&bench, 1000000000);
	CHECK_EQ(gauges_of(&bench, 0).deferred_bytes, 0);
	CHECK_EQ(place(&bench, D, 4), 0);
	CHECK_EQ(place(&bench, E, 3), NOWHERE);
	CHECK_EQ(bench.gauges.free_bytes, MIB(3));
	CHECK_EQ(bench.gauges.largest_free_bytes, MIB(2));
	bench_end(&bench);
}

TEST(immediate_frees_do_not)
{
	struct bench bench;

	start_exynos(&bench, HK_HEAP_ZERO_AT_FREE);
	CHECK_EQ(place(&bench, C, 3), 0);
	CHECK_EQ(place(&bench, D, 4), 3);
	CHECK_EQ(place(&bench, E, 3), 7);
	bench_end(&bench);
}

TEST(ion_drains_the_deferred_list_and_tries_once_more)
{
	struct bench bench;

	start_exynos(&bench, HK_HEAP_DEFERRED_FREE | HK_HEAP_ZERO_AT_FREE |
				     HK_HEAP_RETRY_DRAINED);
	CHECK_EQ(place(&bench, C, 5), 0);
	CHECK_EQ(bench.gauges.deferred_bytes, 0);
	CHECK_EQ(bench.row.tried, 1);
	CHECK_EQ(bench.row.latency_ns, 5000 + 2 * 700 + 6 * 256 * 500);
	bench_end(&bench);
}

TEST(without_the_retry_a_carveout_full_of_deferred_buffers_fails)
{
	struct bench bench;

	start_exynos(&bench, HK_HEAP_DEFERRED_FREE);
	CHECK_EQ(place(&bench, C, 5), NOWHERE);
	CHECK_EQ(bench.gauges.deferred_bytes, MIB(6));
	bench_end(&bench);
}

TEST(pressure_does_not_touch_a_carveout)
{
	struct bench bench;

	start_exynos(&bench, HK_HEAP_DEFERRED_FREE);
	pressure(&bench, MIB(100));
	CHECK_EQ(bench.gauges.free_bytes, 0);
	CHECK_EQ(bench.gauges.deferred_bytes, 0);
	CHECK_EQ(gauges_of(&bench, 0).deferred_bytes, MIB(6));
	bench_end(&bench);
}

TEST(a_carveout_is_zeroed_once_at_either_end)
{
	struct bench bench;

	region(&bench, HK_HEAP_CARVEOUT, MIB(10));
	bench_start(&bench);
	place(&bench, A, 1);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700 + 256 * 500);
	give(&bench, A);
	CHECK_EQ(bench.row.latency_ns, 3000);
	bench_end(&bench);

	region(&bench, HK_HEAP_CARVEOUT, MIB(10))->flags = HK_HEAP_ZERO_AT_FREE;
	bench_start(&bench);
	place(&bench, A, 1);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700);
	give(&bench, A);
	CHECK_EQ(bench.row.latency_ns, 3000 + 256 * 500);
	bench_end(&bench);
}

TEST(a_carveout_places_by_its_fit)
{
	struct bench bench;

	region(&bench, HK_HEAP_CARVEOUT, MIB(10))->fit = HK_FIT_BEST;
	bench_start(&bench);
	place(&bench, A, 3);
	place(&bench, B, 1);
	place(&bench, C, 2);
	place(&bench, D, 1);
	give(&bench, A);
	give(&bench, C);
	CHECK_EQ(place(&bench, E, 2), 4);
	bench_end(&bench);
}

TEST(cma_aligns_to_the_size_but_takes_only_its_pages)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(64));
	bench_region(&bench, HK_HEAP_CMA, MIB(32), MIB(4));
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, A, KIB(4), 0), MIB(32));
	CHECK_EQ(allocate(&bench, B, KIB(20), 0), MIB(32) + KIB(32));
	CHECK_EQ(bench.row.entries, 1);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4) - KIB(24));
	CHECK_EQ(bench.row.latency_ns, 5000 + 311000 + 5 * (257 + 500));
	CHECK_EQ(allocate(&bench, C, KIB(1200), 0), MIB(33));
	CHECK_EQ(allocate(&bench, D, MIB(3), 0), NOWHERE);
	CHECK_EQ(bench.row.status, -ENOMEM);
	give(&bench, A);
	CHECK_EQ(bench.row.latency_ns, 3000);
	bench_end(&bench);
}

TEST(cma_with_bits_of_four_pages_counts_pages_and_takes_bits)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(64));
	bench_region(&bench, HK_HEAP_CMA, MIB(32), MIB(4))->granule = KIB(16);
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, A, KIB(4), 0), MIB(32));
	CHECK_EQ(allocate(&bench, B, KIB(4), 0), MIB(32) + KIB(16));
	CHECK_EQ(bench.gauges.free_bytes, MIB(4) - KIB(8));
	bench_end(&bench);
}

TEST(a_chunk_heap_scatters_a_buffer_over_free_chunks)
{
	struct bench bench;

	region(&bench, HK_HEAP_CHUNK, KIB(256));
	bench_start(&bench);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_EQ(allocate(&bench, i, KIB(4), 0), base + i * KIB(64));
	give(&bench, A);
	give(&bench, C);
	CHECK_EQ(allocate(&bench, E, KIB(68), 0), base);
	CHECK_EQ(bench.row.entries, 2);
	CHECK_EQ(entry_of(&bench, E, 1).address, base + KIB(128));
	CHECK_EQ(bench.row.latency_ns, 5000 + 2 * 700 + 32 * 500);
	CHECK_EQ(bench.gauges.free_bytes, 0);
	give(&bench, E);
	CHECK_EQ(bench.gauges.free_bytes, KIB(128));
	CHECK_EQ(bench.gauges.largest_free_bytes, KIB(64));
	bench_end(&bench);
}

TEST(a_chunk_heap_refuses_at_once_what_it_cannot_hold)
{
	struct bench bench;

	region(&bench, HK_HEAP_CHUNK, KIB(256));
	bench_start(&bench);
	CHECK_EQ(allocate(&bench, A, KIB(260), 0), NOWHERE);
	CHECK_EQ(bench.row.latency_ns, 5000);
	CHECK_EQ(bench.gauges.free_bytes, KIB(256));
	CHECK(allocate(&bench, B, KIB(256), 0) != NOWHERE);
	bench_end(&bench);
}

TEST(a_secure_heap_is_neither_zeroed_nor_synchronised)
{
	struct bench bench;

	region(&bench, HK_HEAP_SECURE, MIB(10));
	bench_start(&bench);
	place(&bench, A, 1);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700);
	CHECK_EQ(on_device(&bench, HK_OP_ATTACH, A, 0), 0);
	CHECK_EQ(on_device(&bench, HK_OP_MAP, A, 0), 0);
	CHECK_EQ(bench.row.latency_ns, 20);
	CHECK_EQ(sync_cpu(&bench, HK_OP_BEGIN_CPU, A, HK_ACCESS_READ, 0, 0), 0);
	CHECK_EQ(bench.row.latency_ns, 600);
	bench_end(&bench);
}
