// SPDX-License-Identifier: MIT
//
// When data is stale or lost, and what a board's rules of synchronisation make
// of it. Every finding has a test here.
#include "checker.h"

enum { PLAIN, UNCACHED, SECURE, CHUNK };
enum { ISP, GPU, SNOOPING };
enum { R = HK_ACCESS_READ, W = HK_ACCESS_WRITE, RW = R | W };

static const uint64_t size = 16384;
static const uint64_t lines = 16384 / 64;

static void start(struct checker *c, uint32_t sync_flags)
{
	struct bench *bench = &c->bench;

	*c = (struct checker){0};
	bench_init(bench);
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(64), MIB(1));
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(66), MIB(1))->flags =
		HK_HEAP_UNCACHED;
	bench_region(bench, HK_HEAP_SECURE, MIB(68), MIB(1));
	bench_region(bench, HK_HEAP_CHUNK, MIB(70), MIB(1));
	bench_device(bench, false);
	bench_device(bench, false);
	bench_device(bench, true);
	bench->spec.sync_flags = sync_flags;
	bench->spec.costs.cache_bytes = 4096;
	bench_start(bench);
	allocate(bench, 0, size, PLAIN);
}

// Buffer 0 mapped for @device.
static void map(struct checker *c, uint32_t device)
{
	CHECK_EQ(DO(c, .op = HK_OP_ATTACH, .device = device), 0);
	CHECK_EQ(DO(c, .op = HK_OP_MAP, .device = device), 0);
}

static void begin(struct checker *c, uint32_t access)
{
	CHECK_EQ(DO(c, .op = HK_OP_BEGIN_CPU, .access = access), 0);
}

static void end(struct checker *c, uint32_t access)
{
	CHECK_EQ(DO(c, .op = HK_OP_END_CPU, .access = access), 0);
}

static void unmap(struct checker *c, uint32_t device)
{
	CHECK_EQ(DO(c, .op = HK_OP_UNMAP, .device = device), 0);
}

static void device_writes(struct checker *c, uint32_t device)
{
	CHECK_EQ(DO(c, .op = HK_OP_DEVICE_WRITE, .device = device), 0);
}

static void device_reads(struct checker *c, uint32_t device)
{
	CHECK_EQ(DO(c, .op = HK_OP_DEVICE_READ, .device = device), 0);
}

static void cpu_writes(struct checker *c, uint64_t offset, uint64_t length)
{
	CHECK_EQ(DO(c, .op = HK_OP_CPU_WRITE, .offset = offset, .size = length),
		 0);
}

static void cpu_reads(struct checker *c, uint64_t offset, uint64_t length)
{
	CHECK_EQ(DO(c, .op = HK_OP_CPU_READ, .offset = offset, .size = length),
		 0);
}

// --- Data that goes wrong ---

TEST(the_cpu_reads_what_was_there_before_the_device_wrote)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	CHECK_EQ(DO(&c, .op = HK_OP_DEVICE_WRITE, .offset = 100, .size = 100),
		 0);
	CHECK_FOUND_NOTHING(&c);
	cpu_reads(&c, 0, 0);
	CHECK_FOUND_ONE(&c, HK_STALE_CPU_READ, 64, 3 * 64);
	cpu_reads(&c, 0, 64);
	CHECK_FOUND_NOTHING(&c);
	begin(&c, R);
	cpu_reads(&c, 0, 0);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(the_device_reads_what_was_there_before_the_cpu_wrote)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	begin(&c, W);
	cpu_writes(&c, 4096, 10);
	device_reads(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_STALE_DEVICE_READ, 4096, 64);
	end(&c, W);
	device_reads(&c, ISP);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(zeroes_of_a_new_buffer_are_dirty_until_it_is_mapped)
{
	struct checker c;

	start(&c, 0);
	CHECK_EQ(DO(&c, .op = HK_OP_DEVICE_READ, .offset = 640, .size = 64), 0);
	CHECK_EQ(c.n_found, 2);
	CHECK_FOUND(&c, 0, HK_UNMAPPED_DEVICE, 640, 64);
	CHECK_FOUND(&c, 1, HK_STALE_DEVICE_READ, 640, 64);
	map(&c, ISP);
	CHECK_EQ(charged(&c, HK_COST_CLEAN_LINE), lines);
	// No more than the cache holds.
	CHECK_EQ(charged(&c, HK_COST_DIRTY_LINE), 64);
	device_reads(&c, ISP);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(what_is_invalidated_before_it_is_cleaned_is_lost)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	cpu_writes(&c, 128, 64);
	begin(&c, R);
	CHECK_FOUND_ONE(&c, HK_LOST_CPU_WRITE, 128, 64);
	cpu_writes(&c, 0, 0);
	unmap(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_LOST_CPU_WRITE, 0, size);
	bench_end(&c.bench);
}

TEST(a_dirty_line_may_be_written_over_what_a_device_wrote)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	cpu_writes(&c, 192, 1);
	device_writes(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_LOST_DEVICE_WRITE, 192, 64);
	// Said once.
	device_writes(&c, ISP);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(the_cpu_that_writes_a_part_of_a_stale_line_loses_the_rest_of_it)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	device_writes(&c, ISP);
	cpu_writes(&c, 10, 128);
	CHECK_FOUND_ONE(&c, HK_LOST_DEVICE_WRITE, 0, 2 * 64);
	cpu_writes(&c, 256, 128);
	CHECK_FOUND_NOTHING(&c);
	cpu_writes(&c, 640, 10);
	CHECK_FOUND_ONE(&c, HK_LOST_DEVICE_WRITE, 640, 64);
	// Whole lines are the CPU's own.
	cpu_reads(&c, 256, 128);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(a_device_that_has_no_mapping_is_found)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	CHECK_EQ(DO(&c, .op = HK_OP_DEVICE_READ, .device = GPU, .offset = 5,
		    .size = 6),
		 0);
	CHECK_FOUND_ONE(&c, HK_UNMAPPED_DEVICE, 5, 6);
	DO(&c, .op = HK_OP_ATTACH, .device = GPU);
	device_reads(&c, GPU);
	CHECK_FOUND_ONE(&c, HK_UNMAPPED_DEVICE, 0, size);
	unmap(&c, ISP);
	device_reads(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_UNMAPPED_DEVICE, 0, size);
	bench_end(&c.bench);
}

// --- What the kernel lets pass ---

TEST(an_end_without_a_begin_is_found)
{
	struct checker c;

	start(&c, 0);
	end(&c, R);
	CHECK_FOUND_ONE(&c, HK_END_WITHOUT_BEGIN, 0, 0);
	begin(&c, R);
	end(&c, R);
	CHECK_FOUND_NOTHING(&c);
	end(&c, R);
	CHECK_FOUND_ONE(&c, HK_END_WITHOUT_BEGIN, 0, 0);
	bench_end(&c.bench);
}

TEST(a_nested_begin_is_found_and_its_outer_end_is_not)
{
	struct checker c;

	start(&c, 0);
	begin(&c, R);
	begin(&c, W);
	CHECK_FOUND_ONE(&c, HK_NESTED_BEGIN, 0, 0);
	end(&c, W);
	CHECK_FOUND_NOTHING(&c);
	end(&c, R);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(an_end_with_another_direction_is_found)
{
	struct checker c;

	start(&c, 0);
	begin(&c, R);
	end(&c, RW);
	CHECK_FOUND_ONE(&c, HK_DIRECTION_MISMATCH, 0, 0);
	bench_end(&c.bench);
}

TEST(what_is_open_or_mapped_at_the_last_free_is_found)
{
	struct checker c;

	start(&c, 0);
	begin(&c, R);
	DO(&c, .op = HK_OP_ATTACH);
	DO(&c, .op = HK_OP_SHARE);
	DO(&c, .op = HK_OP_FREE);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_FREE);
	CHECK_EQ(c.n_found, 2);
	CHECK_FOUND(&c, 0, HK_OPEN_AT_FREE, 0, 0);
	CHECK_FOUND(&c, 1, HK_MAPPED_AT_FREE, 0, 0);
	for (uint32_t op = HK_OP_MMAP; op <= HK_OP_VMAP; op += 2) {
		allocate(&c.bench, 0, size, PLAIN);
		DO(&c, .op = op);
		DO(&c, .op = HK_OP_FREE);
		CHECK_FOUND_ONE(&c, HK_MAPPED_AT_FREE, 0, 0);
	}
	bench_end(&c.bench);
}

// --- Parts of lines ---

TEST(a_line_that_is_invalidated_in_part_is_cleaned)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	cpu_writes(&c, 0, 0);
	// Lines 1 to 3 of which 2 is whole.
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R, .offset = 100, .size = 100);
	CHECK_FOUND_ONE(&c, HK_LOST_CPU_WRITE, 128, 64);
	CHECK_EQ(charged(&c, HK_COST_INVALIDATE_LINE), 3);
	DO(&c, .op = HK_OP_DEVICE_READ, .offset = 64, .size = 192);
	CHECK_FOUND_NOTHING(&c);
	device_reads(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_STALE_DEVICE_READ, 0, size - 192);
	bench_end(&c.bench);
}

TEST(a_part_of_no_bytes_is_no_lines)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	device_writes(&c, ISP);
	CHECK_EQ(DO(&c, .op = HK_OP_CPU_READ, .offset = size), 0);
	CHECK_FOUND_NOTHING(&c);
	CHECK_EQ(DO(&c, .op = HK_OP_BEGIN_CPU, .access = R, .offset = size), 0);
	CHECK_EQ(charged(&c, HK_COST_SYNC_ENTRY), 0);
	cpu_reads(&c, 0, 0);
	CHECK_FOUND_ONE(&c, HK_STALE_CPU_READ, 0, size);
	bench_end(&c.bench);
}

TEST(an_access_to_all_of_a_buffer_ends_with_its_size)
{
	struct checker c;

	start(&c, 0);
	allocate(&c.bench, 1, 4096, CHUNK);
	DO(&c, .op = HK_OP_DEVICE_READ, .buffer = 1);
	CHECK_FOUND(&c, 0, HK_UNMAPPED_DEVICE, 0, 4096);
	CHECK_FOUND(&c, 1, HK_STALE_DEVICE_READ, 0, 4096);
	// A pass does not: it goes by entries.
	DO(&c, .op = HK_OP_ATTACH, .buffer = 1);
	DO(&c, .op = HK_OP_MAP, .buffer = 1);
	CHECK_EQ(charged(&c, HK_COST_CLEAN_LINE), KIB(64) / 64);
	bench_end(&c.bench);
}

// --- Devices and heaps without maintenance ---

TEST(a_device_that_snoops_sees_what_the_cpu_wrote)
{
	struct checker c;

	start(&c, 0);
	map(&c, SNOOPING);
	CHECK_EQ(charged(&c, HK_COST_CLEAN_LINE), 0);
	cpu_writes(&c, 0, 0);
	device_reads(&c, SNOOPING);
	CHECK_FOUND_NOTHING(&c);
	device_writes(&c, SNOOPING);
	cpu_reads(&c, 0, 0);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

TEST(a_device_that_snoops_may_see_a_stale_cache)
{
	struct checker c;

	start(&c, 0);
	map(&c, ISP);
	map(&c, SNOOPING);
	device_writes(&c, ISP);
	device_reads(&c, SNOOPING);
	CHECK_FOUND_ONE(&c, HK_SNOOPED_STALE, 0, size);
	DO(&c, .op = HK_OP_DEVICE_WRITE, .device = SNOOPING, .offset = 32,
	   .size = 96);
	device_reads(&c, SNOOPING);
	CHECK_FOUND_ONE(&c, HK_SNOOPED_STALE, 0, size - 64);
	bench_end(&c.bench);
}

TEST(uncached_memory_is_never_stale)
{
	struct checker c;

	start(&c, 0);
	allocate(&c.bench, 1, size, UNCACHED);
	DO(&c, .op = HK_OP_ATTACH, .buffer = 1);
	DO(&c, .op = HK_OP_MAP, .buffer = 1);
	DO(&c, .op = HK_OP_DEVICE_WRITE, .buffer = 1);
	DO(&c, .op = HK_OP_CPU_READ, .buffer = 1);
	CHECK_FOUND_NOTHING(&c);
	CHECK_EQ(charged(&c, HK_COST_UNCACHED_READ_LINE), lines);
	CHECK_EQ(charged(&c, HK_COST_CPU_READ_LINE), 0);
	DO(&c, .op = HK_OP_CPU_WRITE, .buffer = 1);
	DO(&c, .op = HK_OP_DEVICE_READ, .buffer = 1);
	CHECK_FOUND_NOTHING(&c);
	DO(&c, .op = HK_OP_END_CPU, .buffer = 1, .access = RW);
	CHECK_FOUND_ONE(&c, HK_END_WITHOUT_BEGIN, 0, 0);
	bench_end(&c.bench);
}

TEST(the_cpu_does_not_come_near_a_secure_buffer)
{
	struct checker c;

	start(&c, 0);
	allocate(&c.bench, 1, size, SECURE);
	for (uint32_t op = HK_OP_MMAP; op <= HK_OP_VUNMAP; op++)
		CHECK_EQ(DO(&c, .op = op, .buffer = 1), -EINVAL);
	CHECK_EQ(DO(&c, .op = HK_OP_CPU_READ, .buffer = 1), -EFAULT);
	CHECK_EQ(DO(&c, .op = HK_OP_CPU_WRITE, .buffer = 1), -EFAULT);
	CHECK_EQ(c.bench.row.latency_ns, 0);
	// As in the kernel, whose ioctl knows nothing of it.
	CHECK_EQ(DO(&c, .op = HK_OP_BEGIN_CPU, .buffer = 1, .access = RW), 0);
	CHECK_EQ(DO(&c, .op = HK_OP_DEVICE_WRITE, .buffer = 1), 0);
	CHECK_FOUND_ONE(&c, HK_UNMAPPED_DEVICE, 0, size);
	bench_end(&c.bench);
}

TEST(an_access_outside_of_the_buffer_is_a_fault)
{
	struct checker c;

	start(&c, 0);
	for (uint32_t op = HK_OP_CPU_READ; op <= HK_OP_DEVICE_WRITE; op++) {
		CHECK_EQ(DO(&c, .op = op, .size = size + 1), -EFAULT);
		CHECK_EQ(DO(&c, .op = op, .offset = size + 1), -EFAULT);
		CHECK_EQ(DO(&c, .op = op, .offset = 64, .size = UINT64_MAX),
			 -EFAULT);
		CHECK_FOUND_NOTHING(&c);
		CHECK_EQ(c.bench.row.latency_ns, 0);
	}
	bench_end(&c.bench);
}

TEST(no_event_of_a_failed_allocation_is_found)
{
	struct checker c;

	start(&c, 0);
	allocate(&c.bench, 1, MIB(2), PLAIN);
	for (uint32_t op = HK_OP_ATTACH; op < HK_NR_OPS; op++) {
		if (op >= HK_OP_PRESSURE && op < HK_OP_CPU_READ)
			continue;
		CHECK_EQ(DO(&c, .op = op, .buffer = 1, .access = R), 0);
		CHECK_FOUND_NOTHING(&c);
	}
	DO(&c, .op = HK_OP_FREE, .buffer = 1);
	DO(&c, .op = HK_OP_FREE, .buffer = 1);
	CHECK_FOUND_NOTHING(&c);
	bench_end(&c.bench);
}

// --- DMA_ATTR_SKIP_CPU_SYNC ---

TEST(a_mapping_that_skips_the_sync_does_so_at_both_ends)
{
	struct checker c;

	start(&c, 0);
	DO(&c, .op = HK_OP_ATTACH);
	DO(&c, .op = HK_OP_MAP, .access = RW | HK_ACCESS_SKIP_SYNC);
	CHECK_EQ(charged(&c, HK_COST_CLEAN_LINE), 0);
	device_writes(&c, ISP);
	CHECK_FOUND_ONE(&c, HK_LOST_DEVICE_WRITE, 0, size);
	unmap(&c, ISP);
	CHECK_EQ(charged(&c, HK_COST_INVALIDATE_LINE), 0);
	cpu_reads(&c, 0, 0);
	CHECK_FOUND_ONE(&c, HK_STALE_CPU_READ, 0, size);
	// Of that mapping alone.
	DO(&c, .op = HK_OP_MAP);
	CHECK_EQ(charged(&c, HK_COST_CLEAN_LINE), lines);
	unmap(&c, ISP);
	CHECK_EQ(charged(&c, HK_COST_INVALIDATE_LINE), lines);
	bench_end(&c.bench);
}

TEST(the_brackets_sync_a_mapping_that_skips)
{
	struct checker c;

	start(&c, 0);
	DO(&c, .op = HK_OP_ATTACH);
	DO(&c, .op = HK_OP_MAP, .access = HK_ACCESS_SKIP_SYNC);
	begin(&c, RW);
	CHECK_EQ(charged(&c, HK_COST_INVALIDATE_LINE), lines);
	bench_end(&c.bench);
}
