// SPDX-License-Identifier: MIT
//
// Pages that the rest of the system holds: programs, page cache, slabs. No heap
// of any kernel; it has a heap's operations so that a trace can carry it.

#include "internal.h"

static int page_load_create(struct heap *heap)
{
	heap->skip_cpu_sync = true;
	return 0;
}

static void page_load_destroy(struct heap *heap)
{
	(void)heap;
}

static void give_blocks(struct heap *heap, struct buffer *buffer,
			struct bill *bill)
{
	struct hk_machine *machine = heap->machine;

	// Lowest address first, as zap_pte_range() meets the pages of a program
	// that touched its memory in this order.
	for (uint32_t i = 0; i < buffer->n_entries; i++) {
		const uint64_t pfn = buffer->entry[i].address >> HK_PAGE_SHIFT;

		lent_pages_return(&machine->lent, pfn);
		page_alloc_give(machine->pages, pfn, heap->spec.order[0]);
	}
	charge(bill, HK_COST_BUDDY_BLOCK, buffer->n_entries);
	buffer_drop_entries(buffer);
}

// An area that discards is lent to those alone whose pages it may drop; and as
// the page allocator knows one list of lent pages, so are all others then.
static bool may_borrow(const struct heap *heap)
{
	return heap->spec.migratetype == HK_MIGRATE_MOVABLE &&
	       (!heap->machine->lends_to_clean ||
		heap->spec.flags & HK_HEAP_CLEAN);
}

static bool take_block(struct heap *heap, struct buffer *buffer,
		       struct bill *bill)
{
	struct hk_machine *machine = heap->machine;
	const uint32_t order = heap->spec.order[0];
	const struct page_request wanted = {
		.order = order,
		.type = heap->spec.migratetype,
		// What does not move is never lent anything anyway.
		.without_cma = heap->spec.migratetype == HK_MIGRATE_MOVABLE &&
			       !may_borrow(heap),
	};
	uint64_t pfn;

	if (!take_charged(machine, wanted, &pfn, bill))
		return false;
	lent_pages_borrow(&machine->lent, pfn, buffer, buffer->n_entries);
	buffer_add_entry(buffer, pfn << HK_PAGE_SHIFT, order_bytes(order));
	charge_zeroing(bill, UINT64_C(1) << order);
	return true;
}

// In one piece what is likely to be needed. OUT_OF_CORE.
static int reserve_entries(const struct heap *heap, struct buffer *buffer)
{
	const uint64_t block = order_bytes(heap->spec.order[0]);
	const uint64_t wanted = (buffer->size - 1) / block + 1;
	const uint64_t most =
		page_alloc_free(heap->machine->pages) >> heap->spec.order[0];

	return buffer_reserve_entries(buffer, wanted < most ? wanted : most);
}

static int page_load_allocate(struct heap *heap, struct buffer *buffer,
			      struct bill *bill)
{
	int ret = reserve_entries(heap, buffer);

	if (ret)
		return ret;
	while (buffer->bytes < buffer->size) {
		ret = buffer_reserve_entry(buffer);
		if (ret)
			goto give_pages;
		if (!take_block(heap, buffer, bill)) {
			ret = -ENOMEM;
			goto give_pages;
		}
	}
	return 0;

give_pages:
	give_blocks(heap, buffer, bill);
	return ret;
}

static int page_load_release(struct heap *heap, struct buffer *buffer,
			     enum free_reason reason, struct bill *bill)
{
	(void)reason;
	give_blocks(heap, buffer, bill);
	return 0;
}

static void page_load_gauges(const struct heap *heap, struct hk_gauges *ret)
{
	const struct page_alloc *pages = heap->machine->pages;

	ret->free_bytes = page_alloc_free(pages) << HK_PAGE_SHIFT;
	ret->largest_free_bytes = page_alloc_largest(pages) << HK_PAGE_SHIFT;
	ret->pool_bytes = 0;
	ret->deferred_bytes = 0;
}

static void page_load_survey(const struct heap *heap, struct survey *survey)
{
	(void)heap;
	(void)survey;
}

static int page_load_check(const struct heap *heap, const char **rule)
{
	(void)heap;
	(void)rule;
	return 0;
}

static bool hold_block(struct heap *heap, struct buffer *buffer, uint32_t i,
		       struct state_reader *in)
{
	struct lent_pages *lent = &heap->machine->lent;
	const struct sg_entry *entry = &buffer->entry[i];
	const uint64_t pfn = entry->address >> HK_PAGE_SHIFT;
	const uint64_t pages = entry->size >> HK_PAGE_SHIFT;

	if (entry->size != order_bytes(heap->spec.order[0]) ||
	    entry->address & (entry->size - 1))
		return false;
	if (may_borrow(heap) ? !claim_pages(&in->memory, pfn, pages)
			     : !claim_fixed(lent, &in->memory, pfn, pages))
		return false;
	if (heap->spec.migratetype != HK_MIGRATE_MOVABLE)
		return true;
	page_alloc_hold(heap->machine->pages, pfn, 0);
	lent_pages_borrow(lent, pfn, buffer, i);
	return true;
}

static int page_load_hold(struct heap *heap, struct buffer *buffer,
			  struct state_reader *in)
{
	const uint64_t block = order_bytes(heap->spec.order[0]);

	if (!buffer->size || (buffer->size - 1) / block + 1 < buffer->n_entries)
		return -EINVAL;
	if ((buffer->size - 1) / block + 1 > buffer->n_entries &&
	    !(heap->spec.flags & HK_HEAP_CLEAN))
		return -EINVAL; // only those are dropped
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		if (!hold_block(heap, buffer, i, in))
			return -EINVAL;
	return 0;
}

const struct heap_ops page_load_ops = {
	.create = page_load_create,
	.destroy = page_load_destroy,
	.allocate = page_load_allocate,
	.release = page_load_release,
	.gauges = page_load_gauges,
	.survey = page_load_survey,
	.check = page_load_check,
	.hold = page_load_hold,
};
