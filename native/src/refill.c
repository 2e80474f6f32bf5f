// SPDX-License-Identifier: MIT
//
// Qualcomm's pool refill thread (qcom_dynamic_page_pool.c). An allocation that
// leaves a pool below its low mark wakes it; it goes through the pools in their
// order and fills each, a block at a time, to its fill mark. Where a block
// would bring the memory down to its high watermark it leaves that pool alone
// for a while and goes on; after the last pool it sleeps until it is woken
// again.

#include "internal.h"

static bool wants_block(const struct page_pool *pool, int64_t now_ns)
{
	const uint64_t bound =
		pool->fill < pool->limit ? pool->fill : pool->limit;

	return pool->count < bound && now_ns >= pool->refuse_until;
}

// __setup_per_zone_wmarks() of mm/page_alloc.c: two steps above the minimum,
// each a quarter of it or watermark_scale_factor, 10 in 10000, of the memory.
static uint64_t high_watermark(const struct hk_memory_spec *memory)
{
	const uint64_t min = bytes_to_pages(memory->min_free);
	const uint64_t scaled = bytes_to_pages(memory->total) / 1000;
	const uint64_t step = min / 4 > scaled ? min / 4 : scaled;

	return min + 2 * step;
}

static bool memory_is_high(const struct page_pool *pool)
{
	const struct hk_machine *machine = pool->machine;
	const struct page_alloc *pages = machine->pages;
	const uint64_t keep =
		high_watermark(&machine->memory) + (UINT64_C(1) << pool->order);

	return page_alloc_free(pages) - page_alloc_free_cma(pages) > keep &&
	       page_alloc_can_take(pages, pool->order, HK_MIGRATE_UNMOVABLE);
}

static void refuse(struct refill *refill, int64_t now_ns)
{
	struct heap *heap = refill->heap;

	heap->pool[refill->slot].refuse_until =
		time_after(now_ns, (double)heap->spec.refill_defer_ns);
}

// Begin the next block, or sleep.
static void proceed(struct refill *refill, int64_t now_ns)
{
	struct heap *heap = refill->heap;

	for (; refill->slot < heap->spec.n_orders; refill->slot++) {
		const struct page_pool *pool = &heap->pool[refill->slot];

		if (!wants_block(pool, now_ns))
			continue;
		if (memory_is_high(pool)) {
			struct bill bill = machine_bill(heap->machine, NULL);

			charge(&bill, HK_COST_BUDDY_BLOCK, 1);
			charge_zeroing(&bill, UINT64_C(1) << pool->order);
			worker_set_due(heap->machine, &refill->worker,
				       time_after(now_ns, bill.ns));
			return;
		}
		refuse(refill, now_ns);
	}
	refill->awake = false;
	worker_set_due(heap->machine, &refill->worker, NEVER);
}

static bool take_block(const struct hk_machine *machine, struct page_pool *pool)
{
	uint64_t pfn;

	if (!memory_is_high(pool) ||
	    page_alloc_take(machine->pages, pool->order, HK_MIGRATE_UNMOVABLE,
			    &pfn))
		return false;
	page_pool_add(pool, pfn << HK_PAGE_SHIFT);
	return true;
}

// A block is taken and shown when it is zeroed; until then it counts as free,
// and a request may be faster.
static int run(struct hk_machine *machine, struct worker *worker)
{
	struct refill *refill =
		(struct refill *)((char *)worker -
				  offsetof(struct refill, worker));
	struct page_pool *pool = &refill->heap->pool[refill->slot];

	if (page_pool_reserve(pool, 1))
		return OUT_OF_CORE;
	worker->free_at = worker->due;
	// Freed blocks may have filled the pool meanwhile: this one goes back.
	if (pool->count < pool->limit && !take_block(machine, pool))
		refuse(refill, worker->free_at);
	proceed(refill, worker->free_at);
	return 0;
}

void refill_init(struct heap *heap)
{
	heap->refill.heap = heap;
	heap->refill.worker.run = run;
	worker_add(heap->machine, &heap->refill.worker);
}

void refill_wake(struct heap *heap)
{
	struct refill *refill = &heap->refill;

	if (refill->awake)
		return;
	refill->awake = true;
	refill->slot = 0;
	proceed(refill, heap->machine->now_ns);
}

void refill_save(const struct refill *refill, struct state_writer *out)
{
	worker_save(&refill->worker, out);
	state_put(out, refill->slot);
	state_put(out, refill->awake);
}

int refill_load(struct refill *refill, struct state_reader *in)
{
	const uint32_t n_orders = refill->heap->spec.n_orders;

	worker_load(refill->heap->machine, &refill->worker, in);
	refill->slot = state_get_below(in, (uint64_t)n_orders + 1);
	refill->awake = state_get_below(in, 2);
	// It has a pool to work at as long as it has something to do.
	return refill->worker.due == NEVER || refill->slot < n_orders ? 0
								      : -EINVAL;
}
