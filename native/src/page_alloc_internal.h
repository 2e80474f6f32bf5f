// SPDX-License-Identifier: MIT
//
// What page_alloc.c and page_alloc_check.c share: how free blocks are kept.
#ifndef HK_PAGE_ALLOC_INTERNAL_H
#define HK_PAGE_ALLOC_INTERNAL_H

#include "page_alloc.h"

// Blocks of an order are numbered from the page that starts the zone's first
// block pair of the largest order, so that buddies differ in bit 0 as their pfn
// do and a parent's number is half its child's. A *link* is such a number + 2;
// these two are kept for:
enum { UNLINKED = 0, END_OF_LIST = 1, FIRST_LINK = 2 };

// A block's place in its order's list. It is free at this order exactly if
// prev is not UNLINKED, so no other page state is needed.
struct block {
	uint32_t next;
	uint32_t prev;
};

struct free_area {
	struct block *blocks;
	uint32_t head;
	uint32_t tail;
	uint64_t count;
};

struct page_alloc {
	uint64_t base; // first page of block 0
	uint64_t span; // pages that the block numbers cover
	uint64_t start; // the pages that exist: [start, end)
	uint64_t end;
	uint64_t free;
	uint64_t min_free;
	uint32_t nonempty; // bit o: area[o] has a block
	struct free_area area[HK_NR_PAGE_ORDERS];
	struct block *memory;
};

static inline bool page_alloc_is_free(const struct page_alloc *alloc,
				      uint32_t order, uint64_t number)
{
	return alloc->area[order].blocks[number].prev != UNLINKED;
}

#endif
