// SPDX-License-Identifier: MIT
//
// A pool of addresses as lib/genalloc.c hands them out: chunks of granules, a
// bit each, and a placement rule. Kernel: struct gen_pool.
#ifndef HK_GEN_POOL_H
#define HK_GEN_POOL_H

#include <stdint.h>

#include "heapkit.h"

struct gen_pool;

// @granule_shift is genalloc's min_alloc_order; @align (bytes, a power of two)
// is used by HK_FIT_FIRST_ALIGN only. -ENOMEM.
int gen_pool_create(uint32_t granule_shift, enum hk_fit fit, uint64_t align,
		    struct gen_pool **ret);
// Also takes NULL.
void gen_pool_destroy(struct gen_pool *pool);
// Add a chunk; the last added is searched first, as genalloc's head insertion
// has it. A remainder below a granule counts as available but is never placed.
// -EINVAL (no whole granule, or too many of them), -ENOMEM.
int gen_pool_add(struct gen_pool *pool, uint64_t base, uint64_t size);

// Place @size bytes, rounded up to granules. -ENOMEM when nothing fits or @size
// is 0.
int gen_pool_alloc(struct gen_pool *pool, uint64_t size, uint64_t *ret);
// Place @size bytes at exactly @offset in a chunk: genalloc's fixed rule.
// -EINVAL (offset not a granule's), -ENOMEM.
int gen_pool_alloc_at(struct gen_pool *pool, uint64_t offset, uint64_t size,
		      uint64_t *ret);
// @address and @size as they were allocated.
void gen_pool_free(struct gen_pool *pool, uint64_t address, uint64_t size);

uint64_t gen_pool_avail(const struct gen_pool *pool); // bytes, as genalloc's
uint64_t gen_pool_largest(const struct gen_pool *pool); // bytes
// Call @visit for every free run by address within each chunk.
void gen_pool_walk_free(const struct gen_pool *pool,
			void (*visit)(void *context, uint64_t address,
				      uint64_t size),
			void *context);
int gen_pool_check(const struct gen_pool *pool, const char **rule);

#endif
