// SPDX-License-Identifier: MIT
//
// A small board for the tests of the machine, and one call for every op. Each
// call carries its event out at bench.now and keeps what it did in bench.row
// and bench.gauges.
#ifndef HK_BENCH_H
#define HK_BENCH_H

#include "../src/internal.h"
#include "harness.h"

#define KIB(n) (UINT64_C(1024) * (n))
#define MIB(n) (UINT64_C(1048576) * (n))
#define NOWHERE UINT64_MAX

struct bench {
	struct hk_machine_spec spec;
	struct hk_heap_spec heap[12];
	struct hk_device_spec device[4];
	struct hk_machine *machine;
	int64_t now;
	struct hk_row row;
	struct hk_gauges gauges;
};

// --- A board ---

// Costs are set; no memory, no heap, no device yet.
void bench_init(struct bench *bench);
void bench_memory(struct bench *bench, uint64_t total);
// Orders 8, 4 and 0. Returns the heap, for more of its fields.
struct hk_heap_spec *bench_system(struct bench *bench, uint32_t flags);
// A carveout, CMA, chunk (64 KiB) or secure heap.
struct hk_heap_spec *bench_region(struct bench *bench, enum hk_heap_kind kind,
				  uint64_t base, uint64_t size);
// Order 0 pages of the rest of the system.
struct hk_heap_spec *bench_load(struct bench *bench, enum hk_migratetype type,
				uint32_t flags);
void bench_device(struct bench *bench, bool coherent);
void bench_start(struct bench *bench);
// Check all invariants, destroy the machine.
void bench_end(struct bench *bench);
void bench_check(const struct bench *bench);

// --- Events ---

// Address of the first entry, or NOWHERE.
uint64_t allocate(struct bench *bench, uint32_t buffer, uint64_t size,
		  uint16_t heap);
int32_t allocate_chain(struct bench *bench, uint32_t buffer, uint64_t size,
		       const uint16_t *heap, uint32_t n_heaps);
void give(struct bench *bench, uint32_t buffer);
// Returns the row's status.
int32_t on_device(struct bench *bench, enum hk_op op, uint32_t buffer,
		  uint32_t device);
int32_t sync_cpu(struct bench *bench, enum hk_op op, uint32_t buffer,
		 uint32_t access, uint64_t offset, uint64_t length);
void pressure(struct bench *bench, uint64_t bytes);
void advance(struct bench *bench, int64_t by_ns);

// --- Results ---

struct hk_gauges gauges_of(const struct bench *bench, uint32_t heap);
// How many of a buffer's entries have this many bytes.
uint32_t entries_of_size(const struct bench *bench, uint32_t buffer,
			 uint64_t size);
struct hk_region entry_of(const struct bench *bench, uint32_t buffer,
			  uint32_t index);
uint32_t pool_items(const struct bench *bench, uint32_t heap, uint32_t slot);

#endif
