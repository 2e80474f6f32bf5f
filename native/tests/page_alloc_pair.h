// SPDX-License-Identifier: MIT
//
// The buddy allocator and lists searched from end to end, side by side. A size
// is rounded down to an order.
#ifndef HK_PAGE_ALLOC_PAIR_H
#define HK_PAGE_ALLOC_PAIR_H

#include "adversary.h"
#include "naive_buddy.h"
#include "page_alloc.h"

struct page_alloc_pair {
	struct page_alloc *alloc;
	struct naive_buddy naive;
	uint64_t pfn[ADVERSARY_SLOTS];
	uint32_t order[ADVERSARY_SLOTS];
};

void page_alloc_pair_start(struct page_alloc_pair *pair, uint64_t base,
			   uint64_t pages, uint64_t min_free);
void page_alloc_pair_end(struct page_alloc_pair *pair);
struct subject page_alloc_pair_subject(struct page_alloc_pair *pair,
				       uint32_t max_size);

#endif
