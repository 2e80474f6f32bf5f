// SPDX-License-Identifier: MIT
//
// A CMA area and linear scans of its ranges, side by side. Where @busy is not
// 0, so many of 100 places cannot be had: the same ones on both sides, in the
// same order.
#ifndef HK_CMA_AREA_PAIR_H
#define HK_CMA_AREA_PAIR_H

#include "adversary.h"
#include "cma_area.h"
#include "naive_bitmap.h"

struct cma_area_pair {
	struct cma_range range[CMA_MAX_RANGES];
	uint32_t n_ranges;
	uint32_t opb; // order per bit
	uint32_t cap; // CONFIG_CMA_ALIGNMENT
	uint32_t busy;
	struct cma_area *area;
	struct naive_bitmap map[CMA_MAX_RANGES];
	uint64_t available;
	uint64_t event; // seeds the answers
	uint64_t asked[NAIVE_BITS]; // places, by the naive side
	uint32_t n_asked;
	uint32_t n_claimed; // by the area, of those
	struct {
		uint64_t pfn;
		uint64_t count;
	} held[ADVERSARY_SLOTS];
};

// With range, n_ranges, opb, cap and busy set.
void cma_area_pair_start(struct cma_area_pair *pair);
void cma_area_pair_end(struct cma_area_pair *pair);
struct subject cma_area_pair_subject(struct cma_area_pair *pair,
				     uint32_t max_size);

#endif
