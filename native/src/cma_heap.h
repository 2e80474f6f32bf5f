// SPDX-License-Identifier: MIT
//
// What cma_heap.c and cma_chunks.c have of each other.
#ifndef HK_CMA_HEAP_H
#define HK_CMA_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct bill;
struct buffer;
struct heap;

// One call of cma_alloc().
struct cma_run {
	uint64_t pages;
	uint32_t align; // log2 of pages
	bool fail_fast; // __GFP_NORETRY
};

// As cma_area_alloc(), counted.
int cma_heap_place(struct heap *heap, const struct cma_run *run,
		   struct bill *bill, uint64_t *pfn);
// Bytes of all ranges.
uint64_t cma_heap_size(const struct heap *heap);
// Runs as they lie, unzeroed and at no price.
void cma_heap_give_entries(struct heap *heap, struct buffer *buffer);

// As heap_ops.allocate of an area that is handed out in chunks.
int cma_chunks_allocate(struct heap *heap, struct buffer *buffer,
			struct bill *bill);
// Whether a @buffer that was read could be one of these.
bool cma_chunks_are(const struct heap *heap, const struct buffer *buffer);

#endif
