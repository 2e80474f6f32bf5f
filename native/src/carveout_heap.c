// SPDX-License-Identifier: MIT
//
// A fixed region, one run a buffer. Zeroed at allocation as Ripard's carveout
// heap proposed for dma-heaps does (gen_pool_dma_zalloc), or at free as ION's
// did; ION also deferred frees. (TI's carveout heap clears nothing.)

#include "internal.h"

static int carveout_heap_create(struct heap *heap)
{
	const uint32_t flags = heap->spec.flags;

	heap->zero_at_free = flags & HK_HEAP_ZERO_AT_FREE;
	if (flags & HK_HEAP_DEFERRED_FREE) {
		heap->deferred = &heap->own_deferred;
		deferred_free_init(heap->machine, heap->deferred);
	}
	return region_heap_create(heap, heap->spec.fit);
}

static void carveout_heap_destroy(struct heap *heap)
{
	deferred_free_destroy(&heap->machine->buffers, &heap->own_deferred);
	region_heap_destroy(heap);
}

// ion_buffer_create() drains the whole list when an allocation fails and tries
// once more; the caller pays for the zeroing.
static int retry_drained(struct heap *heap, struct buffer *buffer,
			 struct bill *bill)
{
	if (!heap->deferred || !(heap->spec.flags & HK_HEAP_RETRY_DRAINED))
		return -ENOMEM;
	deferred_free_drain(heap->machine, heap->deferred, UINT64_MAX,
			    FREE_NORMAL, bill);
	return region_heap_place(heap, buffer, buffer->size, bill);
}

static int carveout_heap_allocate(struct heap *heap, struct buffer *buffer,
				  struct bill *bill)
{
	int ret = region_heap_place(heap, buffer, buffer->size, bill);

	if (ret)
		ret = retry_drained(heap, buffer, bill);
	if (!ret && !heap->zero_at_free)
		charge_zeroing(bill, buffer->size >> HK_PAGE_SHIFT);
	return ret;
}

static void carveout_heap_save(const struct heap *heap,
			       struct state_writer *out)
{
	if (heap->deferred)
		deferred_free_save(heap->deferred, out);
}

static int carveout_heap_load(struct heap *heap, struct state_reader *in)
{
	if (!heap->deferred)
		return 0;
	return deferred_free_load(heap->machine, heap->deferred, in);
}

const struct heap_ops carveout_heap_ops = {
	.create = carveout_heap_create,
	.destroy = carveout_heap_destroy,
	.allocate = carveout_heap_allocate,
	.release = region_heap_release,
	.gauges = region_heap_gauges,
	.survey = region_heap_survey,
	.check = region_heap_check,
	.save = carveout_heap_save,
	.load = carveout_heap_load,
	.hold = region_heap_hold,
	.settle = region_heap_settle,
};
