// SPDX-License-Identifier: MIT
//
// Pages of another world: secure heaps whose memory is handed over and back, an
// encrypted system heap, and what does not come back.
#include "bench.h"

#include <string.h>

enum { SECURE, SYSTEM };

static void init(struct bench *bench, uint32_t failures)
{
	bench_init(bench);
	bench_memory(bench, MIB(16));
	bench_region(bench, HK_HEAP_SECURE, MIB(64), MIB(4));
	bench_system(bench, HK_HEAP_PROTECTED);
	for (uint32_t i = 0; i < 2; i++) {
		bench->heap[i].flags = HK_HEAP_PROTECTED;
		bench->heap[i].failures = failures;
	}
}

static void start(struct bench *bench, uint32_t failures)
{
	init(bench, failures);
	bench_start(bench);
}

static uint64_t count_leaked(const struct bench *bench, uint32_t heap)
{
	static struct hk_region region[4096];
	uint64_t count, bytes = 0;

	CHECK_EQ(
		hk_machine_snapshot(bench->machine, heap, region, 4096, &count),
		0);
	for (uint64_t i = 0; i < count; i++)
		if (region[i].state == HK_REGION_LEAKED) {
			CHECK_EQ(region[i].owner, UINT32_MAX);
			bytes += region[i].size;
		}
	return bytes;
}

TEST(every_page_is_handed_over_and_back)
{
	struct bench bench;

	start(&bench, 0);
	allocate(&bench, 0, MIB(1), SECURE);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700 + 256 * 70);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 256 * 70);
	CHECK_EQ(bench.gauges.free_bytes, MIB(4));
	allocate(&bench, 0, MIB(1) + KIB(4), SYSTEM);
	CHECK_EQ(bench.row.latency_ns, 5000 + 2 * 300 + 257 * (500 + 70));
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000 + 2 * 300 + 257 * 70);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	bench_end(&bench);
}

TEST(a_secure_heap_that_is_a_static_pool_hands_nothing_over)
{
	struct bench bench;

	init(&bench, 0);
	bench.heap[SECURE].flags = 0;
	bench_start(&bench);
	allocate(&bench, 0, MIB(1), SECURE);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700);
	give(&bench, 0);
	CHECK_EQ(bench.row.latency_ns, 3000);
	bench_end(&bench);
}

TEST(an_allocation_that_fails_hands_nothing_over)
{
	struct bench bench;

	start(&bench, UINT32_MAX);
	CHECK_EQ(allocate(&bench, 0, MIB(5), SECURE), NOWHERE);
	CHECK_EQ(bench.row.latency_ns, 5000 + 700);
	CHECK_EQ(allocate(&bench, 1, MIB(17), SYSTEM), NOWHERE);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16));
	CHECK_EQ(count_leaked(&bench, SYSTEM), 0);
	bench_end(&bench);
}

TEST(what_is_not_handed_back_is_nobodys_any_more)
{
	struct bench bench;

	start(&bench, UINT32_MAX);
	for (uint16_t heap = 0; heap < 2; heap++) {
		const uint64_t first = allocate(&bench, 0, MIB(1), heap);

		give(&bench, 0);
		CHECK_EQ(count_leaked(&bench, heap), MIB(1));
		CHECK_EQ(bench.gauges.free_bytes,
			 (heap == SECURE ? MIB(4) : MIB(16)) - MIB(1));
		CHECK_EQ(bench.gauges.deferred_bytes, 0);
		CHECK(allocate(&bench, 0, MIB(1), heap) != first);
		give(&bench, 0);
		CHECK_EQ(count_leaked(&bench, heap), MIB(2));
	}
	CHECK_EQ(allocate(&bench, 1, MIB(3), SECURE), NOWHERE);
	bench_end(&bench);
}

static uint64_t leaked_after(uint32_t failures, uint64_t seed, uint16_t heap)
{
	struct bench bench;
	uint64_t leaked;

	init(&bench, failures);
	bench.spec.seed = seed;
	bench_start(&bench);
	for (uint32_t i = 0; i < 512; i++) {
		allocate(&bench, 0, KIB(4), heap);
		give(&bench, 0);
	}
	leaked = count_leaked(&bench, heap);
	bench_end(&bench);
	return leaked;
}

TEST(how_many_fail_is_the_share_and_which_ones_the_seed)
{
	const uint32_t eighth = UINT32_C(1) << 29;
	const uint64_t leaked = leaked_after(eighth, 1, SECURE);

	CHECK(leaked > KIB(4) * 40 && leaked < KIB(4) * 90);
	CHECK_EQ(leaked_after(eighth, 1, SECURE), leaked);
	CHECK_EQ(leaked_after(0, 1, SECURE), 0);
	// Another heap's are others.
	CHECK(leaked_after(eighth, 1, SYSTEM) != leaked ||
	      leaked_after(eighth, 2, SYSTEM) != leaked);
}

TEST(each_block_of_an_encrypted_heap_fails_alone)
{
	struct bench bench;
	uint64_t leaked;

	start(&bench, UINT32_C(1) << 31);
	allocate(&bench, 0, MIB(8), SYSTEM);
	give(&bench, 0);
	leaked = count_leaked(&bench, SYSTEM);
	CHECK(leaked > 0 && leaked < MIB(8));
	CHECK_EQ(leaked % MIB(1), 0);
	CHECK_EQ(bench.gauges.free_bytes, MIB(16) - leaked);
	CHECK_EQ(bench.row.latency_ns,
		 3000 + 2048 * 70 + 300 * (MIB(8) - leaked) / MIB(1));
	bench_end(&bench);
}

// --- A state ---

static void reload(struct bench *bench, struct bench *ret)
{
	static uint8_t bytes[1 << 16];
	uint64_t size;

	CHECK_EQ(hk_machine_save(bench->machine, bytes, sizeof(bytes), &size),
		 0);
	start(ret, bench->heap[SECURE].failures);
	CHECK_EQ(hk_machine_load(ret->machine, bytes, size), 0);
	bench_check(ret);
}

TEST(a_protected_machine_goes_on_from_its_state)
{
	struct bench one, two;

	start(&one, UINT32_C(1) << 31);
	for (uint32_t i = 0; i < 40; i++) {
		allocate(&one, 0, KIB(64), (uint16_t)(i % 2));
		give(&one, 0);
	}
	reload(&one, &two);
	CHECK_EQ(count_leaked(&one, SECURE), count_leaked(&two, SECURE));
	CHECK_EQ(count_leaked(&one, SYSTEM), count_leaked(&two, SYSTEM));
	CHECK(count_leaked(&two, SECURE) > 0);
	for (uint32_t i = 0; i < 60; i++) {
		const uint16_t heap = (uint16_t)(i % 2);

		CHECK_EQ(allocate(&one, 0, KIB(64), heap),
			 allocate(&two, 0, KIB(64), heap));
		give(&one, 0);
		give(&two, 0);
		CHECK(!memcmp(&one.gauges, &two.gauges, sizeof(one.gauges)));
	}
	bench_end(&one);
	bench_end(&two);
}

static int load_forged(const struct bench *bench, uint32_t flags)
{
	static uint8_t bytes[1 << 16];
	struct bench other;
	uint64_t size;
	int ret;

	CHECK_EQ(hk_machine_save(bench->machine, bytes, sizeof(bytes), &size),
		 0);
	hk_machine_destroy(bench->machine);
	init(&other, 0);
	other.heap[SYSTEM].flags = flags;
	CHECK_EQ(hk_machine_create(&other.spec, &other.machine), 0);
	ret = hk_machine_load(other.machine, bytes, size);
	hk_machine_destroy(other.machine);
	return ret;
}

TEST(a_state_with_more_leaks_than_hand_backs_is_refused)
{
	struct bench bench;

	start(&bench, 0);
	bench.machine->heap[SYSTEM].spec.failures = UINT32_MAX;
	allocate(&bench, 0, KIB(4), SYSTEM);
	give(&bench, 0);
	bench.machine->heap[SYSTEM].spec.failures = 0;
	bench.machine->heap[SYSTEM].leaks.draws = 0;
	CHECK_EQ(load_forged(&bench, HK_HEAP_PROTECTED), -EINVAL);
}

TEST(a_state_in_which_an_open_heap_leaked_is_refused)
{
	struct bench bench;

	start(&bench, 0);
	allocate(&bench, 0, KIB(4), SYSTEM);
	give(&bench, 0);
	bench.machine->heap[SYSTEM].spec.flags = 0;
	CHECK_EQ(load_forged(&bench, 0), -EINVAL);
}

// --- When malloc() fails ---

TEST(a_starved_hand_back_did_not_happen)
{
	for (uint16_t heap = 0; heap < 2; heap++) {
		const struct hk_event event = {.op = HK_OP_FREE};
		struct bench bench;

		start(&bench, UINT32_MAX);
		allocate(&bench, 0, MIB(2), heap);
		fail_allocation(1);
		CHECK_EQ(hk_machine_step(bench.machine, &event, &bench.row,
					 NULL),
			 -ENOMEM);
		fail_allocation(0);
		bench_check(&bench);
		CHECK_EQ(count_leaked(&bench, heap), 0);
		give(&bench, 0);
		CHECK_EQ(count_leaked(&bench, heap), MIB(2));
		bench_end(&bench);
	}
}
