// SPDX-License-Identifier: MIT
//
// Protected memory, as drivers/tee/tee_heap.c hands it out: a static region the
// CPU must not touch. Nothing is zeroed or synchronised by the CPU.

#include "internal.h"

static int secure_heap_create(struct heap *heap)
{
	heap->skip_cpu_sync = true;
	return region_heap_create(heap, heap->spec.fit);
}

static int secure_heap_allocate(struct heap *heap, struct buffer *buffer,
				struct bill *bill)
{
	const int ret = region_heap_place(heap, buffer, buffer->size, bill);

	if (!ret)
		leaks_hand_over(heap, buffer, bill);
	return ret;
}

static void secure_heap_save(const struct heap *heap, struct state_writer *out)
{
	leaks_save(&heap->leaks, out);
}

const struct heap_ops secure_heap_ops = {
	.create = secure_heap_create,
	.destroy = region_heap_destroy,
	.allocate = secure_heap_allocate,
	.release = region_heap_release,
	.gauges = region_heap_gauges,
	.survey = region_heap_survey,
	.check = region_heap_check,
	.save = secure_heap_save,
	.load = region_heap_load_leaks,
	.hold = region_heap_hold,
	.settle = region_heap_settle,
};
