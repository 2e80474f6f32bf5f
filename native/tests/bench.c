// SPDX-License-Identifier: MIT
#include "bench.h"

#include <stdlib.h>
#include <string.h>

// Values that tell the terms of a sum apart; no claim about any machine.
static const struct hk_costs costs = {
	.allocate_call = 5000,
	.free_call = 3000,
	.buddy_block = 300,
	.pool_block = 80,
	.zero_page = 500,
	.zero_page_64k = 500,
	.zero_page_1m = 500,
	.reclaim_page = 1000,
	.gen_pool_call = 700,
	.cma_call = 311000,
	.cma_page = 257,
	.cma_retry = 290000,
	.migrate_page = 17000,
	.unmap_mapping = 40,
	.discard_page = 1500,
	.protect_page = 70,
	.memfd_page = 60,
	.attach_call = 1100,
	.attach_entry = 10,
	.map_entry = 20,
	.unmap_entry = 30,
	.sync_call = 600,
	.sync_entry = 900,
	.clean_line = 4,
	.invalidate_line = 5,
	.line_bytes = 64,
};

void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->spec.costs = costs;
	bench->spec.heap = bench->heap;
	bench->spec.device = bench->device;
}

void bench_memory(struct bench *bench, uint64_t total)
{
	bench->spec.memory.total = total;
}

struct hk_heap_spec *bench_system(struct bench *bench, uint32_t flags)
{
	struct hk_heap_spec *heap = &bench->heap[bench->spec.n_heaps++];

	heap->kind = HK_HEAP_SYSTEM;
	heap->flags = flags;
	heap->n_orders = 3;
	heap->order[0] = 8;
	heap->order[1] = 4;
	heap->order[2] = 0;
	return heap;
}

struct hk_heap_spec *bench_region(struct bench *bench, enum hk_heap_kind kind,
				  uint64_t base, uint64_t size)
{
	struct hk_heap_spec *heap = &bench->heap[bench->spec.n_heaps++];

	heap->kind = kind;
	heap->base = base;
	heap->size = size;
	heap->granule = kind == HK_HEAP_CHUNK ? KIB(64) : KIB(4);
	heap->align = KIB(4);
	heap->alignment_order = 8;
	return heap;
}

struct hk_heap_spec *bench_load(struct bench *bench, enum hk_migratetype type,
				uint32_t flags)
{
	struct hk_heap_spec *heap = &bench->heap[bench->spec.n_heaps++];

	heap->kind = HK_HEAP_PAGES;
	heap->flags = flags;
	heap->n_orders = 1;
	heap->migratetype = type;
	return heap;
}

void bench_device(struct bench *bench, bool coherent)
{
	bench->device[bench->spec.n_devices++].coherent = coherent;
}

void bench_start(struct bench *bench)
{
	CHECK_EQ(hk_machine_create(&bench->spec, &bench->machine), 0);
	bench_check(bench);
}

void bench_check(const struct bench *bench)
{
	const char *rule = "";

	if (hk_machine_check(bench->machine, &rule))
		test_fail(__FILE__, __LINE__, rule);
}

void bench_end(struct bench *bench)
{
	bench_check(bench);
	hk_machine_destroy(bench->machine);
}

static void step(struct bench *bench, struct hk_event *event)
{
	event->time_ns = bench->now;
	CHECK_EQ(hk_machine_step(bench->machine, event, &bench->row,
				 &bench->gauges),
		 0);
}

int32_t allocate_chain(struct bench *bench, uint32_t buffer, uint64_t size,
		       const uint16_t *heap, uint32_t n_heaps)
{
	struct hk_event event = {
		.op = HK_OP_ALLOC,
		.buffer = buffer,
		.size = size,
		.heap = heap,
		.n_heaps = n_heaps,
	};

	step(bench, &event);
	return bench->row.status;
}

uint64_t allocate(struct bench *bench, uint32_t buffer, uint64_t size,
		  uint16_t heap)
{
	return allocate_chain(bench, buffer, size, &heap, 1)
		       ? NOWHERE
		       : bench->row.address;
}

void give(struct bench *bench, uint32_t buffer)
{
	struct hk_event event = {.op = HK_OP_FREE, .buffer = buffer};

	step(bench, &event);
	CHECK_EQ(bench->row.status, 0);
}

int32_t on_device(struct bench *bench, enum hk_op op, uint32_t buffer,
		  uint32_t device)
{
	struct hk_event event = {
		.op = op,
		.buffer = buffer,
		.device = device,
	};

	step(bench, &event);
	return bench->row.status;
}

int32_t sync_cpu(struct bench *bench, enum hk_op op, uint32_t buffer,
		 uint32_t access, uint64_t offset, uint64_t length)
{
	struct hk_event event = {
		.op = op,
		.buffer = buffer,
		.access = access,
		.offset = offset,
		.size = length,
	};

	step(bench, &event);
	return bench->row.status;
}

void pressure(struct bench *bench, uint64_t bytes)
{
	struct hk_event event = {.op = HK_OP_PRESSURE, .size = bytes};

	step(bench, &event);
	CHECK_EQ(bench->row.heap, -1);
}

void advance(struct bench *bench, int64_t by_ns)
{
	bench->now += by_ns;
	CHECK_EQ(hk_machine_advance(bench->machine, bench->now), 0);
}

struct hk_gauges gauges_of(const struct bench *bench, uint32_t heap)
{
	struct hk_gauges gauges;

	CHECK_EQ(hk_machine_gauges(bench->machine, heap, &gauges), 0);
	return gauges;
}

static struct hk_region *entries(const struct bench *bench, uint32_t buffer,
				 uint64_t *count)
{
	struct hk_region *regions;

	CHECK_EQ(hk_machine_entries(bench->machine, buffer, NULL, 0, count),
		 -ENOSPC);
	regions = calloc(*count, sizeof(*regions));
	CHECK_EQ(hk_machine_entries(bench->machine, buffer, regions, *count,
				    count),
		 0);
	return regions;
}

uint32_t entries_of_size(const struct bench *bench, uint32_t buffer,
			 uint64_t size)
{
	uint64_t count;
	struct hk_region *regions = entries(bench, buffer, &count);
	uint32_t found = 0;

	for (uint64_t i = 0; i < count; i++)
		found += regions[i].size == size;
	free(regions);
	return found;
}

struct hk_region entry_of(const struct bench *bench, uint32_t buffer,
			  uint32_t index)
{
	uint64_t count;
	struct hk_region *regions = entries(bench, buffer, &count);
	struct hk_region region;

	CHECK(index < count);
	region = regions[index];
	free(regions);
	return region;
}

uint32_t pool_items(const struct bench *bench, uint32_t heap, uint32_t slot)
{
	struct hk_pool_fill fill;

	CHECK_EQ(hk_machine_pool_fill(bench->machine, heap, &fill), 0);
	return fill.items[slot];
}
