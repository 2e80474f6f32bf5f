// SPDX-License-Identifier: MIT
//
// Threads that run when nothing else wants the CPU: deferred free, pool refill.
#ifndef HK_IDLE_H
#define HK_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "heapkit.h"
#include "state.h"

struct bill;
struct buffer;
struct buffer_table;
struct heap;

static const int64_t NEVER = INT64_MAX;

// Why memory is returned. Kernel: enum df_reason.
enum free_reason {
	FREE_NORMAL, // zero it if the heap does so at free, keep it in the pool
	FREE_UNDER_PRESSURE, // straight to the allocator below
};

struct worker {
	struct worker *next; // on hk_machine.workers
	int64_t due; // when it next does something; NEVER
	int64_t free_at; // when its last piece of work ended
	// Does what is due and sets @due anew. OUT_OF_CORE: did nothing.
	int (*run)(struct hk_machine *machine, struct worker *worker);
};

// Kernel: deferred-free-helper.c of the Android common kernel.
struct deferred_free {
	struct worker worker;
	struct buffer *list; // newest first
	struct buffer *hand;
};

// Kernel: the <heap>-pool-refill-thread of Qualcomm's system heap.
struct refill {
	struct worker worker;
	struct heap *heap;
	uint32_t slot; // pool at work
	bool awake;
};

// --- Any worker, worker.c ---

void worker_add(struct hk_machine *machine, struct worker *worker);
void worker_set_due(struct hk_machine *machine, struct worker *worker,
		    int64_t due);
// Let all workers run until @now_ns. OUT_OF_CORE.
int worker_run_all(struct hk_machine *machine, int64_t now_ns);
// @start_ns and a rounded @cost, at most NEVER.
int64_t time_after(int64_t start_ns, double cost);

void worker_save(const struct worker *worker, struct state_writer *out);
void worker_load(struct hk_machine *machine, struct worker *worker,
		 struct state_reader *in);

// --- deferred_free.c ---

void deferred_free_init(struct hk_machine *machine,
			struct deferred_free *deferred);
// The memory stays with the buffer, whose slot in the table is no longer its.
void deferred_free_destroy(struct buffer_table *table,
			   struct deferred_free *deferred);
void deferred_free_push(struct hk_machine *machine,
			struct deferred_free *deferred, struct buffer *buffer);
// Give back at least @pages, whole buffers, as long as there are any. Returns
// the pages given back.
uint64_t deferred_free_drain(struct hk_machine *machine,
			     struct deferred_free *deferred, uint64_t pages,
			     enum free_reason reason, struct bill *bill);

void deferred_free_save(const struct deferred_free *deferred,
			struct state_writer *out);
// -EINVAL, OUT_OF_CORE.
int deferred_free_load(struct hk_machine *machine,
		       struct deferred_free *deferred, struct state_reader *in);

// --- refill.c ---

void refill_init(struct heap *heap);
void refill_wake(struct heap *heap);
void refill_save(const struct refill *refill, struct state_writer *out);
int refill_load(struct refill *refill, struct state_reader *in); // -EINVAL

#endif
