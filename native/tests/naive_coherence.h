// SPDX-License-Identifier: MIT
//
// What coherence is measured against: one byte for every cache line, a plain
// list of attachments, and the rules written out once more as a person would
// say them.
#ifndef HK_NAIVE_COHERENCE_H
#define HK_NAIVE_COHERENCE_H

#include "bench.h"

enum {
	NAIVE_BUFFERS_HELD = 6,
	NAIVE_LINES = 8192,
	NAIVE_DEVICES = 4,
	NAIVE_ATTACHMENTS = 64,
};

struct naive_attachment {
	uint32_t device;
	bool mapped;
	bool skip;
};

struct naive_buffer_lines {
	uint64_t size;
	uint64_t bytes;
	uint64_t entry[64]; // sizes
	uint32_t n_entries;
	bool cached;
	bool secure;
	uint8_t dirty[NAIVE_LINES];
	uint8_t stale[NAIVE_LINES];
	struct naive_attachment at[NAIVE_ATTACHMENTS]; // the newest last
	uint32_t n_at;
	uint32_t references;
	uint32_t mmaps, vmaps;
	uint32_t begun;
	uint32_t begun_access;
	bool cpu_touched, device_touched;
};

struct naive_coherence {
	const struct bench *bench;
	uint32_t line; // bytes
	struct naive_buffer_lines buffer[NAIVE_BUFFERS_HELD];
	// Of the last event.
	uint64_t n[HK_NR_COSTS];
	struct hk_finding found[8];
	uint32_t n_found;
};

// A model of the board of @bench. To be freed.
struct naive_coherence *naive_coherence_create(const struct bench *bench);
// What the core gave @id, which is new.
void naive_coherence_hold(struct naive_coherence *model, uint32_t id);
// The status of any event but ALLOC and PRESSURE.
int32_t naive_coherence_step(struct naive_coherence *model,
			     const struct hk_event *event);

#endif
