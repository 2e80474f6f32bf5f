// SPDX-License-Identifier: MIT
//
// A fixed region in equal chunks, each placed on its own: ION's chunk heap.
// (The one Samsung proposed for dma-heaps takes its chunks from a CMA area,
// many at a time.)

#include "internal.h"

static int chunk_heap_create(struct heap *heap)
{
	heap->zero_at_free = heap->spec.flags & HK_HEAP_ZERO_AT_FREE;
	return region_heap_create(heap, HK_FIT_FIRST);
}

static int place_chunks(struct heap *heap, struct buffer *buffer,
			uint64_t chunks, struct bill *bill)
{
	int ret = 0;

	for (uint64_t i = 0; !ret && i < chunks; i++) {
		ret = buffer_reserve_entry(buffer);
		if (!ret)
			ret = region_heap_place(heap, buffer,
						heap->spec.granule, bill);
	}
	return ret;
}

static int chunk_heap_allocate(struct heap *heap, struct buffer *buffer,
			       struct bill *bill)
{
	const uint64_t chunk = heap->spec.granule;
	const uint64_t chunks = (buffer->size - 1) / chunk + 1;
	int ret;

	if (chunks > gen_pool_avail(heap->gen_pool) / chunk)
		return -ENOMEM;
	ret = place_chunks(heap, buffer, chunks, bill);
	if (ret)
		goto release_chunks;
	if (!heap->zero_at_free)
		charge_each_zeroing(bill, buffer);
	return 0;

release_chunks:
	// Nothing was zeroed or used: what is not zeroed costs nothing.
	region_heap_release(heap, buffer, FREE_UNDER_PRESSURE, bill);
	return ret;
}

static int chunk_heap_hold(struct heap *heap, struct buffer *buffer,
			   struct state_reader *in)
{
	const uint64_t chunk = heap->spec.granule;

	if (buffer->bytes < buffer->size ||
	    buffer->bytes - buffer->size >= chunk)
		return -EINVAL;
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		if (buffer->entry[i].size != chunk ||
		    region_heap_claim(heap, &buffer->entry[i], in))
			return -EINVAL;
	return 0;
}

const struct heap_ops chunk_heap_ops = {
	.create = chunk_heap_create,
	.destroy = region_heap_destroy,
	.allocate = chunk_heap_allocate,
	.release = region_heap_release,
	.gauges = region_heap_gauges,
	.survey = region_heap_survey,
	.check = region_heap_check,
	.hold = chunk_heap_hold,
	.settle = region_heap_settle,
};
