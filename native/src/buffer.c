// SPDX-License-Identifier: MIT
//
// Buffers, known by id. A reference count is Python's matter: here a buffer is
// held from its allocation to its last put.

#include "coherence.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	// A spare buffer keeps its list of entries up to this length. The
	// system heap gives 4K video some 40 entries.
	SPARE_ENTRIES = 64,
};

int buffer_table_reserve(struct buffer_table *table, uint32_t n_slots)
{
	uint32_t wanted = n_slots;
	struct buffer **slot;

	if (n_slots <= table->n_slots)
		return 0;
	if (wanted < UINT32_MAX / 2 && wanted < 2 * table->n_slots)
		wanted = 2 * table->n_slots;
	slot = calloc(wanted, sizeof(*slot));
	if (!slot)
		return OUT_OF_CORE;
	if (table->n_slots)
		memcpy(slot, table->slot, table->n_slots * sizeof(*slot));
	free(table->slot);
	table->slot = slot;
	table->n_slots = wanted;
	return 0;
}

static void buffer_destroy(struct buffer *buffer)
{
	attachment_free_list(buffer->attachments);
	coherence_end(buffer);
	if (buffer->entry != &buffer->first)
		free(buffer->entry);
	free(buffer);
}

void buffer_table_destroy(struct buffer_table *table)
{
	for (uint32_t id = 0; id < table->n_slots; id++)
		if (table->slot[id])
			buffer_destroy(table->slot[id]);
	while (table->spare) {
		struct buffer *buffer = table->spare;

		table->spare = buffer->next;
		buffer_destroy(buffer);
	}
	attachment_free_list(table->spare_attachment);
	free(table->slot);
}

// Downwards: those made one after the other are taken so again, and lie so.
void buffer_table_clear(struct buffer_table *table)
{
	for (uint32_t id = table->n_slots; id--;) {
		if (!table->slot[id])
			continue;
		buffer_recycle(table, table->slot[id]);
		table->slot[id] = NULL;
	}
}

struct buffer *buffer_find(const struct buffer_table *table, uint32_t id)
{
	return id < table->n_slots ? table->slot[id] : NULL;
}

struct buffer *buffer_new(struct buffer_table *table)
{
	struct buffer *buffer = table->spare;

	if (buffer) {
		table->spare = buffer->next;
		buffer->next = NULL;
		return buffer;
	}
	buffer = calloc(1, sizeof(*buffer));
	if (!buffer)
		return NULL;
	buffer->entry = &buffer->first;
	buffer->capacity = 1;
	return buffer;
}

void buffer_forget(struct buffer *buffer)
{
	coherence_end(buffer);
	buffer->mmaps = 0;
	buffer->vmaps = 0;
}

void buffer_recycle(struct buffer_table *table, struct buffer *buffer)
{
	attachment_detach_all(table, buffer);
	buffer_drop_entries(buffer);
	buffer_forget(buffer);
	if (buffer->capacity > SPARE_ENTRIES) {
		free(buffer->entry);
		buffer->entry = &buffer->first;
		buffer->capacity = 1;
	}
	buffer->next = table->spare;
	table->spare = buffer;
}

int buffer_reserve_entry(struct buffer *buffer)
{
	const uint64_t more = buffer->capacity < 8
				      ? UINT64_C(16)
				      : UINT64_C(2) * buffer->capacity;

	if (buffer->n_entries < buffer->capacity)
		return 0;
	return buffer_reserve_entries(buffer, more);
}

int buffer_reserve_entries(struct buffer *buffer, uint64_t n)
{
	const uint32_t capacity = (uint32_t)n;
	struct sg_entry *entry = NULL;

	if (n <= buffer->capacity)
		return 0;
	if (n <= UINT32_MAX)
		entry = malloc(capacity * sizeof(*entry));
	if (!entry)
		return OUT_OF_CORE;
	memcpy(entry, buffer->entry, buffer->n_entries * sizeof(*entry));
	if (buffer->entry != &buffer->first)
		free(buffer->entry);
	buffer->entry = entry;
	buffer->capacity = capacity;
	return 0;
}

void buffer_add_entry(struct buffer *buffer, uint64_t address, uint64_t size)
{
	buffer->entry[buffer->n_entries].address = address;
	buffer->entry[buffer->n_entries++].size = size;
	buffer->bytes += size;
}

void buffer_drop_entries(struct buffer *buffer)
{
	buffer->n_entries = 0;
	buffer->pool_entries = 0;
	buffer->bytes = 0;
}
