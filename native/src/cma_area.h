// SPDX-License-Identifier: MIT
//
// A contiguous memory area: mm/cma.c's bitmap search. Kernel: struct cma.
#ifndef HK_CMA_AREA_H
#define HK_CMA_AREA_H

#include <stdint.h>

struct cma_area;

// @count pages from @base_pfn on, one bit for 2^@order_per_bit of them. -EINVAL
// (@count is 0 or no multiple of a bit), -ENOMEM.
int cma_area_create(uint64_t base_pfn, uint64_t count, uint32_t order_per_bit,
		    struct cma_area **ret);
// Also takes NULL.
void cma_area_destroy(struct cma_area *area);

// First fit for @count pages whose pfn is a multiple of 2^@align_order. -EINVAL
// (@count is 0), -ENOMEM.
int cma_area_alloc(struct cma_area *area, uint64_t count, uint32_t align_order,
		   uint64_t *pfn);
void cma_area_free(struct cma_area *area, uint64_t pfn, uint64_t count);

uint64_t cma_area_available(const struct cma_area *area); // pages, unrounded
uint64_t cma_area_maxchunk(const struct cma_area *area); // pages
void cma_area_walk_free(const struct cma_area *area,
			void (*visit)(void *context, uint64_t pfn,
				      uint64_t count),
			void *context);
int cma_area_check(const struct cma_area *area, const char **rule);

#endif
