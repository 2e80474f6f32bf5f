// SPDX-License-Identifier: MIT
//
// What gen_pool.c and gen_pool_check.c share: a pool and its chunks.
#ifndef HK_GEN_POOL_INTERNAL_H
#define HK_GEN_POOL_INTERNAL_H

#include "gen_pool.h"
#include "hole_index.h"
#include "run_index.h"

struct gen_pool_chunk {
	struct gen_pool_chunk *next;
	uint64_t base;
	uint64_t size;
	uint64_t avail; // bytes, with the remainder that no granule covers
	uint32_t granules;
	struct run_index *index;
	struct hole_index *holes; // HK_FIT_BEST only, else NULL
};

struct gen_pool {
	struct gen_pool_chunk *chunks; // the last added first
	uint32_t shift;
	enum hk_fit fit;
	uint32_t align_order; // HK_FIT_FIRST_ALIGN: log2 of granules
};

#endif
