// SPDX-License-Identifier: MIT
//
// The buddy allocator and lists searched from end to end, side by side, as a
// subject: a size is rounded down to an order, and the types take turns.
#ifndef HK_PAGE_ALLOC_PAIR_H
#define HK_PAGE_ALLOC_PAIR_H

#include "adversary.h"
#include "buddy_pair.h"

struct page_alloc_pair {
	struct buddy_pair both;
	uint32_t types; // how many of them: 3, or fewer if a test says so
	uint64_t pfn[ADVERSARY_SLOTS];
	uint32_t order[ADVERSARY_SLOTS];
};

void page_alloc_pair_start(struct page_alloc_pair *pair, uint64_t base,
			   uint64_t pages, uint64_t min_free);
void page_alloc_pair_end(struct page_alloc_pair *pair);
struct subject page_alloc_pair_subject(struct page_alloc_pair *pair,
				       uint32_t max_size);

#endif
