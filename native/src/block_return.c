// SPDX-License-Identifier: MIT
#include "block_return.h"

#include "internal.h"

static void give_block(struct heap *heap, const struct sg_entry *entry,
		       struct bill *bill)
{
	const uint64_t pages = entry->size >> HK_PAGE_SHIFT;

	page_alloc_give(heap->machine->pages, entry->address >> HK_PAGE_SHIFT,
			(uint32_t)__builtin_ctzll(pages));
	charge(bill, HK_COST_BUDDY_BLOCK, 1);
}

void blocks_give_all(struct heap *heap, struct buffer *buffer,
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

int blocks_recycle_all(struct heap *heap, struct buffer *buffer, bool zeroed,
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
