// SPDX-License-Identifier: MIT
//
// What system_heap_state.c adds to the operations of system_heap.c.
#ifndef HK_SYSTEM_HEAP_H
#define HK_SYSTEM_HEAP_H

struct buffer;
struct heap;
struct state_reader;
struct state_writer;

void system_heap_save(const struct heap *heap, struct state_writer *out);
int system_heap_load(struct heap *heap, struct state_reader *in);
int system_heap_hold(struct heap *heap, struct buffer *buffer,
		     struct state_reader *in);

#endif
