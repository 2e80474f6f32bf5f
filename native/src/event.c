// SPDX-License-Identifier: MIT
//
// One event: who it concerns, what it does to them, what it cost.

#include "coherence.h"
#include "findings.h"
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

// What an op uses beside the buffer.
enum { ON_DEVICE = 1, ON_CPU = 2, ON_BUFFER = 4 };

static const uint8_t uses_of[HK_NR_OPS] = {
	[HK_OP_FREE] = ON_BUFFER,
	[HK_OP_ATTACH] = ON_BUFFER | ON_DEVICE,
	[HK_OP_DETACH] = ON_BUFFER | ON_DEVICE,
	[HK_OP_MAP] = ON_BUFFER | ON_DEVICE,
	[HK_OP_UNMAP] = ON_BUFFER | ON_DEVICE,
	[HK_OP_BEGIN_CPU] = ON_BUFFER | ON_CPU,
	[HK_OP_END_CPU] = ON_BUFFER | ON_CPU,
	[HK_OP_CPU_READ] = ON_BUFFER,
	[HK_OP_CPU_WRITE] = ON_BUFFER,
	[HK_OP_DEVICE_READ] = ON_BUFFER | ON_DEVICE,
	[HK_OP_DEVICE_WRITE] = ON_BUFFER | ON_DEVICE,
	[HK_OP_MMAP] = ON_BUFFER,
	[HK_OP_MUNMAP] = ON_BUFFER,
	[HK_OP_VMAP] = ON_BUFFER,
	[HK_OP_VUNMAP] = ON_BUFFER,
	[HK_OP_SHARE] = ON_BUFFER,
};

static bool may_use(const struct hk_machine *machine,
		    const struct hk_event *event)
{
	const uint8_t uses = event->op < HK_NR_OPS ? uses_of[event->op] : 0;

	return uses &&
	       (!(uses & ON_DEVICE) ||
		machine_has_device(machine, event->device)) &&
	       (!(uses & ON_CPU) || is_access(event->access));
}

// The idle threads have the time up to @event, which is a valid one. -ENOMEM.
static int let_time_pass(struct hk_machine *machine,
			 const struct hk_event *event)
{
	if (event->time_ns >= machine->idle_due &&
	    worker_run_all(machine, event->time_ns))
		return -ENOMEM;
	machine->now_ns = event->time_ns;
	return 0;
}

static void describe(const struct buffer *buffer, struct hk_row *row)
{
	row->heap = (int16_t)buffer->heap->index;
	row->entries = buffer->n_entries;
	row->pool_entries = buffer->pool_entries;
	row->address = buffer->n_entries ? buffer->entry[0].address : 0;
}

// udmabuf_create() takes whole pages of a memfd, and rounds nothing up.
static bool is_size(const struct heap *heap, const struct hk_event *event)
{
	return !(heap->spec.flags & HK_HEAP_MEMFD) ||
	       !(event->size & (PAGE_BYTES - 1));
}

static int try_heap(struct heap *heap, const struct hk_event *event,
		    struct buffer *buffer, struct bill *bill)
{
	int ret;

	buffer->heap = heap;
	charge(bill, HK_COST_ALLOCATE_CALL, 1);
	if (!buffer->size || !is_size(heap, event))
		return -EINVAL;
	ret = heap->ops->allocate(heap, buffer, bill);
	if (!ret && (heap->spec.flags & HK_HEAP_UNCACHED))
		cache_flush_new(heap->machine, buffer, bill);
	return ret;
}

// Fallback is the caller's matter with dma-heaps: every try is an ioctl of its
// own, and only -ENOMEM leads to the next.
static int try_chain(struct hk_machine *machine, const struct hk_event *event,
		     struct buffer *buffer, struct hk_row *row)
{
	struct bill bill = machine_bill(machine, machine->count);
	uint32_t i = 0;
	int ret;

	// 0 for a size that wraps, as PAGE_ALIGN() has it.
	buffer->size =
		(event->size + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	do
		ret = try_heap(&machine->heap[event->heap[i++]], event, buffer,
			       &bill);
	while (ret == -ENOMEM && i < event->n_heaps);
	row->status = ret;
	row->tried = (uint16_t)i;
	row->latency_ns = (uint64_t)round_ns(bill.ns);
	return ret == OUT_OF_CORE ? OUT_OF_CORE : 0;
}

static int event_allocate(struct hk_machine *machine,
			  const struct hk_event *event, struct hk_row *row)
{
	struct buffer_table *table = &machine->buffers;
	struct buffer *buffer;

	if (buffer_find(table, event->buffer) || event->buffer == UINT32_MAX ||
	    !is_chain(machine, event))
		return -EINVAL;
	if (let_time_pass(machine, event) ||
	    buffer_table_reserve(table, event->buffer + 1))
		return -ENOMEM;
	buffer = buffer_new(table);
	if (!buffer)
		return -ENOMEM;
	machine->changes++;
	if (try_chain(machine, event, buffer, row)) {
		buffer_recycle(table, buffer);
		return -ENOMEM;
	}
	buffer->references = 1;
	if (!row->status && !buffer->heap->skip_cpu_sync)
		coherence_begin(buffer);
	table->slot[event->buffer] = buffer;
	buffer->heap->held_bytes += buffer->bytes;
	describe(buffer, row);
	return 0;
}

// The last reference is gone: hand the memory of a served buffer back, now or
// later, and the buffer with it.
static int release_buffer(struct hk_machine *machine, struct buffer *buffer,
			  struct bill *bill)
{
	struct heap *heap = buffer->heap;
	const uint64_t bytes = buffer->bytes;

	machine->changes++;
	if (heap->deferred) {
		attachment_detach_all(&machine->buffers, buffer);
		buffer_forget(buffer);
		buffer->freed_at = machine->now_ns;
		deferred_free_push(machine, heap->deferred, buffer);
		heap->deferred_bytes += bytes;
	} else {
		if (heap->ops->release(heap, buffer, FREE_NORMAL, bill))
			return OUT_OF_CORE;
		buffer_recycle(&machine->buffers, buffer);
	}
	heap->held_bytes -= bytes;
	return 0;
}

static int event_free(struct hk_machine *machine, const struct hk_event *event,
		      struct buffer *buffer, struct bill *bill)
{
	struct buffer_table *table = &machine->buffers;
	const uint64_t found = machine->findings.count;

	if (buffer->references > 1) {
		buffer->references--;
		return 0;
	}
	buffer->references = 0;
	if (!buffer->n_entries) {
		buffer_recycle(table, buffer);
	} else {
		find_left_over(machine, event, buffer);
		charge(bill, HK_COST_FREE_CALL, 1);
		if (release_buffer(machine, buffer, bill))
			goto hold_again;
	}
	table->slot[event->buffer] = NULL;
	return 0;

hold_again:
	buffer->references = 1;
	machine->findings.count = found;
	return OUT_OF_CORE;
}

// The status, or OUT_OF_CORE. On a buffer whose allocation failed every op is
// nothing, done with success, as a program that keeps no fd does nothing.
static int use_buffer(struct hk_machine *machine, const struct hk_event *event,
		      struct buffer *buffer, struct bill *bill)
{
	if (event->op == HK_OP_FREE)
		return event_free(machine, event, buffer, bill);
	if (event->op == HK_OP_SHARE) {
		buffer->references++;
		return 0;
	}
	if (!buffer->n_entries)
		return 0;
	switch (event->op) {
	case HK_OP_ATTACH:
		return attachment_attach(machine, buffer, event, bill);
	case HK_OP_DETACH:
		return attachment_detach(machine, buffer, event, bill);
	case HK_OP_MAP:
		return attachment_map(machine, buffer, event, bill);
	case HK_OP_UNMAP:
		return attachment_unmap(machine, buffer, event, bill);
	case HK_OP_MMAP:
	case HK_OP_MUNMAP:
	case HK_OP_VMAP:
	case HK_OP_VUNMAP:
		return cpu_mapping(buffer, event->op, bill);
	case HK_OP_CPU_READ:
	case HK_OP_CPU_WRITE:
	case HK_OP_DEVICE_READ:
	case HK_OP_DEVICE_WRITE:
		return memory_access(machine, buffer, event, bill);
	default:
		return cache_sync(machine, buffer, event, bill);
	}
}

// Everything but ALLOC and PRESSURE.
static int event_on_buffer(struct hk_machine *machine,
			   const struct hk_event *event, struct hk_row *row)
{
	struct buffer *buffer = buffer_find(&machine->buffers, event->buffer);
	struct bill bill = machine_bill(machine, machine->count);

	if (!buffer || !may_use(machine, event))
		return -EINVAL;
	if (let_time_pass(machine, event))
		return -ENOMEM;
	row->tried = 0;
	describe(buffer, row);
	row->status = use_buffer(machine, event, buffer, &bill);
	row->latency_ns = (uint64_t)round_ns(bill.ns);
	return row->status == OUT_OF_CORE ? -ENOMEM : 0;
}

static int event_pressure(struct hk_machine *machine,
			  const struct hk_event *event, struct hk_row *row)
{
	struct bill bill = machine_bill(machine, machine->count);

	if (let_time_pass(machine, event))
		return -ENOMEM;
	machine->changes++;
	reclaim(machine, bytes_to_pages(event->size), &bill);
	*row = (struct hk_row){
		.heap = -1,
		.latency_ns = (uint64_t)round_ns(bill.ns),
	};
	return 0;
}

// What hk_trace_check() demands is looked at on the way, but for sizes: those
// the kernel refuses, and so does try_heap().
int event_carry_out(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row)
{
	if (event->time_ns < machine->now_ns)
		return -EINVAL;
	if (event->op == HK_OP_ALLOC)
		return event_allocate(machine, event, row);
	if (event->op == HK_OP_PRESSURE)
		return event_pressure(machine, event, row);
	return event_on_buffer(machine, event, row);
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

// Most events move no memory: a map, a sync. Their gauges are the last ones.
void event_gauges(const struct hk_machine *machine, const struct hk_row *row,
		  struct hk_gauges *ret)
{
	struct heap *heap;

	if (row->heap < 0) {
		memory_gauges(machine, ret);
		return;
	}
	heap = &machine->heap[row->heap];
	if (heap->gauged_at != machine->changes) {
		heap->ops->gauges(heap, &heap->gauges);
		heap->gauged_at = machine->changes;
	}
	*ret = heap->gauges;
}

int hk_machine_step(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row, struct hk_gauges *gauges)
{
	int ret = event_carry_out(machine, event, row);
	const char *rule;

	machine->n_events += !ret;
	if (!ret && gauges)
		event_gauges(machine, row, gauges);
	if (!ret && CHECKS_EVERY_EVENT &&
	    hk_machine_check(machine, &rule) == -EUCLEAN)
		return -EUCLEAN;
	return ret;
}
