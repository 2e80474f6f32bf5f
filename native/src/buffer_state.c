// SPDX-License-Identifier: MIT
//
// Buffers as bytes. What is read makes its heap hold the same memory, so that
// no two buffers can have one page.

#include "coherence.h"
#include "internal.h"

static void save_entries(const struct buffer *buffer, struct state_writer *out)
{
	state_put(out, buffer->n_entries);
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		state_put_pages(out, buffer->entry[i].address,
				buffer->entry[i].size);
}

void buffer_save(const struct buffer *buffer, struct state_writer *out)
{
	state_put(out, buffer->heap->index);
	state_put(out, buffer->size >> HK_PAGE_SHIFT);
	save_entries(buffer, out);
	state_put(out, buffer->references);
	// The allocation failed: nothing more to say.
	if (!buffer->n_entries)
		return;
	state_put(out, buffer->pool_entries);
	state_put(out, buffer->mmaps);
	state_put(out, buffer->vmaps);
	coherence_save(buffer, out);
	attachment_save(buffer, out);
}

static int load_entries(struct buffer *buffer, struct state_reader *in)
{
	for (uint32_t count = state_get_count(in); count; count--) {
		uint64_t address, size;

		if (buffer_reserve_entry(buffer))
			return OUT_OF_CORE;
		state_get_pages(in, &address, &size);
		buffer_add_entry(buffer, address, size);
	}
	return 0;
}

static int load_served(struct hk_machine *machine, struct buffer *buffer,
		       struct state_reader *in)
{
	buffer->pool_entries =
		state_get_below(in, (uint64_t)buffer->n_entries + 1);
	buffer->mmaps = state_get_below(in, UINT32_MAX);
	buffer->vmaps = state_get_below(in, UINT32_MAX);
	if (in->bad)
		return -EINVAL;
	int ret = buffer->heap->ops->hold(buffer->heap, buffer, in);

	if (!ret)
		ret = coherence_load(machine, buffer, in);
	return ret ? ret : attachment_load(machine, buffer, in);
}

static int load_buffer(struct hk_machine *machine, struct buffer *buffer,
		       struct state_reader *in)
{
	const uint32_t heap = state_get_below(in, machine->n_heaps);
	const uint64_t pages = state_get(in);
	int ret;

	if (in->bad || pages > UINT64_MAX >> HK_PAGE_SHIFT)
		return -EINVAL;
	buffer->heap = &machine->heap[heap];
	buffer->size = pages << HK_PAGE_SHIFT;
	ret = load_entries(buffer, in);
	buffer->references = state_get_below(in, UINT32_MAX);
	if (ret || !buffer->n_entries)
		return ret;
	return load_served(machine, buffer, in);
}

int buffer_load(struct hk_machine *machine, struct state_reader *in,
		struct buffer **ret)
{
	struct buffer *buffer = buffer_new(&machine->buffers);
	int status;

	if (!buffer)
		return OUT_OF_CORE;
	status = load_buffer(machine, buffer, in);
	if (status)
		buffer_recycle(&machine->buffers, buffer);
	else
		*ret = buffer;
	return status;
}

static uint32_t count_held(const struct buffer_table *table)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < table->n_slots; id++)
		count += table->slot[id] != NULL;
	return count;
}

// Each with its distance from the id before it.
void buffer_table_save(const struct buffer_table *table,
		       struct state_writer *out)
{
	uint32_t next = 0;

	state_put(out, count_held(table));
	for (uint32_t id = 0; id < table->n_slots; id++) {
		buffer_table_prefetch(table, id);
		if (!table->slot[id])
			continue;
		state_put(out, id - next);
		buffer_save(table->slot[id], out);
		next = id + 1;
	}
}

int buffer_table_load(struct hk_machine *machine, struct state_reader *in)
{
	struct buffer_table *table = &machine->buffers;
	uint32_t id = 0;

	for (uint32_t count = state_get_count(in); count; count--, id++) {
		struct buffer *buffer;
		int ret;

		id += state_get_below(in, UINT32_MAX - (uint64_t)id);
		if (in->bad)
			return -EINVAL;
		if (buffer_table_reserve(table, id + 1))
			return OUT_OF_CORE;
		ret = buffer_load(machine, in, &buffer);
		if (ret)
			return ret;
		table->slot[id] = buffer;
		if (!buffer->references)
			return -EINVAL;
		buffer->heap->held_bytes += buffer->bytes;
	}
	return 0;
}
