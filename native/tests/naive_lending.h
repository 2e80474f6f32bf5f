// SPDX-License-Identifier: MIT
//
// What lending is measured against: the naive buddy allocator and bitmap, a
// list of pages for every buffer, searched from end to end, and the plain loops
// of mm/cma.c and alloc_contig_range().
#ifndef HK_NAIVE_LENDING_H
#define HK_NAIVE_LENDING_H

#include "bench.h"
#include "naive_bitmap.h"
#include "naive_buddy.h"

enum { NAIVE_HEAPS = 12, NAIVE_BUFFERS = 48, NAIVE_ENTRIES = 8192 };

struct naive_buffer {
	bool live; // false: free, or its allocation failed
	uint32_t heap;
	uint32_t n;
	uint64_t pages; // of each entry
	uint64_t pfn[NAIVE_ENTRIES];
	uint32_t order[NAIVE_ENTRIES];
};

struct naive_lending {
	const struct bench *bench;
	struct naive_buddy zone;
	struct naive_bitmap map[NAIVE_HEAPS][HK_MAX_CMA_RANGES];
	uint64_t available[NAIVE_HEAPS]; // pages
	struct naive_buffer buffer[NAIVE_BUFFERS];
	bool discards; // some area is lent to clean loads only
	bool fail_fast; // nothing is waited for
	// Of the last allocation:
	struct hk_moves moves;
	uint64_t mappings; // undone
	uint64_t calls; // of cma_alloc() that may wait
};

// A model of the board of @bench, which is started. To be freed.
struct naive_lending *naive_lending_create(const struct bench *bench);
void naive_lending_destroy(struct naive_lending *model);
// 0 or -ENOMEM.
int naive_lending_alloc(struct naive_lending *model, uint32_t buffer,
			uint64_t pages, uint32_t heap);
void naive_lending_free(struct naive_lending *model, uint32_t buffer);

// --- naive_cma.c, for naive_lending.c ---

const struct hk_heap_spec *naive_spec_of(const struct naive_lending *model,
					 uint32_t heap);
uint32_t naive_opb_of(const struct hk_heap_spec *spec);
int naive_cma_take(struct naive_lending *model, struct naive_buffer *buffer,
		   uint64_t pages);
void naive_cma_give(struct naive_lending *model, struct naive_buffer *buffer);

#endif
