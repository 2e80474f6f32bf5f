// SPDX-License-Identifier: MIT
#include "max_tree.h"

#include <errno.h>
#include <stdlib.h>

// Whole nodes, and one node of zeros behind them: max_tree_next() may step to
// the lane after the last.
static uint64_t padded_lanes(uint64_t lanes)
{
	return (lanes + 2 * LANES - 1) & ~(LANES - 1ULL);
}

static uint64_t lanes_above(uint64_t lanes)
{
	return (lanes + LANES - 1) >> LANES_SHIFT;
}

static uint64_t total_lanes(uint64_t leaves)
{
	uint64_t lanes = leaves;
	uint64_t total = padded_lanes(lanes);

	do {
		lanes = lanes_above(lanes);
		total += padded_lanes(lanes);
	} while (lanes > 1);
	return total;
}

int max_tree_create(struct max_tree *tree, uint32_t leaves)
{
	uint64_t lanes = leaves;
	uintptr_t start;

	// calloc() leaves untouched pages to the kernel's zero page: an idle
	// region costs next to nothing, whatever its size.
	tree->memory =
		calloc(1, total_lanes(leaves) * sizeof(uint32_t) + LANES_BYTES);
	if (!tree->memory)
		return -ENOMEM;
	start = ((uintptr_t)tree->memory + LANES_BYTES - 1) &
		~(uintptr_t)(LANES_BYTES - 1);
	tree->leaves = leaves;
	tree->depth = 0;
	tree->level[0] = (uint32_t *)start;
	do {
		uint32_t *next = tree->level[tree->depth] + padded_lanes(lanes);

		tree->level[++tree->depth] = next;
		lanes = lanes_above(lanes);
	} while (lanes > 1);
	return 0;
}

void max_tree_destroy(struct max_tree *tree)
{
	free(tree->memory);
}

// The rightmost lane of @node below @end that is not 0, or LANES.
static uint32_t last_lane(const uint32_t *node, uint32_t end)
{
	uint32_t reach =
		lanes_reach(node, 1) & (uint32_t)((UINT64_C(1) << end) - 1);

	return reach ? 31 - (uint32_t)__builtin_clz(reach) : LANES;
}

uint32_t max_tree_previous(const struct max_tree *tree, uint32_t end)
{
	uint32_t lane = LANES;
	uint32_t node = 0;
	uint32_t k = 0;

	for (; k <= tree->depth; k++) {
		node = end & ~(LANES - 1U);
		lane = last_lane(&tree->level[k][node], end - node);
		if (lane < LANES)
			break;
		end >>= LANES_SHIFT;
	}
	if (k > tree->depth)
		return HK_NO_LEAF;
	lane += node;
	while (k > 0) {
		node = lane << LANES_SHIFT;
		lane = node + last_lane(&tree->level[--k][node], LANES);
	}
	return lane;
}

int max_tree_check(const struct max_tree *tree)
{
	uint64_t lanes = tree->leaves;

	for (uint32_t k = 0; k < tree->depth; k++) {
		lanes = lanes_above(lanes);
		for (uint64_t i = 0; i < lanes; i++) {
			const uint32_t *node =
				&tree->level[k][i << LANES_SHIFT];

			if (tree->level[k + 1][i] !=
			    lanes_largest_with(node, 0, node[0]))
				return -EUCLEAN;
		}
	}
	return 0;
}
