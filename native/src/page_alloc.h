// SPDX-License-Identifier: MIT
//
// The buddy allocator under the system heap: mm/page_alloc.c for one zone of
// one migratetype, without per-cpu lists. Kernel: struct zone.
#ifndef HK_PAGE_ALLOC_H
#define HK_PAGE_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

#include "heapkit.h"
#include "state.h"

struct page_alloc;

struct pfn_range {
	uint64_t start; // first page
	uint64_t end; // one past the last
};

// All pages of [base_pfn, base_pfn + pages) free, but for @n_holes ranges that
// are ascending, disjoint and inside. Blocks are inserted at the tail by
// ascending address, as at boot. An order above 0 fails rather than leave fewer
// than @min_free pages. -EINVAL (no page, or about 2^32 of them), -ENOMEM.
int page_alloc_create(uint64_t base_pfn, uint64_t pages,
		      const struct pfn_range *holes, uint32_t n_holes,
		      uint64_t min_free, struct page_alloc **ret);
// Also takes NULL.
void page_alloc_destroy(struct page_alloc *alloc);

// One block of 2^@order pages; its first page in *@pfn. -ENOMEM.
int page_alloc_take(struct page_alloc *alloc, uint32_t order, uint64_t *pfn);
// Whether page_alloc_take() would succeed.
bool page_alloc_can_take(const struct page_alloc *alloc, uint32_t order);
void page_alloc_give(struct page_alloc *alloc, uint64_t pfn, uint32_t order);

uint64_t page_alloc_free(const struct page_alloc *alloc); // pages
uint64_t page_alloc_largest(const struct page_alloc *alloc); // pages, a block
void page_alloc_counts(const struct page_alloc *alloc,
		       uint64_t counts[HK_NR_PAGE_ORDERS]);
// Every free block, by ascending address.
void page_alloc_walk_free(const struct page_alloc *alloc,
			  void (*visit)(void *context, uint64_t pfn,
					uint64_t pages),
			  void *context);
int page_alloc_check(const struct page_alloc *alloc, const char **rule);

void page_alloc_save(const struct page_alloc *alloc, struct state_writer *out);
// In place of all free blocks. -EINVAL.
int page_alloc_load(struct page_alloc *alloc, struct state_reader *in);

#endif
