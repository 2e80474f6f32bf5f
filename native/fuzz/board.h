// SPDX-License-Identifier: MIT
//
// The input as a board and as a trace. Neither is made to make sense: that is
// what the front door is asked.
#ifndef HK_FUZZ_BOARD_H
#define HK_FUZZ_BOARD_H

#include "bytes.h"
#include "internal.h"

enum { BOARD_HEAPS = 6, BOARD_DEVICES = 2, TRACE_EVENTS = 300 };

struct board {
	struct hk_machine_spec spec;
	struct hk_heap_spec heap[BOARD_HEAPS];
	struct hk_device_spec device[BOARD_DEVICES];
};

// Sizes are multiples of a step; no memory is larger.
enum { STEP = 64 << 10, MAX_MEMORY = 64 << 20 };

void board_read(struct board *board, struct bytes *bytes);
// One heap of it, board_heap.c.
void board_read_heap(struct hk_heap_spec *heap, struct bytes *bytes);
// What the front door says of it. A board that passes but is too large to fuzz
// quickly has no machine either.
struct hk_machine *board_start(const struct board *board);

// The @machine's state in @bytes; how long it is. STATE_BYTES are enough for
// any of ours.
enum { STATE_BYTES = 1 << 20 };
uint64_t board_save(const struct hk_machine *machine, uint8_t *bytes);

struct trace {
	struct hk_trace columns;
	uint32_t chain_start[8];
	uint16_t chain_heap[16];
	uint8_t op[TRACE_EVENTS];
	uint32_t buffer[TRACE_EVENTS];
	uint64_t size[TRACE_EVENTS];
	uint16_t chain[TRACE_EVENTS];
	int64_t time_ns[TRACE_EVENTS];
	uint16_t device[TRACE_EVENTS];
	uint8_t access[TRACE_EVENTS];
	uint64_t offset[TRACE_EVENTS];
};

// To the end of @bytes, or as many events as there is room for.
void trace_read(struct trace *trace, struct bytes *bytes);

#endif
