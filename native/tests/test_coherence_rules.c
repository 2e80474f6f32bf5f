// SPDX-License-Identifier: MIT
//
// The rules of synchronisation that a board can have beside today's.
#include "checker.h"

enum { ISP, GPU };
enum { R = HK_ACCESS_READ, W = HK_ACCESS_WRITE, RW = R | W };

static const uint64_t size = 16384;
static const uint64_t lines = 16384 / 64;

static void start(struct checker *c, uint32_t sync_flags)
{
	struct bench *bench = &c->bench;

	*c = (struct checker){0};
	bench_init(bench);
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(64), MIB(1));
	bench_device(bench, false);
	bench_device(bench, false);
	bench->spec.sync_flags = sync_flags;
	bench_start(bench);
	allocate(bench, 0, size, 0);
	DO(c, .op = HK_OP_ATTACH, .device = ISP);
}

static uint64_t cleaned(const struct checker *c)
{
	return charged(c, HK_COST_CLEAN_LINE);
}

static uint64_t invalidated(const struct checker *c)
{
	return charged(c, HK_COST_INVALIDATE_LINE);
}

// --- Of 2019: every attachment ---

TEST(every_attachment_is_synced_where_the_board_says_so)
{
	struct checker c;

	start(&c, HK_SYNC_EVERY_ATTACHMENT);
	DO(&c, .op = HK_OP_ATTACH, .device = GPU);
	DO(&c, .op = HK_OP_END_CPU, .access = W);
	CHECK_EQ(cleaned(&c), 2 * lines);
	bench_end(&c.bench);
	start(&c, 0);
	DO(&c, .op = HK_OP_END_CPU, .access = W);
	CHECK_EQ(cleaned(&c), 0);
	bench_end(&c.bench);
}

TEST(a_begin_for_an_attachment_that_is_not_mapped_loses_the_zeroes)
{
	struct checker c;

	start(&c, HK_SYNC_EVERY_ATTACHMENT);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	CHECK_FOUND_ONE(&c, HK_LOST_CPU_WRITE, 0, size);
	bench_end(&c.bench);
}

// --- arm64 before 5.19 ---

TEST(an_end_of_reading_cleans_since_5_19_and_invalidated_before)
{
	struct checker c;

	start(&c, 0);
	DO(&c, .op = HK_OP_MAP);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	CHECK_EQ(cleaned(&c), lines);
	bench_end(&c.bench);
	start(&c, HK_SYNC_BEFORE_5_19);
	DO(&c, .op = HK_OP_MAP);
	CHECK_EQ(cleaned(&c), lines);
	DO(&c, .op = HK_OP_CPU_WRITE, .size = 64);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	CHECK_EQ(invalidated(&c), lines);
	CHECK_EQ(c.n_found, 2);
	CHECK_FOUND(&c, 0, HK_END_WITHOUT_BEGIN, 0, 0);
	CHECK_FOUND(&c, 1, HK_LOST_CPU_WRITE, 0, 64);
	DO(&c, .op = HK_OP_END_CPU, .access = RW);
	CHECK_EQ(cleaned(&c), lines);
	DO(&c, .op = HK_OP_UNMAP);
	CHECK_EQ(invalidated(&c), lines);
	bench_end(&c.bench);
}

// --- Lazily ---

TEST(lazily_a_device_that_follows_a_device_pays_nothing)
{
	struct checker c;

	start(&c, HK_SYNC_LAZY);
	DO(&c, .op = HK_OP_MAP);
	CHECK_EQ(cleaned(&c), lines); // the zeroes
	DO(&c, .op = HK_OP_DEVICE_WRITE);
	DO(&c, .op = HK_OP_UNMAP);
	CHECK_EQ(invalidated(&c), 0);
	DO(&c, .op = HK_OP_ATTACH, .device = GPU);
	DO(&c, .op = HK_OP_MAP, .device = GPU);
	CHECK_EQ(cleaned(&c), 0);
	DO(&c, .op = HK_OP_DEVICE_READ, .device = GPU);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_UNMAP, .device = GPU);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	CHECK_EQ(invalidated(&c), lines);
	DO(&c, .op = HK_OP_CPU_READ);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	CHECK_EQ(invalidated(&c), 0);
	bench_end(&c.bench);
}

TEST(lazily_one_pass_does_for_all_devices)
{
	struct checker c;

	start(&c, HK_SYNC_LAZY);
	DO(&c, .op = HK_OP_ATTACH, .device = GPU);
	DO(&c, .op = HK_OP_MAP, .device = ISP);
	DO(&c, .op = HK_OP_MAP, .device = GPU);
	CHECK_EQ(cleaned(&c), 0);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = RW);
	CHECK_EQ(invalidated(&c), lines);
	DO(&c, .op = HK_OP_END_CPU, .access = RW);
	CHECK_EQ(cleaned(&c), lines);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	CHECK_EQ(cleaned(&c), 0);
	bench_end(&c.bench);
}

// What a device wrote before is invalidated before the CPU writes, not after.
TEST(lazily_no_write_of_the_cpu_is_lost_to_an_older_one_of_a_device)
{
	struct checker c;

	start(&c, HK_SYNC_LAZY);
	DO(&c, .op = HK_OP_MAP);
	DO(&c, .op = HK_OP_DEVICE_WRITE);
	DO(&c, .op = HK_OP_UNMAP);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = W);
	CHECK_EQ(invalidated(&c), lines);
	DO(&c, .op = HK_OP_CPU_WRITE, .offset = 10, .size = 10);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_END_CPU, .access = W);
	CHECK_EQ(cleaned(&c), 0);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	DO(&c, .op = HK_OP_MAP);
	CHECK_EQ(cleaned(&c), lines);
	bench_end(&c.bench);
}

TEST(lazily_a_part_that_was_synced_leaves_the_rest_to_be)
{
	struct checker c;

	start(&c, HK_SYNC_LAZY);
	DO(&c, .op = HK_OP_MAP);
	DO(&c, .op = HK_OP_DEVICE_WRITE);
	DO(&c, .op = HK_OP_UNMAP);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = RW, .size = 64);
	CHECK_EQ(invalidated(&c), 1);
	DO(&c, .op = HK_OP_CPU_WRITE, .size = 64);
	DO(&c, .op = HK_OP_END_CPU, .access = RW, .size = 64);
	CHECK_EQ(cleaned(&c), 1);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	CHECK_EQ(invalidated(&c), lines);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_CPU_READ);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(lazily_zeroes_are_cleaned_whole_after_a_part_was)
{
	struct checker c;

	start(&c, HK_SYNC_LAZY | HK_SYNC_EVERY_ATTACHMENT);
	DO(&c, .op = HK_OP_END_CPU, .access = W, .size = 64);
	CHECK_EQ(cleaned(&c), 1);
	DO(&c, .op = HK_OP_MAP);
	CHECK_EQ(cleaned(&c), lines);
	DO(&c, .op = HK_OP_DEVICE_READ);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}
