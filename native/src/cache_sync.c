// SPDX-License-Identifier: MIT
//
// Cache maintenance. A pass over a buffer is a loop over the lines of each sg
// entry that ends with one barrier (arm64 dcache_*_poc); a device that snoops
// needs none.

#include "coherence.h"
#include "findings.h"
#include "internal.h"

static uint64_t at_most(uint64_t n, double bytes, uint32_t shift)
{
	const double most = bytes / (double)(UINT64_C(1) << shift);

	return (double)n < most ? n : (uint64_t)most;
}

// All of it @passes times; what is dirty is written back by the first.
void cache_clean(const struct hk_machine *machine, struct buffer *buffer,
		 const struct part *part, uint64_t passes, struct bill *bill)
{
	const uint64_t lines = part->line.end - part->line.start;
	const uint64_t dirty = coherence_clean(buffer, part);

	charge(bill, HK_COST_SYNC_ENTRY, passes * part->entries);
	charge(bill, HK_COST_CLEAN_LINE, passes * lines);
	charge(bill, HK_COST_DIRTY_LINE,
	       at_most(dirty, machine->costs.cache_bytes, machine->line_shift));
	if (part->length == buffer->bytes)
		buffer->cpu_touched = false;
}

void cache_invalidate(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, const struct part *part,
		      uint64_t passes, struct bill *bill)
{
	const uint64_t lines = part->line.end - part->line.start;

	charge(bill, HK_COST_SYNC_ENTRY, passes * part->entries);
	charge(bill, HK_COST_INVALIDATE_LINE, passes * lines);
	coherence_invalidate(machine, buffer, event, part);
}

// Uncached pages are written back once, after zeroing; Android maps and unmaps
// the buffer for the heap's own (assumed non-coherent) device to do so.
void cache_flush_new(const struct hk_machine *machine,
		     const struct buffer *buffer, struct bill *bill)
{
	const struct part all = buffer_whole(machine, buffer);
	const uint64_t lines = all.line.end - all.line.start;

	charge(bill, HK_COST_MAP_ENTRY, all.entries);
	charge(bill, HK_COST_UNMAP_ENTRY, all.entries);
	charge(bill, HK_COST_SYNC_ENTRY, 2 * all.entries);
	charge(bill, HK_COST_CLEAN_LINE, lines);
	charge(bill, HK_COST_DIRTY_LINE,
	       at_most(lines, machine->costs.cache_bytes, machine->line_shift));
	charge(bill, HK_COST_INVALIDATE_LINE, lines);
}

enum work { NOTHING, CLEAN, INVALIDATE };

// arm64 since 5.19 (c50f11c6): for_cpu does nothing for DMA_TO_DEVICE and else
// invalidates; for_device always cleans. Before, for_device invalidated for
// DMA_FROM_DEVICE.
static enum work work_of(const struct hk_machine *machine,
			 const struct hk_event *event)
{
	const bool before = machine->sync_flags & HK_SYNC_BEFORE_5_19;

	if (event->op == HK_OP_BEGIN_CPU)
		return event->access == HK_ACCESS_WRITE ? NOTHING : INVALIDATE;
	return before && event->access == HK_ACCESS_READ ? INVALIDATE : CLEAN;
}

// Lazily, BEGIN_CPU does what UNMAP has left, whatever the CPU will do: else a
// later one would invalidate what it wrote meanwhile. And as long as a part of
// a buffer is left to be invalidated, no other is left dirty.
static enum work lazy_work_of(const struct hk_machine *machine,
			      const struct buffer *buffer,
			      const struct hk_event *event)
{
	const bool mapped = attachment_count_syncable(machine, buffer);
	enum work work = work_of(machine, event);

	if (work == NOTHING && !mapped)
		work = INVALIDATE;
	if (work == INVALIDATE)
		return buffer->device_touched ? INVALIDATE : NOTHING;
	return buffer->cpu_touched && (mapped || buffer->device_touched)
		       ? work
		       : NOTHING;
}

// Once for all devices, and only where the other side has been there since.
static void sync_lazily(struct hk_machine *machine, struct buffer *buffer,
			const struct hk_event *event, const struct part *part,
			struct bill *bill)
{
	const enum work work = lazy_work_of(machine, buffer, event);

	if (work == CLEAN)
		cache_clean(machine, buffer, part, 1, bill);
	if (work != INVALIDATE)
		return;
	cache_invalidate(machine, buffer, event, part, 1, bill);
	if (part->length == buffer->bytes)
		buffer->device_touched =
			attachment_count_syncable(machine, buffer);
}

static void sync_always(struct hk_machine *machine, struct buffer *buffer,
			const struct hk_event *event, const struct part *part,
			struct bill *bill)
{
	const enum work work = work_of(machine, event);
	const uint64_t passes = attachment_count_syncable(machine, buffer);

	if (passes && work == CLEAN)
		cache_clean(machine, buffer, part, passes, bill);
	else if (passes && work == INVALIDATE)
		cache_invalidate(machine, buffer, event, part, passes, bill);
}

int cache_sync(struct hk_machine *machine, struct buffer *buffer,
	       const struct hk_event *event, struct bill *bill)
{
	struct part part;

	if (event->offset > buffer->size ||
	    event->size > buffer->size - event->offset)
		return -EINVAL;
	part = buffer_pass(machine, buffer, event->offset, event->size);
	if (!buffer->heap->skip_cpu_sync && part.length != buffer->bytes &&
	    coherence_reserve(machine, buffer))
		return OUT_OF_CORE;
	find_unpaired(machine, event, buffer);
	charge(bill, HK_COST_SYNC_CALL, 1);
	if (buffer->heap->skip_cpu_sync)
		return 0;
	if (event->access & HK_ACCESS_WRITE)
		buffer->cpu_touched = true;
	if (machine->sync_flags & HK_SYNC_LAZY)
		sync_lazily(machine, buffer, event, &part, bill);
	else
		sync_always(machine, buffer, event, &part, bill);
	return 0;
}
