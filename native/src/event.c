// SPDX-License-Identifier: MIT
//
// One event: who it concerns, what it does to them, what it cost.

#include "internal.h"

bool machine_has_device(const struct hk_machine *machine, uint32_t device)
{
	// A board without devices knows any name as a plain, non-coherent one.
	return device < (machine->n_devices ? machine->n_devices
					    : (uint32_t)HK_MAX_DEVICES);
}

static bool is_chain(const struct hk_machine *machine,
		     const struct hk_event *event)
{
	if (!event->n_heaps || event->n_heaps > HK_MAX_HEAPS)
		return false;
	for (uint32_t i = 0; i < event->n_heaps; i++)
		if (event->heap[i] >= machine->n_heaps)
			return false;
	return true;
}

static bool is_access(uint32_t access)
{
	return access &&
	       !(access & ~(uint32_t)(HK_ACCESS_READ | HK_ACCESS_WRITE));
}

// What hk_trace_check() demands, but for sizes: those the kernel refuses, and
// so does event_allocate().
static bool event_is_valid(const struct hk_machine *machine,
			   const struct hk_event *event)
{
	const bool held = buffer_find(&machine->buffers, event->buffer);

	if (event->time_ns < machine->now_ns)
		return false;
	switch (event->op) {
	case HK_OP_ALLOC:
		return !held && event->buffer != UINT32_MAX &&
		       is_chain(machine, event);
	case HK_OP_ATTACH:
	case HK_OP_DETACH:
	case HK_OP_MAP:
	case HK_OP_UNMAP:
		return held && machine_has_device(machine, event->device);
	case HK_OP_BEGIN_CPU:
	case HK_OP_END_CPU:
		return held && is_access(event->access);
	case HK_OP_FREE:
		return held;
	default:
		return event->op == HK_OP_PRESSURE;
	}
}

static void describe(const struct buffer *buffer, struct hk_row *row)
{
	row->heap = (int16_t)buffer->heap->index;
	row->entries = buffer->n_entries;
	row->pool_entries = buffer->pool_entries;
	row->address = buffer->n_entries ? buffer->entry[0].address : 0;
}

// Uncached pages are written back once, after zeroing; Android maps and unmaps
// the buffer for the heap's own (assumed non-coherent) device to do so.
static double flush_cost(const struct hk_costs *costs,
			 const struct buffer *buffer)
{
	return times(costs->map_entry + costs->unmap_entry, buffer->n_entries) +
	       cache_clean_cost(costs, buffer) +
	       cache_invalidate_cost(costs, buffer);
}

static int try_heap(struct heap *heap, struct buffer *buffer, double *cost)
{
	const struct hk_costs *costs = &heap->machine->costs;
	int ret;

	buffer->heap = heap;
	*cost += costs->allocate_call;
	if (!buffer->size)
		return -EINVAL;
	ret = heap->ops->allocate(heap, buffer, cost);
	if (!ret && (heap->spec.flags & HK_HEAP_UNCACHED))
		*cost += flush_cost(costs, buffer);
	return ret;
}

// Fallback is the caller's matter with dma-heaps: every try is an ioctl of its
// own, and only -ENOMEM leads to the next.
static int event_allocate(struct hk_machine *machine,
			  const struct hk_event *event, struct hk_row *row,
			  double *cost)
{
	struct buffer_table *table = &machine->buffers;
	struct buffer *buffer;
	int ret = -ENOMEM;

	if (buffer_table_reserve(table, event->buffer + 1))
		return OUT_OF_CORE;
	buffer = buffer_new(table);
	if (!buffer)
		return OUT_OF_CORE;

	// 0 for a size that wraps, as PAGE_ALIGN() has it.
	buffer->size =
		(event->size + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	for (uint32_t i = 0; ret == -ENOMEM && i < event->n_heaps; i++) {
		ret = try_heap(&machine->heap[event->heap[i]], buffer, cost);
		row->tried++;
	}
	if (ret == OUT_OF_CORE) {
		buffer_recycle(table, buffer);
		return OUT_OF_CORE;
	}
	row->status = ret;
	table->slot[event->buffer] = buffer;
	buffer->heap->held_bytes += buffer->bytes;
	describe(buffer, row);
	return 0;
}

// The last reference is gone: hand the memory of a served buffer back, now or
// later, and the buffer with it.
static int release_buffer(struct hk_machine *machine, struct buffer *buffer,
			  double *cost)
{
	struct heap *heap = buffer->heap;
	const uint64_t bytes = buffer->bytes;

	if (heap->deferred) {
		attachment_detach_all(&machine->buffers, buffer);
		buffer->freed_at = machine->now_ns;
		deferred_free_push(machine, heap->deferred, buffer);
		heap->deferred_bytes += bytes;
	} else {
		if (heap->ops->release(heap, buffer, FREE_NORMAL, cost))
			return OUT_OF_CORE;
		buffer_recycle(&machine->buffers, buffer);
	}
	heap->held_bytes -= bytes;
	return 0;
}

static int event_free(struct hk_machine *machine, const struct hk_event *event,
		      struct buffer *buffer, double *cost)
{
	struct buffer_table *table = &machine->buffers;

	if (!buffer->n_entries) {
		buffer_recycle(table, buffer);
	} else {
		*cost += machine->costs.free_call;
		if (release_buffer(machine, buffer, cost))
			return OUT_OF_CORE;
	}
	table->slot[event->buffer] = NULL;
	return 0;
}

// Everything but ALLOC and PRESSURE. On a buffer whose allocation failed it is
// nothing, done with success, as a program that keeps no fd does nothing.
static int event_on_buffer(struct hk_machine *machine,
			   const struct hk_event *event, struct hk_row *row,
			   double *cost)
{
	struct buffer *buffer = buffer_find(&machine->buffers, event->buffer);

	describe(buffer, row);
	if (event->op == HK_OP_FREE)
		return event_free(machine, event, buffer, cost);
	if (!buffer->n_entries)
		return 0;
	switch (event->op) {
	case HK_OP_ATTACH:
		return attachment_attach(machine, buffer, event->device, cost);
	case HK_OP_DETACH:
		row->status =
			attachment_detach(machine, buffer, event->device, cost);
		return 0;
	case HK_OP_MAP:
		row->status =
			attachment_map(machine, buffer, event->device, cost);
		return 0;
	case HK_OP_UNMAP:
		row->status =
			attachment_unmap(machine, buffer, event->device, cost);
		return 0;
	default:
		row->status = cache_sync(machine, buffer, event, cost);
		return 0;
	}
}

static int event_act(struct hk_machine *machine, const struct hk_event *event,
		     struct hk_row *row, double *cost)
{
	switch (event->op) {
	case HK_OP_ALLOC:
		return event_allocate(machine, event, row, cost);
	case HK_OP_PRESSURE:
		row->heap = -1;
		reclaim(machine, bytes_to_pages(event->size), cost);
		return 0;
	default:
		return event_on_buffer(machine, event, row, cost);
	}
}

int event_carry_out(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row)
{
	double cost = 0;

	if (!event_is_valid(machine, event))
		return -EINVAL;
	if (worker_run_all(machine, event->time_ns))
		return -ENOMEM;
	machine->now_ns = event->time_ns;

	*row = (struct hk_row){0};
	if (event_act(machine, event, row, &cost))
		return -ENOMEM;
	row->latency_ns = (uint64_t)round_ns(cost);
	return 0;
}

static void memory_gauges(const struct hk_machine *machine,
			  struct hk_gauges *ret)
{
	*ret = (struct hk_gauges){0};
	if (machine->pages) {
		ret->free_bytes = page_alloc_free(machine->pages)
				  << HK_PAGE_SHIFT;
		ret->largest_free_bytes = page_alloc_largest(machine->pages)
					  << HK_PAGE_SHIFT;
	}
	for (const struct page_pool *pool = machine->pool_list; pool;
	     pool = pool->next)
		ret->pool_bytes += page_pool_bytes(pool);
	for (uint32_t i = 0; i < machine->n_heaps; i++)
		if (machine->heap[i].spec.kind == HK_HEAP_SYSTEM)
			ret->deferred_bytes += machine->heap[i].deferred_bytes;
}

void event_gauges(const struct hk_machine *machine, const struct hk_row *row,
		  struct hk_gauges *ret)
{
	const struct heap *heap;

	if (row->heap < 0) {
		memory_gauges(machine, ret);
		return;
	}
	heap = &machine->heap[row->heap];
	heap->ops->gauges(heap, ret);
}

int hk_machine_step(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row, struct hk_gauges *gauges)
{
	int ret = event_carry_out(machine, event, row);
	const char *rule;

	if (!ret && gauges)
		event_gauges(machine, row, gauges);
	if (!ret && CHECKS_EVERY_EVENT &&
	    hk_machine_check(machine, &rule) == -EUCLEAN)
		return -EUCLEAN;
	return ret;
}
