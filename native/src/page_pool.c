// SPDX-License-Identifier: MIT
//
// Pages between a free and the next allocation, per order: Android's
// page_pool.c (one list, for the model has no highmem). First in, first out.
// The shrinkers that empty the pools are here too.

#include "internal.h"

#include <stdlib.h>

enum {
	// What a shrinker is asked for at a time: SHRINK_BATCH of
	// mm/shrinker.c.
	SHRINK_BATCH = 128,
};

// dmabuf_page_pool_create() puts each before those that are there, so that the
// last order is shrunk first. ION's heaps had shrinkers of their own, which
// went the other way: ion_system_heap_shrink().
static void list_pool(struct heap *heap, struct page_pool *pool)
{
	struct page_pool **link = &heap->machine->pool_list;

	if (heap->spec.flags & HK_HEAP_SHRINK_LARGEST)
		while (*link && (*link)->heap == heap)
			link = &(*link)->next;
	pool->next = *link;
	*link = pool;
}

void page_pool_init(struct heap *heap, uint32_t slot)
{
	struct page_pool *pool = &heap->pool[slot];
	const struct hk_heap_spec *spec = &heap->spec;
	const uint64_t item = order_bytes(spec->order[slot]);

	pool->machine = heap->machine;
	pool->heap = heap;
	pool->order = spec->order[slot];
	pool->limit = spec->pool_limit ? spec->pool_limit / item : UINT32_MAX;
	pool->fill = spec->pool_fill[slot] / item;
	pool->low = spec->pool_low[slot] / item;
	pool->refuse_until = INT64_MIN;
	list_pool(heap, pool);
}

void page_pool_destroy(struct page_pool *pool)
{
	free(pool->ring);
}

uint64_t page_pool_item(const struct page_pool *pool, uint32_t index)
{
	return pool->ring[(pool->head + index) & (pool->capacity - 1)];
}

int page_pool_reserve(struct page_pool *pool, uint64_t items)
{
	uint64_t capacity = pool->capacity ? pool->capacity : 16;
	uint64_t *ring;

	if (pool->count + items <= pool->capacity)
		return 0;
	while (capacity < pool->count + items)
		capacity *= 2;
	ring = capacity < UINT32_MAX ? malloc(capacity * sizeof(*ring)) : NULL;
	if (!ring)
		return OUT_OF_CORE;
	for (uint32_t i = 0; i < pool->count; i++)
		ring[i] = page_pool_item(pool, i);
	free(pool->ring);
	pool->ring = ring;
	pool->head = 0;
	pool->capacity = (uint32_t)capacity;
	return 0;
}

bool page_pool_take(struct page_pool *pool, uint64_t *address)
{
	if (!pool->count)
		return false;
	*address = pool->ring[pool->head];
	pool->head = (pool->head + 1) & (pool->capacity - 1);
	pool->count--;
	return true;
}

void page_pool_add(struct page_pool *pool, uint64_t address)
{
	const uint32_t tail = pool->head + pool->count++;

	pool->ring[tail & (pool->capacity - 1)] = address;
}

void page_pool_take_many(struct page_pool *pool, uint32_t n,
			 struct sg_entry *entries)
{
	const uint64_t size = order_bytes(pool->order);
	const uint32_t mask = pool->capacity - 1;
	const uint32_t head = pool->head;

	for (uint32_t i = 0; i < n; i++) {
		entries[i].address = pool->ring[(head + i) & mask];
		entries[i].size = size;
	}
	pool->head = (head + n) & mask;
	pool->count -= n;
}

void page_pool_add_many(struct page_pool *pool, uint32_t n,
			const struct sg_entry *entries)
{
	const uint32_t mask = pool->capacity - 1;
	const uint32_t tail = pool->head + pool->count;

	for (uint32_t i = 0; i < n; i++)
		pool->ring[(tail + i) & mask] = entries[i].address;
	pool->count += n;
}

uint64_t page_pool_bytes(const struct page_pool *pool)
{
	return pool->count * order_bytes(pool->order);
}

// Whole items until @pages are reached, so that an order 8 pool may give 255
// pages too many.
static uint64_t page_pool_shrink(struct page_pool *pool, uint64_t pages)
{
	uint64_t freed = 0;
	uint64_t address;

	while (freed < pages && page_pool_take(pool, &address)) {
		page_alloc_give(pool->machine->pages, address >> HK_PAGE_SHIFT,
				pool->order);
		freed += UINT64_C(1) << pool->order;
	}
	return freed;
}

uint64_t reclaim(struct hk_machine *machine, uint64_t pages, struct bill *bill)
{
	struct bill ignored = machine_bill(machine, NULL);
	uint64_t freed =
		deferred_free_drain(machine, &machine->system_deferred, pages,
				    FREE_UNDER_PRESSURE, &ignored);

	for (struct page_pool *pool = machine->pool_list; pool && freed < pages;
	     pool = pool->next)
		freed += page_pool_shrink(pool, pages - freed);
	// The whole price of what the others gave back.
	charge(bill, HK_COST_RECLAIM_PAGE, freed);
	return freed;
}

void page_pool_save(const struct page_pool *pool, struct state_writer *out)
{
	state_put_signed(out, pool->refuse_until);
	state_put(out, pool->count);
	for (uint32_t i = 0; i < pool->count; i++)
		state_put_block(out, page_pool_item(pool, i), pool->order);
}

int page_pool_load(struct page_pool *pool, struct state_reader *in)
{
	uint32_t count;

	pool->refuse_until = state_get_signed(in);
	count = state_get_count(in);
	if (count > pool->limit)
		return -EINVAL;
	if (page_pool_reserve(pool, count))
		return OUT_OF_CORE;
	while (count--) {
		const uint64_t address = state_get_block(in, pool->order);

		if (!claim_fixed(&pool->machine->lent, &in->memory,
				 address >> HK_PAGE_SHIFT,
				 UINT64_C(1) << pool->order))
			return -EINVAL;
		page_pool_add(pool, address);
	}
	return 0;
}

static int take(struct hk_machine *machine, struct page_request wanted,
		uint64_t *pfn)
{
	if (wanted.without_cma)
		return page_alloc_take_without_cma(machine->pages, wanted.order,
						   wanted.type, pfn);
	return page_alloc_take(machine->pages, wanted.order, wanted.type, pfn);
}

bool take_or_reclaim(struct hk_machine *machine, struct page_request wanted,
		     uint64_t *pfn, struct bill *bill)
{
	while (take(machine, wanted, pfn))
		if (wanted.order > 0 || !reclaim(machine, SHRINK_BATCH, bill))
			return false;
	return true;
}

bool take_charged(struct hk_machine *machine, struct page_request wanted,
		  uint64_t *pfn, struct bill *bill)
{
	const uint64_t before = page_alloc_splits(machine->pages);

	if (!take_or_reclaim(machine, wanted, pfn, bill))
		return false;
	charge(bill, HK_COST_BUDDY_BLOCK, 1);
	charge(bill, HK_COST_BUDDY_SPLIT,
	       page_alloc_splits(machine->pages) - before);
	charge(bill, HK_COST_BUDDY_PAGE, UINT64_C(1) << wanted.order);
	return true;
}
