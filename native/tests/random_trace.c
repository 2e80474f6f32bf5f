// SPDX-License-Identifier: MIT
#include "random_trace.h"

#include <stdlib.h>

// Chains: each heap alone, then carveout to system, and one that nobody uses.
const uint32_t trace_chain_start[] = {0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 10};
const uint16_t trace_chain_heap[] = {0, 1, 2, 3, 4, 5, 3, 0, 6, 7};
enum { USED_CHAINS = 9 };

void bench_plan_of_all_kinds(struct bench *bench)
{
	struct hk_heap_spec *heap;

	bench_init(bench);
	bench_memory(bench, MIB(24));
	bench->spec.memory.min_free = MIB(1);
	bench_system(bench, 0);
	heap = bench_system(bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	heap->pool_fill[0] = MIB(3);
	heap->pool_low[0] = MIB(2);
	heap->pool_limit = MIB(4);
	heap->refill_defer_ns = 1000000;
	bench_region(bench, HK_HEAP_CMA, MIB(12), MIB(4));
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(4), MIB(4))->flags =
		HK_HEAP_DEFERRED_FREE | HK_HEAP_ZERO_AT_FREE |
		HK_HEAP_RETRY_DRAINED;
	bench_region(bench, HK_HEAP_CHUNK, MIB(64), MIB(4));
	bench_region(bench, HK_HEAP_SECURE, MIB(72), MIB(4));
	bench_load(bench, HK_MIGRATE_MOVABLE, 0);
	bench_load(bench, HK_MIGRATE_MOVABLE, HK_HEAP_PINNED);
	bench_device(bench, false);
	bench_device(bench, true);
}

static void make_memfd(struct hk_heap_spec *heap)
{
	heap->flags = HK_HEAP_MEMFD;
	heap->n_orders = 1;
	heap->order[0] = 0;
	heap->size_limit = MIB(3);
}

void bench_plan_of_all_policies(struct bench *bench)
{
	bench_plan_of_all_kinds(bench);
	make_memfd(&bench->heap[SYSTEM]);
	bench->heap[POOLED].flags |=
		HK_HEAP_UNWIND_TO_POOL | HK_HEAP_SHRINK_LARGEST;
	bench->heap[POOLED].size_limit = MIB(2);
	bench->heap[CMA].chunk = KIB(64);
	bench->heap[CARVEOUT] = bench->heap[POOLED];
	bench->heap[CARVEOUT].flags = HK_HEAP_PROTECTED;
	bench->heap[CARVEOUT].failures = UINT32_C(1) << 26;
	bench->heap[SECURE].flags = HK_HEAP_PROTECTED;
	bench->heap[SECURE].failures = UINT32_C(1) << 28;
	bench->heap[APPS].flags = HK_HEAP_CLEAN;
	bench->heap[APPS].mapcount = 2;
	bench->heap[PINNED].flags = HK_HEAP_DIRTY;
	bench->spec.seed = 1;
}

void bench_of_all_kinds(struct bench *bench)
{
	bench_plan_of_all_kinds(bench);
	bench_start(bench);
}

static uint8_t random_op(struct rng *rng, bool live)
{
	const uint32_t n = rng_below(rng, 16);

	if (n == 0)
		return HK_OP_PRESSURE;
	if (!live)
		return HK_OP_ALLOC;
	if (n < 8)
		return HK_OP_FREE;
	return (uint8_t)(n < 13 ? HK_OP_ATTACH + rng_below(rng, 6)
				: HK_OP_CPU_READ + rng_below(rng, 9));
}

struct random_trace *random_trace(uint64_t seed)
{
	struct random_trace *t = calloc(1, sizeof(*t));
	struct rng rng = {seed};
	uint32_t live[IDS] = {0}; // references
	int64_t now = 0;

	for (uint32_t i = 0; i < EVENTS; i++) {
		const uint32_t id = rng_below(&rng, IDS);

		t->buffer[i] = id;
		t->op[i] = random_op(&rng, live[id]);
		live[id] += t->op[i] == HK_OP_ALLOC || t->op[i] == HK_OP_SHARE;
		live[id] -= t->op[i] == HK_OP_FREE;
		t->size[i] = rng_size(&rng, 22);
		t->offset[i] = rng_below(&rng, 4096);
		t->chain[i] = (uint16_t)rng_below(&rng, USED_CHAINS);
		t->device[i] = (uint16_t)rng_below(&rng, 2);
		t->access[i] = (uint8_t)(1 + rng_below(&rng, 3));
		t->time_ns[i] = now += rng_below(&rng, 200000);
	}
	t->trace = (struct hk_trace){
		.n = EVENTS,
		.op = t->op,
		.buffer = t->buffer,
		.size = t->size,
		.chain = t->chain,
		.time_ns = t->time_ns,
		.device = t->device,
		.access = t->access,
		.offset = t->offset,
		.n_buffers = IDS,
		.n_chains = NR_CHAINS,
		.n_devices = 2,
		.chain_start = trace_chain_start,
		.chain_heap = trace_chain_heap,
	};
	return t;
}

int trace_replay(struct bench *bench, struct random_trace *t, uint64_t first,
		 uint64_t count, uint64_t check_every, uint64_t *done)
{
	struct hk_columns columns = {
		.row = &t->row[first],
		.gauges = &t->gauges[first],
		.fills = &t->fill[first],
		.fill_heap = POOLED,
	};

	return hk_machine_replay(bench->machine, &t->trace, first, count,
				 &columns, check_every, done);
}
