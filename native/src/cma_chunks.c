// SPDX-License-Identifier: MIT
//
// A CMA area in chunks: the heap that Samsung proposed in 2020, chunk_heap.c.

#include "cma_heap.h"
#include "internal.h"
#include "order.h"

static void add_chunks(const struct heap *heap, struct buffer *buffer,
		       uint64_t pfn, uint64_t pages)
{
	const uint64_t chunk = heap->spec.chunk >> HK_PAGE_SHIFT;

	for (uint64_t at = 0; at < pages; at += chunk)
		buffer_add_entry(buffer, (pfn + at) << HK_PAGE_SHIFT,
				 heap->spec.chunk);
}

// One run of chunks. The first that cannot be had without waiting makes all
// that follow wait; that the fixed part of cma_alloc() is the waiting (it
// drains every CPU's lists) and so is not paid before is assumed.
static int take_clump(struct heap *heap, struct cma_run *run, struct bill *bill,
		      uint64_t *pfn)
{
	charge(bill, HK_COST_GEN_POOL_CALL, 1);
	if (run->fail_fast && !cma_heap_place(heap, run, bill, pfn))
		return 0;
	run->fail_fast = false;
	charge(bill, HK_COST_CMA_CALL, 1);
	return cma_heap_place(heap, run, bill, pfn);
}

static int take_clumps(struct heap *heap, struct buffer *buffer, uint64_t pages,
		       struct bill *bill)
{
	const uint32_t chunk = order_of(heap->spec.chunk >> HK_PAGE_SHIFT);
	struct cma_run run = {
		.align =
			chunk > HK_PAGEBLOCK_ORDER ? chunk : HK_PAGEBLOCK_ORDER,
		.fail_fast = true,
	};

	for (uint64_t left = pages; left; left -= run.pages) {
		uint64_t pfn;

		while (left < UINT64_C(1) << run.align)
			run.align--;
		run.pages = UINT64_C(1) << run.align;
		if (take_clump(heap, &run, bill, &pfn))
			return -ENOMEM;
		charge(bill, HK_COST_CMA_PAGE, run.pages);
		add_chunks(heap, buffer, pfn, run.pages);
	}
	return 0;
}

int cma_chunks_allocate(struct heap *heap, struct buffer *buffer,
			struct bill *bill)
{
	const uint64_t chunk = heap->spec.chunk;
	const uint64_t chunks = (buffer->size - 1) / chunk + 1;
	int ret;

	// More than there is would only be found out at the end; and the sum of
	// a huge size would wrap.
	if (chunks > cma_heap_size(heap) / chunk)
		return -ENOMEM;
	ret = buffer_reserve_entries(buffer, chunks);
	if (!ret)
		ret = take_clumps(heap, buffer, chunks * chunk >> HK_PAGE_SHIFT,
				  bill);
	if (!ret)
		charge_each_zeroing(bill, buffer);
	else
		cma_heap_give_entries(heap, buffer);
	return ret;
}

bool cma_chunks_are(const struct heap *heap, const struct buffer *buffer)
{
	const uint64_t chunk = heap->spec.chunk;

	for (uint32_t i = 0; i < buffer->n_entries; i++)
		if (buffer->entry[i].size != chunk ||
		    buffer->entry[i].address % chunk)
			return false;
	return buffer->bytes >= buffer->size &&
	       buffer->bytes - buffer->size < chunk;
}
