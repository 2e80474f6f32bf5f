// SPDX-License-Identifier: MIT
#include "aligned_runs.h"

int aligned_runs_create(struct aligned_runs *runs, uint32_t bits,
			uint32_t order, uint64_t phase)
{
	runs->order = order;
	runs->phase = (uint32_t)(phase & ((UINT64_C(1) << order) - 1));
	// Points 0 … that of the last bit + 1, where a run's end may look.
	return max_tree_create(&runs->usable,
			       aligned_runs_point(runs, bits) + 1);
}

void aligned_runs_destroy(struct aligned_runs *runs)
{
	max_tree_destroy(&runs->usable);
}
