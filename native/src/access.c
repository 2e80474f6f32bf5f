// SPDX-License-Identifier: MIT
//
// Who maps a buffer for the CPU, and who reads and writes it.

#include "coherence.h"
#include "findings.h"
#include "internal.h"

static bool cpu_may_map(const struct buffer *buffer)
{
	return buffer->heap->spec.kind != HK_HEAP_SECURE;
}

static int drop_one(uint32_t *count)
{
	if (!*count)
		return -EINVAL;
	--*count;
	return 0;
}

// system_heap_mmap() maps all of it at once, entry by entry; cma_heap_mmap() a
// page at a time when it is touched, which is charged here as well.
static int map_for_program(struct buffer *buffer, struct bill *bill)
{
	buffer->mmaps++;
	charge(bill, HK_COST_MMAP_CALL, 1);
	charge(bill, HK_COST_MMAP_ENTRY, buffer->n_entries);
	charge(bill, HK_COST_MMAP_PAGE, bytes_to_pages(buffer->bytes));
	return 0;
}

static int map_for_kernel(struct buffer *buffer, struct bill *bill)
{
	if (buffer->vmaps++)
		return 0; // counted: system_heap_vmap()
	charge(bill, HK_COST_VMAP_CALL, 1);
	charge(bill, HK_COST_VMAP_PAGE, bytes_to_pages(buffer->bytes));
	return 0;
}

int cpu_mapping(struct buffer *buffer, enum hk_op op, struct bill *bill)
{
	if (!cpu_may_map(buffer))
		return -EINVAL;
	switch (op) {
	case HK_OP_MMAP:
		return map_for_program(buffer, bill);
	case HK_OP_MUNMAP:
		return drop_one(&buffer->mmaps);
	case HK_OP_VMAP:
		return map_for_kernel(buffer, bill);
	default:
		return drop_one(&buffer->vmaps);
	}
}

static bool is_by_cpu(const struct hk_event *event)
{
	return event->op == HK_OP_CPU_READ || event->op == HK_OP_CPU_WRITE;
}

static void charge_cpu(const struct buffer *buffer,
		       const struct hk_event *event, const struct part *part,
		       struct bill *bill)
{
	const uint64_t lines = part->line.end - part->line.start;

	if (event->op == HK_OP_CPU_WRITE)
		charge(bill, HK_COST_CPU_WRITE_LINE, lines);
	else if (buffer->heap->spec.flags & HK_HEAP_UNCACHED)
		charge(bill, HK_COST_UNCACHED_READ_LINE, lines);
	else
		charge(bill, HK_COST_CPU_READ_LINE, lines);
}

static void find_unmapped(struct hk_machine *machine,
			  const struct buffer *buffer,
			  const struct hk_event *event, const struct part *part)
{
	if (!is_by_cpu(event) && !attachment_is_mapped(buffer, event->device))
		find_bytes(machine, event, HK_UNMAPPED_DEVICE, part->offset,
			   part->length);
}

int memory_access(struct hk_machine *machine, struct buffer *buffer,
		  const struct hk_event *event, struct bill *bill)
{
	const bool writes =
		event->op == HK_OP_CPU_WRITE || event->op == HK_OP_DEVICE_WRITE;
	struct part part;

	if (event->offset > buffer->size ||
	    event->size > buffer->size - event->offset ||
	    (is_by_cpu(event) && !cpu_may_map(buffer)))
		return -EFAULT;
	part = buffer_part(machine, buffer, event->offset, event->size);
	if (writes && !buffer->heap->skip_cpu_sync &&
	    coherence_reserve(machine, buffer))
		return OUT_OF_CORE;
	if (is_by_cpu(event))
		charge_cpu(buffer, event, &part, bill);
	find_unmapped(machine, buffer, event, &part);
	if (!buffer->heap->skip_cpu_sync)
		coherence_access(machine, buffer, event, &part,
				 machine_device_snoops(machine, event->device));
	return 0;
}
