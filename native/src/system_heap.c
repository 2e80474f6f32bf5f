// SPDX-License-Identifier: MIT
//
// Pages from the page allocator, largest order first, with or without pools
// between. Mainline's system_heap.c; Android's and Qualcomm's with pools.

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

static void give_block(struct heap *heap, const struct sg_entry *entry,
		       struct bill *bill)
{
	const uint64_t pages = entry->size >> HK_PAGE_SHIFT;

	page_alloc_give(heap->machine->pages, entry->address >> HK_PAGE_SHIFT,
			(uint32_t)__builtin_ctzll(pages));
	charge(bill, HK_COST_BUDDY_BLOCK, 1);
}

static void give_all(struct heap *heap, struct buffer *buffer,
		     struct bill *bill)
{
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		give_block(heap, &buffer->entry[i], bill);
	buffer_drop_entries(buffer);
}

static uint32_t slot_of(const struct heap *heap, const struct sg_entry *entry)
{
	uint32_t slot = 0;

	while (order_bytes(heap->spec.order[slot]) != entry->size)
		slot++;
	return slot;
}

// How many of @buffer's entries from @first on are as long as that one.
static uint32_t alike_from(const struct buffer *buffer, uint32_t first)
{
	uint32_t end = first + 1;

	while (end < buffer->n_entries &&
	       buffer->entry[end].size == buffer->entry[first].size)
		end++;
	return end - first;
}

// A buffer's orders never go back up: each slot has its entries in one piece.
static int reserve_pools(struct heap *heap, const struct buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n_entries;) {
		const uint32_t slot = slot_of(heap, &buffer->entry[i]);
		const uint32_t n = alike_from(buffer, i);

		if (page_pool_reserve(&heap->pool[slot], n))
			return OUT_OF_CORE;
		i += n;
	}
	return 0;
}

// @n entries of one length into their pool, what passes its limit back to the
// page allocator.
static void recycle_blocks(struct heap *heap, const struct sg_entry *entry,
			   uint32_t n, bool zeroed, struct bill *bill)
{
	struct page_pool *pool = &heap->pool[slot_of(heap, entry)];
	const uint64_t pages = bytes_to_pages(entry->size);
	const uint64_t room = pool->limit - pool->count;
	const uint32_t kept = n < room ? n : (uint32_t)room;

	page_pool_add_many(pool, kept, entry);
	charge(bill, HK_COST_POOL_BLOCK, kept);
	if (zeroed)
		charge(bill, zeroing_of(pages), kept * pages);
	for (uint32_t i = kept; i < n; i++)
		give_block(heap, &entry[i], bill);
}

// The entries of a buffer into their pools. OUT_OF_CORE with nothing changed.
static int recycle_all(struct heap *heap, struct buffer *buffer, bool zeroed,
		       struct bill *bill)
{
	if (reserve_pools(heap, buffer))
		return OUT_OF_CORE;
	for (uint32_t i = 0, n; i < buffer->n_entries; i += n) {
		n = alike_from(buffer, i);
		recycle_blocks(heap, &buffer->entry[i], n, zeroed, bill);
	}
	buffer_drop_entries(buffer);
	return 0;
}

static int unwind(struct heap *heap, struct buffer *buffer, struct bill *bill)
{
	// ION: ion_system_heap_allocate() frees into the pools, unzeroed.
	if (heap->spec.flags & HK_HEAP_UNWIND_TO_POOL)
		return recycle_all(heap, buffer, false, bill);
	// Pages of the pool too: Android's unwind goes to the page allocator.
	give_all(heap, buffer, bill);
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
		give_all(heap, buffer, bill);
		return OUT_OF_CORE;
	}
	return ret;
}

static int system_heap_release(struct heap *heap, struct buffer *buffer,
			       enum free_reason reason, struct bill *bill)
{
	if (reason == FREE_NORMAL && heap->zero_at_free)
		return recycle_all(heap, buffer, true, bill);
	if (leaks_hand_back(heap, buffer, bill))
		return OUT_OF_CORE;
	give_all(heap, buffer, bill);
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

static void system_heap_save(const struct heap *heap, struct state_writer *out)
{
	leaks_save(&heap->leaks, out);
	if (!(heap->spec.flags & HK_HEAP_POOLED))
		return;
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++)
		page_pool_save(&heap->pool[slot], out);
	refill_save(&heap->refill, out);
}

static bool is_block(const struct heap *heap, const struct sg_entry *entry)
{
	for (uint32_t slot = 0; slot < heap->spec.n_orders; slot++)
		if (entry->size == order_bytes(heap->spec.order[slot]))
			return !(entry->address & (entry->size - 1));
	return false;
}

static bool hold_block(struct heap *heap, const struct sg_entry *entry,
		       struct state_reader *in)
{
	const uint64_t pfn = entry->address >> HK_PAGE_SHIFT;

	if (!is_block(heap, entry) ||
	    !claim_fixed(&heap->machine->lent, &in->memory, pfn,
			 entry->size >> HK_PAGE_SHIFT))
		return false;
	if (heap->spec.flags & HK_HEAP_MEMFD)
		page_alloc_hold(heap->machine->pages, pfn, 0);
	return true;
}

static int load_leaks(struct heap *heap, struct state_reader *in)
{
	int ret = leaks_load(&heap->leaks, in);

	for (uint64_t i = 0; !ret && i < heap->leaks.n; i++)
		if (!hold_block(heap, &heap->leaks.entry[i], in))
			ret = -EINVAL;
	return ret;
}

static int system_heap_load(struct heap *heap, struct state_reader *in)
{
	int ret = load_leaks(heap, in);

	if (!(heap->spec.flags & HK_HEAP_POOLED))
		return ret;
	for (uint32_t slot = 0; !ret && slot < heap->spec.n_orders; slot++)
		ret = page_pool_load(&heap->pool[slot], in);
	return ret ? ret : refill_load(&heap->refill, in);
}

static int system_heap_hold(struct heap *heap, struct buffer *buffer,
			    struct state_reader *in)
{
	if (buffer->bytes != buffer->size)
		return -EINVAL;
	for (uint32_t i = 0; i < buffer->n_entries; i++) {
		const struct sg_entry *entry = &buffer->entry[i];

		// Orders never go back up; reserve_pools() relies on it.
		if ((i && entry->size > entry[-1].size) ||
		    !hold_block(heap, entry, in))
			return -EINVAL;
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
