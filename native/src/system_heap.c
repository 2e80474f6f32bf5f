// SPDX-License-Identifier: MIT
//
// Pages from the page allocator, largest order first, with or without pools
// between. Mainline's system_heap.c; Android's and Qualcomm's with pools.

#include "system_heap.h"
#include "block_return.h"
#include "broken.h"
#include "internal.h"

static int system_heap_create(struct heap *heap)
{
	if (!(heap->spec.flags & HK_HEAP_POOLED))
		return 0;
	heap->zero_at_free = true;
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++)
		page_pool_init(heap, slot);
	refill_init(heap);
	if (heap->spec.flags & HK_HEAP_DEFERRED_FREE)
		heap->deferred = &heap->machine->system_deferred;
	return 0;
}

static void system_heap_destroy(struct heap *heap)
{
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++)
		page_pool_destroy(&heap->pool[slot]);
	leaks_destroy(&heap->leaks);
}

// Pages that udmabuf pins are moved out of CMA first: memfd_pin_folios().
static struct page_request request(const struct heap *heap, uint32_t order)
{
	const bool memfd = heap->spec.flags & HK_HEAP_MEMFD;

	return (struct page_request){
		.order = order,
		.type = memfd ? HK_MIGRATE_MOVABLE : HK_MIGRATE_UNMOVABLE,
		.without_cma = memfd,
	};
}

// A recycled page was zeroed when it was freed; a fresh one is zeroed here.
static bool take_block(struct heap *heap, uint32_t slot, struct buffer *buffer,
		       struct bill *bill)
{
	const uint32_t order = heap->spec.order[slot];
	struct page_pool *pool = &heap->pool[slot];
	uint64_t address, pfn;

	if (page_pool_take(pool, &address)) {
		buffer->pool_entries++;
		charge(bill, HK_COST_POOL_BLOCK, 1);
	} else if (take_charged(heap->machine, request(heap, order), &pfn,
				bill)) {
		address = pfn << HK_PAGE_SHIFT;
		charge_zeroing(bill, UINT64_C(1) << order);
		if (heap->spec.flags & HK_HEAP_MEMFD)
			charge(bill, HK_COST_MEMFD_PAGE, 1);
	} else {
		return false;
	}
	buffer_add_entry(buffer, address, order_bytes(order));
	if (pool->count < pool->low)
		refill_wake(heap);
	return true;
}

// What the pool has of what @buffer still wants, as long as there is room for
// entries: take_block() for each, in a loop that stays in registers. Not with a
// refill, which has to be woken in between.
static void take_pooled(struct heap *heap, uint32_t slot, struct buffer *buffer,
			struct bill *bill)
{
	struct page_pool *pool = &heap->pool[slot];
	uint32_t room = buffer->capacity - buffer->n_entries;
	uint64_t wanted =
		bytes_to_pages(buffer->size - buffer->bytes) >> pool->order;
	uint32_t n;

	if (pool->low || !pool->count)
		return;
	if (wanted < room)
		room = (uint32_t)wanted;
	n = pool->count < room ? pool->count : room;
	page_pool_take_many(pool, n, &buffer->entry[buffer->n_entries]);
	charge(bill, HK_COST_POOL_BLOCK, n);
	buffer->n_entries += n;
	buffer->pool_entries += n;
	buffer->bytes += n * order_bytes(pool->order);
}

// alloc_largest_available(). *@slot never goes back: an order that failed once
// is not tried again for this buffer.
static bool take_largest(struct heap *heap, struct buffer *buffer,
			 uint32_t *slot, struct bill *bill)
{
	const struct hk_heap_spec *spec = &heap->spec;

	for (; *slot < spec->n_orders; (*slot)++) {
		if (buffer->size - buffer->bytes <
		    order_bytes(spec->order[*slot]))
			continue;
		if (take_block(heap, *slot, buffer, bill)) {
			take_pooled(heap, *slot, buffer, bill);
			return true;
		}
	}
	return false;
}

static int unwind(struct heap *heap, struct buffer *buffer, struct bill *bill)
{
	// ION: ion_system_heap_allocate() frees into the pools. Nobody wrote to
	// the pages: they are as clear as they came.
	if (heap->spec.flags & HK_HEAP_UNWIND_TO_POOL)
		return blocks_recycle_all(heap, buffer, false, bill);
	// Pages of the pool too: Android's unwind goes to the page allocator.
	blocks_give_all(heap, buffer, bill);
	return 0;
}

static int fill(struct heap *heap, struct buffer *buffer, struct bill *bill)
{
	uint32_t slot = 0;
	int ret;

	while (buffer->bytes < buffer->size) {
		ret = buffer_reserve_entry(buffer);
		if (ret)
			return ret;
		if (!take_largest(heap, buffer, &slot, bill))
			return -ENOMEM;
	}
	return 0;
}

static int system_heap_allocate(struct heap *heap, struct buffer *buffer,
				struct bill *bill)
{
	const struct hk_heap_spec *spec = &heap->spec;
	int ret;

	// ION's half of the memory; udmabuf's size_limit_mb.
	if (spec->size_limit && buffer->size > spec->size_limit)
		return spec->flags & HK_HEAP_MEMFD ? -EINVAL : -ENOMEM;
	ret = fill(heap, buffer, bill);
	if (!ret) {
		leaks_hand_over(heap, buffer, bill);
		return 0;
	}
	if (ret == OUT_OF_CORE || unwind(heap, buffer, bill)) {
		blocks_give_all(heap, buffer, bill);
		return OUT_OF_CORE;
	}
	return ret;
}

static int system_heap_release(struct heap *heap, struct buffer *buffer,
			       enum free_reason reason, struct bill *bill)
{
	if (reason == FREE_NORMAL && heap->zero_at_free)
		return blocks_recycle_all(heap, buffer, true, bill);
	if (leaks_hand_back(heap, buffer, bill))
		return OUT_OF_CORE;
	blocks_give_all(heap, buffer, bill);
	return 0;
}

static void system_heap_gauges(const struct heap *heap, struct hk_gauges *ret)
{
	const struct page_alloc *pages = heap->machine->pages;

	ret->free_bytes = page_alloc_free(pages) << HK_PAGE_SHIFT;
	ret->largest_free_bytes = page_alloc_largest(pages) << HK_PAGE_SHIFT;
	ret->pool_bytes = 0;
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++)
		ret->pool_bytes += page_pool_bytes(&heap->pool[slot]);
	ret->deferred_bytes = heap->deferred_bytes;
}

static void system_heap_survey(const struct heap *heap, struct survey *survey)
{
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++) {
		const struct page_pool *pool = &heap->pool[slot];

		for (uint32_t i = 0; i < pool->count; i++)
			survey_add(survey, page_pool_item(pool, i),
				   order_bytes(pool->order), UINT32_MAX,
				   HK_REGION_POOL);
	}
	leaks_survey(&heap->leaks, survey);
}

static int system_heap_check(const struct heap *heap, const char **rule)
{
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++) {
		const struct page_pool *pool = &heap->pool[slot];

		if (pool->count > pool->limit)
			return broken(rule,
				      "a page pool holds more than its limit");
	}
	return 0;
}

const struct heap_ops system_heap_ops = {
	.create = system_heap_create,
	.destroy = system_heap_destroy,
	.allocate = system_heap_allocate,
	.release = system_heap_release,
	.gauges = system_heap_gauges,
	.survey = system_heap_survey,
	.check = system_heap_check,
	.save = system_heap_save,
	.load = system_heap_load,
	.hold = system_heap_hold,
};
