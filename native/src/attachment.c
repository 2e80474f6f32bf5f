// SPDX-License-Identifier: MIT
//
// Devices at a buffer. As the kernel's heaps keep them: a list, newest first;
// one device may be on it more than once.

#include "coherence.h"
#include "internal.h"

#include <stdlib.h>

// Kernel: struct dma_heap_attachment.
struct attachment {
	struct attachment *next;
	uint32_t device;
	bool mapped;
	bool skip_cpu_sync; // DMA_ATTR_SKIP_CPU_SYNC of this mapping
};

bool machine_device_snoops(const struct hk_machine *machine, uint32_t device)
{
	return device < machine->n_devices && machine->device[device].coherent;
}

static bool has_iommu(const struct hk_machine *machine, uint32_t device)
{
	return device < machine->n_devices && machine->device[device].iommu;
}

static struct attachment *attachment_find(const struct buffer *buffer,
					  uint32_t device, bool mapped)
{
	struct attachment *at = buffer->attachments;

	while (at && (at->device != device || at->mapped != mapped))
		at = at->next;
	return at;
}

int attachment_attach(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, struct bill *bill)
{
	struct attachment *at = machine->buffers.spare_attachment;

	if (at)
		machine->buffers.spare_attachment = at->next;
	else
		at = malloc(sizeof(*at));
	if (!at)
		return OUT_OF_CORE;
	at->device = event->device;
	at->mapped = false;
	at->skip_cpu_sync = false;
	at->next = buffer->attachments;
	buffer->attachments = at;
	charge(bill, HK_COST_ATTACH_CALL, 1);
	charge(bill, HK_COST_ATTACH_ENTRY, buffer->n_entries);
	return 0;
}

// Takes one that is not mapped before one that is, whose mapping goes with it.
int attachment_detach(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, struct bill *bill)
{
	struct attachment *at = attachment_find(buffer, event->device, false);
	struct attachment **link = &buffer->attachments;

	if (!at) {
		if (attachment_unmap(machine, buffer, event, bill))
			return -EINVAL;
		at = attachment_find(buffer, event->device, false);
	}
	while (*link != at)
		link = &(*link)->next;
	*link = at->next;
	at->next = machine->buffers.spare_attachment;
	machine->buffers.spare_attachment = at;
	charge(bill, HK_COST_ATTACH_CALL, 1);
	return 0;
}

static bool is_synced(const struct hk_machine *machine,
		      const struct buffer *buffer, const struct attachment *at)
{
	return !at->skip_cpu_sync && !buffer->heap->skip_cpu_sync &&
	       !machine_device_snoops(machine, at->device);
}

int attachment_map(struct hk_machine *machine, struct buffer *buffer,
		   const struct hk_event *event, struct bill *bill)
{
	struct attachment *at = attachment_find(buffer, event->device, false);
	const bool lazy = machine->sync_flags & HK_SYNC_LAZY;

	if (!at)
		return -EINVAL;
	at->mapped = true;
	at->skip_cpu_sync = event->access & HK_ACCESS_SKIP_SYNC;
	charge(bill, HK_COST_MAP_ENTRY, buffer->n_entries);
	if (has_iommu(machine, at->device))
		charge(bill, HK_COST_IOMMU_MAP_ENTRY, buffer->n_entries);
	if (!is_synced(machine, buffer, at))
		return 0;
	buffer->device_touched = true;
	if (!lazy || buffer->cpu_touched) {
		const struct part all = buffer_whole(machine, buffer);

		cache_clean(machine, buffer, &all, 1, bill);
	}
	return 0;
}

// Lazily, what the device wrote is invalidated when the CPU comes to look.
int attachment_unmap(struct hk_machine *machine, struct buffer *buffer,
		     const struct hk_event *event, struct bill *bill)
{
	struct attachment *at = attachment_find(buffer, event->device, true);

	if (!at)
		return -EINVAL;
	at->mapped = false;
	charge(bill, HK_COST_UNMAP_ENTRY, buffer->n_entries);
	if (has_iommu(machine, at->device))
		charge(bill, HK_COST_IOMMU_UNMAP_ENTRY, buffer->n_entries);
	if (is_synced(machine, buffer, at) &&
	    !(machine->sync_flags & HK_SYNC_LAZY)) {
		const struct part all = buffer_whole(machine, buffer);

		cache_invalidate(machine, buffer, event, &all, 1, bill);
	}
	return 0;
}

bool attachment_is_mapped(const struct buffer *buffer, uint32_t device)
{
	return attachment_find(buffer, device, true);
}

void attachment_detach_all(struct buffer_table *table, struct buffer *buffer)
{
	while (buffer->attachments) {
		struct attachment *at = buffer->attachments;

		buffer->attachments = at->next;
		at->next = table->spare_attachment;
		table->spare_attachment = at;
	}
}

void attachment_free_list(struct attachment *attachment)
{
	while (attachment) {
		struct attachment *next = attachment->next;

		free(attachment);
		attachment = next;
	}
}

uint64_t attachment_count_syncable(const struct hk_machine *machine,
				   const struct buffer *buffer)
{
	const bool every = machine->sync_flags & HK_SYNC_EVERY_ATTACHMENT;
	uint64_t count = 0;

	for (const struct attachment *at = buffer->attachments; at;
	     at = at->next)
		count += (at->mapped || every) &&
			 !machine_device_snoops(machine, at->device);
	return count;
}

// The device and, in the lowest bits, whether it is mapped and how.
void attachment_save(const struct buffer *buffer, struct state_writer *out)
{
	const struct attachment *at;
	uint32_t count = 0;

	for (at = buffer->attachments; at; at = at->next)
		count++;
	state_put(out, count);
	for (at = buffer->attachments; at; at = at->next)
		state_put(out, (uint64_t)at->device << 2 |
				       (uint64_t)at->skip_cpu_sync << 1 |
				       (uint64_t)at->mapped);
}

int attachment_load(const struct hk_machine *machine, struct buffer *buffer,
		    struct state_reader *in)
{
	struct attachment **end = &buffer->attachments;

	for (uint32_t count = state_get_count(in); count; count--) {
		const uint32_t word = state_get_below(in, 4 * HK_MAX_DEVICES);
		struct attachment *at;

		if (!machine_has_device(machine, word >> 2))
			return -EINVAL;
		at = calloc(1, sizeof(*at));
		if (!at)
			return OUT_OF_CORE;
		at->device = word >> 2;
		at->skip_cpu_sync = word & 2;
		at->mapped = word & 1;
		*end = at;
		end = &at->next;
	}
	return 0;
}
