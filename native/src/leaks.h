// SPDX-License-Identifier: MIT
#ifndef HK_LEAKS_H
#define HK_LEAKS_H

#include <stdint.h>

#include "buffer.h"

struct bill;
struct heap;
struct survey;

struct leaks {
	struct sg_entry *entry;
	uint64_t n;
	uint64_t capacity;
	uint64_t bytes;
	uint64_t draws; // hand-backs so far
};

// All three do nothing for a heap that is not protected. A buffer that was
// allocated goes over to the other world.
void leaks_hand_over(struct heap *heap, const struct buffer *buffer,
		     struct bill *bill);
// It comes back: afterwards @buffer has the entries that did. OUT_OF_CORE with
// nothing changed.
int leaks_hand_back(struct heap *heap, struct buffer *buffer,
		    struct bill *bill);
void leaks_destroy(struct leaks *leaks);

void leaks_survey(const struct leaks *leaks, struct survey *survey);
void leaks_save(const struct leaks *leaks, struct state_writer *out);
// The heap claims what was read. -EINVAL, OUT_OF_CORE.
int leaks_load(struct heap *heap, struct state_reader *in);

#endif
