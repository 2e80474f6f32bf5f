// SPDX-License-Identifier: MIT
//
// A run of a lent CMA area for one owner: whoever borrows its pages is moved
// out. Kernel: alloc_contig_range() and free_contig_range() of mm/page_alloc.c.
#ifndef HK_CONTIG_RANGE_H
#define HK_CONTIG_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct bill;
struct heap;

struct contig_claim {
	struct heap *heap; // whose area it is
	struct bill *bill; // of what was moved and what was busy
	bool fail_fast; // __GFP_NORETRY: what is dirty is not waited for
};

// A cma_claim() with a struct contig_claim. -EBUSY: a page in it is pinned, or
// dirty; the pages moved or dropped until then stay so. -ENOMEM: there was no
// page to move to.
int contig_range_claim(void *claim, uint64_t pfn, uint64_t count);
void contig_range_give(struct heap *heap, uint64_t pfn, uint64_t count);

#endif
