// SPDX-License-Identifier: MIT
//
// A run of a lent CMA area for one owner: whoever borrows its pages is moved
// out. Kernel: alloc_contig_range() and free_contig_range() of mm/page_alloc.c.
#ifndef HK_CONTIG_RANGE_H
#define HK_CONTIG_RANGE_H

#include <stdint.h>

struct bill;
struct heap;

struct contig_claim {
	struct heap *heap; // whose area it is
	struct bill *bill; // of what was moved and what was busy
};

// A cma_claim() with a struct contig_claim. -EBUSY: a pinned page is in it; the
// pages moved until then stay moved. -ENOMEM: there was no page to move to.
int contig_range_claim(void *claim, uint64_t pfn, uint64_t count);
void contig_range_give(struct heap *heap, uint64_t pfn, uint64_t count);

#endif
