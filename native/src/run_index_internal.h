// SPDX-License-Identifier: MIT
//
// What run_index.c and run_index_check.c share: how free runs are kept.
#ifndef HK_RUN_INDEX_INTERNAL_H
#define HK_RUN_INDEX_INTERNAL_H

#include "aligned_runs.h"
#include "max_tree.h"
#include "run_index.h"

// A run is written down twice: its length at its first bit (a leaf of the tree)
// and at its last. The second is the boundary tag that finds the left neighbour
// of freed bits at once. Everywhere else both arrays are 0.
struct run_index {
	uint32_t bits;
	uint32_t free;
	struct max_tree starts;
	uint32_t *ends;
	uint64_t phase;
	uint32_t n_aligned;
	struct aligned_runs aligned[HK_MAX_ALIGNED]; // by ascending order
};

#endif
