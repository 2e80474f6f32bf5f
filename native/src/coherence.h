// SPDX-License-Identifier: MIT
//
// What a cache and the memory know of a buffer, in cache lines from its start.
//
//   dirty   the CPU wrote, and the memory does not have it yet
//   stale   a device wrote, and the cache may hold what was there before
//
// A cacheable line may be fetched at any time (Arm ARM, B2.7: speculation), so
// that what a device wrote is stale for the CPU until it is invalidated,
// whether the CPU ever looked there or not. A line that the cache has evicted
// is still called dirty here; that costs nothing but a false finding where
// somebody relies on eviction, and dirty_line, which cache_bytes bounds.
//
// A line can be both: the CPU wrote a part of a stale one, and what a device
// wrote beside it is lost when the line is written back.
#ifndef HK_COHERENCE_H
#define HK_COHERENCE_H

#include "span_set.h"

struct bill;
struct buffer;
struct hk_event;
struct hk_machine;
struct state_reader;
struct state_writer;

struct lines {
	struct span_set dirty;
	struct span_set stale;
};

// A part of a buffer.
struct part {
	uint64_t offset; // bytes
	uint64_t length;
	uint64_t entries; // sg entries that a pass over it meets
	struct span line; // those that it meets
	struct span whole; // those that it covers
};

// Bytes @offset … of @buffer, to its end with @length 0; inside of it.
struct part buffer_part(const struct hk_machine *machine,
			const struct buffer *buffer, uint64_t offset,
			uint64_t length);
// What a pass goes over that is asked for these: for all of a buffer, its
// entries to their ends.
struct part buffer_pass(const struct hk_machine *machine,
			const struct buffer *buffer, uint64_t offset,
			uint64_t length);
struct part buffer_whole(const struct hk_machine *machine,
			 const struct buffer *buffer);

// A new buffer was zeroed through the cache.
void coherence_begin(struct buffer *buffer);
// It is freed.
void coherence_end(struct buffer *buffer);
// Room for what one of these may do. Not needed to clean or invalidate a whole
// buffer, nor to read. OUT_OF_CORE.
int coherence_reserve(const struct hk_machine *machine, struct buffer *buffer);

// Write back: returns how many lines were dirty.
uint64_t coherence_clean(struct buffer *buffer, const struct part *part);
// Invalidate. What was dirty is lost and found; arm64 cleans lines that the
// part covers only partly (dcache_inval_poc() of arch/arm64/mm/cache.S).
void coherence_invalidate(struct hk_machine *machine, struct buffer *buffer,
			  const struct hk_event *event,
			  const struct part *part);
// CPU_READ to DEVICE_WRITE of memory that is cached.
void coherence_access(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, const struct part *part,
		      bool snoops);

void coherence_save(const struct buffer *buffer, struct state_writer *out);
// -EINVAL, OUT_OF_CORE.
int coherence_load(const struct hk_machine *machine, struct buffer *buffer,
		   struct state_reader *in);

#endif
