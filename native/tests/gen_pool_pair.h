// SPDX-License-Identifier: MIT
//
// A gen_pool and linear scans of the same chunks, side by side.
#ifndef HK_GEN_POOL_PAIR_H
#define HK_GEN_POOL_PAIR_H

#include "adversary.h"
#include "gen_pool.h"
#include "naive_bitmap.h"

enum {
	PAIR_MAX_CHUNKS = 3,
	PAIR_FIXED = HK_NR_FITS, // gen_pool_alloc_at()
};

struct gen_pool_pair {
	uint32_t rule; // enum hk_fit, or PAIR_FIXED
	uint64_t align;
	struct gen_pool *pool;
	uint32_t n_chunks;
	uint64_t base[PAIR_MAX_CHUNKS]; // in the order of the search
	struct naive_bitmap map[PAIR_MAX_CHUNKS];
	struct {
		uint64_t address;
		uint64_t size;
	} held[ADVERSARY_SLOTS];
	uint64_t asked; // seeds odd sizes and the offsets of the fixed rule
};

// @bits of each chunk in the order of the search: the last added comes first.
// @align: bytes, for HK_FIT_FIRST_ALIGN.
void gen_pool_pair_start(struct gen_pool_pair *pair, uint32_t rule,
			 uint64_t align, const uint32_t *bits,
			 uint32_t n_chunks);
void gen_pool_pair_end(struct gen_pool_pair *pair);
struct subject gen_pool_pair_subject(struct gen_pool_pair *pair,
				     uint32_t max_size);

#endif
