// SPDX-License-Identifier: MIT
//
// The traces that the benchmark replays: allocations and frees, 16 bytes an
// event, the same bytes on every machine.
//
//   camera       bursts of 3 to 12 equal buffers of 1 to 50 MiB; 2 GiB
//   mixed        4 KiB to 16 MiB, most of them small, about 2000 held; 2 GiB
//   small-churn  4 to 64 KiB, 100 000 held; 8 GiB
//   near-full    4 KiB to 1 MiB in a heap that is kept 95 % full; 2 GiB
#ifndef HK_BENCH_TRACE_H
#define HK_BENCH_TRACE_H

#include <stdint.h>

enum { EVENT_ALLOC = 0, EVENT_FREE = 1 };

struct bench_event {
	uint32_t op;
	uint32_t buffer; // may come again after its free
	uint32_t pages;
	uint32_t unused;
};

struct bench_trace {
	struct bench_event *event;
	uint64_t n;
	uint64_t heap_pages;
	uint32_t n_buffers; // every buffer is below
	double mean_live; // buffers held, averaged over the events
	double mean_occupancy; // of the heap, if no allocation failed
};

// @events of the trace @name for a heap @scale times as large, with @scale
// times as many buffers of the same sizes. 0 events: as many as it has by
// default. -EINVAL (no such trace), -ENOMEM.
int trace_make(const char *name, uint64_t events, uint32_t scale,
	       struct bench_trace *ret);
void trace_free(struct bench_trace *trace);

#endif
