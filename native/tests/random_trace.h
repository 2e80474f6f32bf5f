// SPDX-License-Identifier: MIT
//
// A board with a heap of every kind, and a random trace on it.
#ifndef HK_RANDOM_TRACE_H
#define HK_RANDOM_TRACE_H

#include "bench.h"

enum { SYSTEM, POOLED, CMA, CARVEOUT, CHUNK, SECURE, APPS, PINNED };
enum { EVENTS = 4000, IDS = 60, NR_CHAINS = 10 };

extern const uint32_t trace_chain_start[];
extern const uint16_t trace_chain_heap[];

struct random_trace {
	struct hk_trace trace;
	uint8_t op[EVENTS];
	uint32_t buffer[EVENTS];
	uint64_t size[EVENTS];
	uint16_t chain[EVENTS];
	int64_t time_ns[EVENTS];
	uint16_t device[EVENTS];
	uint8_t access[EVENTS];
	uint64_t offset[EVENTS];
	struct hk_row row[EVENTS];
	struct hk_gauges gauges[EVENTS];
	struct hk_pool_fill fill[EVENTS];
};

// Not started yet, so that its parts may be changed.
void bench_plan_of_all_kinds(struct bench *bench);
void bench_of_all_kinds(struct bench *bench);
// The same places, of other policies: a memfd, ION's pools, an encrypted heap,
// chunks from CMA, memory that leaks, clean and dirty loads.
void bench_plan_of_all_policies(struct bench *bench);

// To be freed.
struct random_trace *random_trace(uint64_t seed);
int trace_replay(struct bench *bench, struct random_trace *t, uint64_t first,
		 uint64_t count, uint64_t check_every, uint64_t *done);

#endif
