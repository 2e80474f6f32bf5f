// SPDX-License-Identifier: MIT
//
// A system heap as bytes: its pools, what it leaked, its buffers' blocks.

#include "internal.h"
#include "system_heap.h"

void system_heap_save(const struct heap *heap, struct state_writer *out)
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
	int ret = leaks_load(heap, in);

	for (uint64_t i = 0; !ret && i < heap->leaks.n; i++)
		if (!hold_block(heap, &heap->leaks.entry[i], in))
			ret = -EINVAL;
	return ret;
}

int system_heap_load(struct heap *heap, struct state_reader *in)
{
	int ret = load_leaks(heap, in);

	if (!(heap->spec.flags & HK_HEAP_POOLED))
		return ret;
	for (uint32_t slot = 0; !ret && slot < heap->spec.n_orders; slot++)
		ret = page_pool_load(&heap->pool[slot], in);
	return ret ? ret : refill_load(&heap->refill, in);
}

int system_heap_hold(struct heap *heap, struct buffer *buffer,
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
