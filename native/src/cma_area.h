// SPDX-License-Identifier: MIT
//
// A contiguous memory area: mm/cma.c's bitmap search. Kernel: struct cma.
#ifndef HK_CMA_AREA_H
#define HK_CMA_AREA_H

#include <stdint.h>

enum { CMA_MAX_RANGES = 8 }; // Kernel: include/linux/cma.h

struct cma_area;

// Kernel: struct cma_memrange.
struct cma_range {
	uint64_t base_pfn;
	uint64_t count; // pages
};

// Asked before a place is taken whether its pages can be had, with the @context
// of cma_area_alloc(). Kernel: alloc_contig_range(). 0; -EBUSY: try the next
// place; any other error: give up. It must leave the area alone.
typedef int cma_claim(void *context, uint64_t pfn, uint64_t count);

// @n_ranges (1 … CMA_MAX_RANGES) that do not overlap, tried in this order; one
// bit for 2^@order_per_bit pages. -EINVAL (ranges, or a count that is 0 or no
// multiple of a bit), -ENOMEM.
int cma_area_create(const struct cma_range *ranges, uint32_t n_ranges,
		    uint32_t order_per_bit, struct cma_area **ret);
// Also takes NULL.
void cma_area_destroy(struct cma_area *area);

// First fit for @count pages whose pfn is a multiple of 2^@align_order; @claim
// may be NULL: the pages are idle. -EINVAL (@count is 0), -ENOMEM (no room, or
// @claim said so), -EBUSY (every place was busy), or what else @claim said.
int cma_area_alloc(struct cma_area *area, uint64_t count, uint32_t align_order,
		   cma_claim *claim, void *context, uint64_t *pfn);
// Take exactly @count pages at @pfn. -EINVAL (not a bit's first page, or not in
// one range), -EBUSY (not all free).
int cma_area_take_at(struct cma_area *area, uint64_t pfn, uint64_t count);
void cma_area_free(struct cma_area *area, uint64_t pfn, uint64_t count);

uint64_t cma_area_available(const struct cma_area *area); // pages, unrounded
uint64_t cma_area_maxchunk(const struct cma_area *area); // pages
// Call @visit for every free run, range after range.
void cma_area_walk_free(const struct cma_area *area,
			void (*visit)(void *context, uint64_t pfn,
				      uint64_t count),
			void *context);
int cma_area_check(const struct cma_area *area, const char **rule);

#endif
