// SPDX-License-Identifier: MIT
//
// Devices at a buffer. As the kernel's heaps keep them: a list, newest first;
// one device may be on it more than once.

#include "internal.h"

#include <stdlib.h>

// Kernel: struct dma_heap_attachment.
struct attachment {
	struct attachment *next;
	uint32_t device;
	bool mapped;
};

static bool is_coherent(const struct hk_machine *machine, uint32_t device)
{
	return device < machine->n_devices && machine->device[device].coherent;
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
		      uint32_t device, double *cost)
{
	struct attachment *at = machine->buffers.spare_attachment;

	if (at)
		machine->buffers.spare_attachment = at->next;
	else
		at = malloc(sizeof(*at));
	if (!at)
		return OUT_OF_CORE;
	at->device = device;
	at->mapped = false;
	at->next = buffer->attachments;
	buffer->attachments = at;
	*cost += machine->costs.attach_call +
		 times(machine->costs.attach_entry, buffer->n_entries);
	return 0;
}

// Takes one that is not mapped before one that is, whose mapping goes with it.
int attachment_detach(struct hk_machine *machine, struct buffer *buffer,
		      uint32_t device, double *cost)
{
	struct attachment *at = attachment_find(buffer, device, false);
	struct attachment **link = &buffer->attachments;

	if (!at) {
		if (attachment_unmap(machine, buffer, device, cost))
			return -EINVAL;
		at = attachment_find(buffer, device, false);
	}
	while (*link != at)
		link = &(*link)->next;
	*link = at->next;
	at->next = machine->buffers.spare_attachment;
	machine->buffers.spare_attachment = at;
	*cost += machine->costs.attach_call;
	return 0;
}

int attachment_map(const struct hk_machine *machine, struct buffer *buffer,
		   uint32_t device, double *cost)
{
	struct attachment *at = attachment_find(buffer, device, false);

	if (!at)
		return -EINVAL;
	at->mapped = true;
	*cost += times(machine->costs.map_entry, buffer->n_entries);
	if (!buffer->heap->skip_cpu_sync && !is_coherent(machine, device))
		*cost += cache_clean_cost(&machine->costs, buffer);
	return 0;
}

int attachment_unmap(const struct hk_machine *machine, struct buffer *buffer,
		     uint32_t device, double *cost)
{
	struct attachment *at = attachment_find(buffer, device, true);

	if (!at)
		return -EINVAL;
	at->mapped = false;
	*cost += times(machine->costs.unmap_entry, buffer->n_entries);
	if (!buffer->heap->skip_cpu_sync && !is_coherent(machine, device))
		*cost += cache_invalidate_cost(&machine->costs, buffer);
	return 0;
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
	uint64_t count = 0;

	for (const struct attachment *at = buffer->attachments; at;
	     at = at->next)
		count += at->mapped && !is_coherent(machine, at->device);
	return count;
}

// The device and, in the lowest bit, whether it is mapped.
void attachment_save(const struct buffer *buffer, struct state_writer *out)
{
	const struct attachment *at;
	uint32_t count = 0;

	for (at = buffer->attachments; at; at = at->next)
		count++;
	state_put(out, count);
	for (at = buffer->attachments; at; at = at->next)
		state_put(out, (uint64_t)at->device << 1 | at->mapped);
}

int attachment_load(const struct hk_machine *machine, struct buffer *buffer,
		    struct state_reader *in)
{
	struct attachment **end = &buffer->attachments;

	for (uint32_t count = state_get_count(in); count; count--) {
		const uint32_t word = state_get_below(in, 2 * HK_MAX_DEVICES);
		struct attachment *at;

		if (!machine_has_device(machine, word >> 1))
			return -EINVAL;
		at = calloc(1, sizeof(*at));
		if (!at)
			return OUT_OF_CORE;
		at->device = word >> 1;
		at->mapped = word & 1;
		*end = at;
		end = &at->next;
	}
	return 0;
}
