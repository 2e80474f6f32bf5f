// SPDX-License-Identifier: MIT
//
// Buffers, the table of them by id, and the devices attached to them.
#ifndef HK_BUFFER_H
#define HK_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "heapkit.h"
#include "state.h"

struct attachment;
struct bill;
struct heap;
struct lines;
struct part;

struct sg_entry {
	uint64_t address;
	uint64_t size;
};

// One dma-buf. A failed allocation is a buffer without entries. Spare buffers
// are kept for reuse, so that a free needs no memory.
struct buffer {
	struct buffer *next; // on a deferred list, or among the spares
	struct heap *heap; // that served it, or the last tried
	uint64_t size; // asked for, in whole pages
	uint64_t bytes; // of its entries; more than size in a chunk heap
	int64_t freed_at;
	struct attachment *attachments;
	struct sg_entry *entry;
	uint32_t n_entries;
	uint32_t capacity;
	uint32_t pool_entries;
	uint32_t references; // the last FREE releases
	uint32_t mmaps;
	uint32_t vmaps;
	// Before anybody wrote or looked at a part of it the whole buffer is
	// dirty or none of it is: then lines is NULL.
	struct lines *lines;
	bool zeroes_dirty;
	bool cpu_touched; // since it was cleaned, as far as a kernel can know
	bool device_touched; // mapped for one since it was invalidated
	uint8_t begun_access; // of the last BEGIN_CPU, until its END_CPU
	uint32_t begun; // BEGIN_CPU without END_CPU
	struct sg_entry first; // where entry points until a second is needed
};

struct buffer_table {
	struct buffer **slot; // by buffer id; NULL where none is held
	uint32_t n_slots;
	struct buffer *spare;
	struct attachment *spare_attachment;
};

// --- The table and its buffers, buffer.c ---

// Room for ids below @n_slots. OUT_OF_CORE.
int buffer_table_reserve(struct buffer_table *table, uint32_t n_slots);
void buffer_table_destroy(struct buffer_table *table);
// Every buffer becomes a spare; their memory is nobody's then.
void buffer_table_clear(struct buffer_table *table);
struct buffer *buffer_find(const struct buffer_table *table, uint32_t id);
// For a walk by id, which is at @id: in a machine that has run for long no two
// buffers lie together, and each would be waited for.
static inline void buffer_table_prefetch(const struct buffer_table *table,
					 uint32_t id)
{
	const uint64_t ahead = (uint64_t)id + 24;

	if (ahead < table->n_slots)
		__builtin_prefetch(table->slot[ahead]);
}

// NULL when the core starves.
struct buffer *buffer_new(struct buffer_table *table);
// All but its memory: it has been freed.
void buffer_forget(struct buffer *buffer);
void buffer_recycle(struct buffer_table *table, struct buffer *buffer);

// Make room for one more entry, for @n in all. OUT_OF_CORE.
int buffer_reserve_entry(struct buffer *buffer);
int buffer_reserve_entries(struct buffer *buffer, uint64_t n);
void buffer_add_entry(struct buffer *buffer, uint64_t address, uint64_t size);
void buffer_drop_entries(struct buffer *buffer);

// --- As bytes, buffer_state.c ---

void buffer_save(const struct buffer *buffer, struct state_writer *out);
// A new buffer, in no table yet, and its heap's memory in its hands. -EINVAL,
// OUT_OF_CORE.
int buffer_load(struct hk_machine *machine, struct state_reader *in,
		struct buffer **ret);
void buffer_table_save(const struct buffer_table *table,
		       struct state_writer *out);
int buffer_table_load(struct hk_machine *machine, struct state_reader *in);

// --- Devices, attachment.c ---

// OUT_OF_CORE.
int attachment_attach(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, struct bill *bill);
// These three: 0, or -EINVAL where the device has no such attachment.
int attachment_detach(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, struct bill *bill);
int attachment_map(struct hk_machine *machine, struct buffer *buffer,
		   const struct hk_event *event, struct bill *bill);
int attachment_unmap(struct hk_machine *machine, struct buffer *buffer,
		     const struct hk_event *event, struct bill *bill);
bool attachment_is_mapped(const struct buffer *buffer, uint32_t device);
void attachment_detach_all(struct buffer_table *table, struct buffer *buffer);
void attachment_free_list(struct attachment *attachment);
// Mapped attachments whose device does not snoop; with HK_SYNC_EVERY_ATTACHMENT
// those that are not mapped too.
uint64_t attachment_count_syncable(const struct hk_machine *machine,
				   const struct buffer *buffer);

void attachment_save(const struct buffer *buffer, struct state_writer *out);
// -EINVAL, OUT_OF_CORE.
int attachment_load(const struct hk_machine *machine, struct buffer *buffer,
		    struct state_reader *in);

// --- The CPU's side, access.c ---

// MMAP, MUNMAP, VMAP, VUNMAP: 0, or -EINVAL where the heap cannot be mapped or
// nothing is.
int cpu_mapping(struct buffer *buffer, enum hk_op op, struct bill *bill);
// CPU_READ to DEVICE_WRITE: 0, or -EFAULT outside of the buffer, and for the
// CPU of a heap that it cannot map; OUT_OF_CORE.
int memory_access(struct hk_machine *machine, struct buffer *buffer,
		  const struct hk_event *event, struct bill *bill);

// --- Caches, cache_sync.c ---

void cache_clean(const struct hk_machine *machine, struct buffer *buffer,
		 const struct part *part, uint64_t passes, struct bill *bill);
void cache_invalidate(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, const struct part *part,
		      uint64_t passes, struct bill *bill);
void cache_flush_new(const struct hk_machine *machine,
		     const struct buffer *buffer, struct bill *bill);
// Begin or end CPU access to part of @buffer. 0, -EINVAL outside of it, or
// OUT_OF_CORE.
int cache_sync(struct hk_machine *machine, struct buffer *buffer,
	       const struct hk_event *event, struct bill *bill);

#endif
