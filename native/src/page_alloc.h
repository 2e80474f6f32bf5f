// SPDX-License-Identifier: MIT
//
// The buddy allocator under the system heap: mm/page_alloc.c for one zone with
// pageblocks and migratetypes, without per-cpu lists. Kernel: struct zone.
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
// are ascending, disjoint and inside. As at boot: every pageblock is movable,
// blocks are inserted at the tail by ascending address. An order above 0 fails
// rather than leave fewer than @min_free pages. -EINVAL (no page, or about 2^32
// of them), -ENOMEM.
int page_alloc_create(uint64_t base_pfn, uint64_t pages,
		      const struct pfn_range *holes, uint32_t n_holes,
		      uint64_t min_free, struct page_alloc **ret);
// Also takes NULL.
void page_alloc_destroy(struct page_alloc *alloc);

// --- Requests. @type: unmovable, movable or reclaimable. ---

// One block of 2^@order pages; its first page in *@pfn. -ENOMEM.
int page_alloc_take(struct page_alloc *alloc, uint32_t order,
		    enum hk_migratetype type, uint64_t *pfn);
// The same, but never of what a CMA area lends: of pages that will be pinned
// for long, or when somebody else has the first claim to it.
int page_alloc_take_without_cma(struct page_alloc *alloc, uint32_t order,
				enum hk_migratetype type, uint64_t *pfn);
// Whether page_alloc_take() would succeed.
bool page_alloc_can_take(const struct page_alloc *alloc, uint32_t order,
			 enum hk_migratetype type);
// A block as it was taken.
void page_alloc_give(struct page_alloc *alloc, uint64_t pfn, uint32_t order);

// --- A CMA area's pages, as long as nobody has them from the area ---

// Whole pageblocks of a hole become free CMA pages: cma_activate_area().
void page_alloc_add_cma(struct page_alloc *alloc, uint64_t pfn, uint64_t pages);
// The steps of alloc_contig_range(). No page of the pageblocks that the range
// touches can be taken until page_alloc_undo_isolate().
void page_alloc_isolate(struct page_alloc *alloc, uint64_t pfn, uint64_t pages);
// Take the pages of a range that is isolated. -EBUSY: not all are free.
int page_alloc_take_range(struct page_alloc *alloc, uint64_t pfn,
			  uint64_t pages);
// free_contig_range().
void page_alloc_give_range(struct page_alloc *alloc, uint64_t pfn,
			   uint64_t pages);
void page_alloc_undo_isolate(struct page_alloc *alloc, uint64_t pfn,
			     uint64_t pages);

// --- Looking inside. Isolated pages are not counted as free, but their blocks
// are, as in /proc. ---

uint64_t page_alloc_free(const struct page_alloc *alloc); // pages, CMA too
uint64_t page_alloc_free_cma(const struct page_alloc *alloc); // pages
uint64_t page_alloc_splits(const struct page_alloc *alloc); // ever
uint64_t page_alloc_largest(const struct page_alloc *alloc); // pages, a block
enum hk_migratetype page_alloc_type(const struct page_alloc *alloc,
				    uint64_t pfn);
void page_alloc_counts(const struct page_alloc *alloc,
		       uint64_t counts[HK_NR_PAGE_ORDERS]);
// Free blocks, and pageblocks that lie in the zone with any page, by type.
void page_alloc_counts_by_type(
	const struct page_alloc *alloc,
	uint64_t counts[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS],
	uint64_t pageblocks[HK_NR_MIGRATETYPES]);
// Every free block, by ascending address.
void page_alloc_walk_free(const struct page_alloc *alloc,
			  void (*visit)(void *context, uint64_t pfn,
					uint64_t pages),
			  void *context);
int page_alloc_check(const struct page_alloc *alloc, const char **rule);

void page_alloc_save(const struct page_alloc *alloc, struct state_writer *out);
// In place of all free blocks. Who holds movable blocks says so of each, before
// or after: page_alloc_hold(). -EINVAL.
int page_alloc_load(struct page_alloc *alloc, struct state_reader *in);
void page_alloc_hold(struct page_alloc *alloc, uint64_t pfn, uint32_t order);

#endif
