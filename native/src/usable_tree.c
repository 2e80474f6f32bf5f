// SPDX-License-Identifier: MIT
#include "usable_tree.h"

#include <errno.h>
#include <stdlib.h>

enum { NODE_BYTES = USABLE_LANES * sizeof(uint64_t) };

// Whole nodes, and one node of zeros behind them: usable_tree_next() may step
// to the lane after the last.
static uint32_t padded_lanes(uint32_t lanes)
{
	return (lanes + 2 * USABLE_LANES - 1) & ~(USABLE_LANES - 1U);
}

static uint32_t lanes_above(uint32_t lanes)
{
	return (lanes + USABLE_LANES - 1) >> USABLE_SHIFT;
}

static uint64_t total_lanes(uint32_t leaves)
{
	uint32_t lanes = leaves;
	uint64_t total = padded_lanes(lanes);

	do {
		lanes = lanes_above(lanes);
		total += padded_lanes(lanes);
	} while (lanes > 1);
	return total;
}

int usable_tree_create(struct usable_tree *tree, uint32_t leaves)
{
	uint32_t lanes = leaves;
	uintptr_t start;

	tree->memory =
		calloc(1, total_lanes(leaves) * sizeof(uint64_t) + NODE_BYTES);
	if (!tree->memory)
		return -ENOMEM;
	start = ((uintptr_t)tree->memory + NODE_BYTES - 1) &
		~(uintptr_t)(NODE_BYTES - 1);
	tree->leaves = leaves;
	tree->depth = 0;
	tree->level[0] = (uint64_t *)start;
	do {
		uint64_t *next = tree->level[tree->depth] + padded_lanes(lanes);

		tree->level[++tree->depth] = next;
		lanes = lanes_above(lanes);
	} while (lanes > 1);
	return 0;
}

void usable_tree_destroy(struct usable_tree *tree)
{
	free(tree->memory);
}

// The rightmost lane before @end in the same node that is not 0, or @end.
static uint32_t last_lane(const uint64_t *level, uint32_t end)
{
	uint32_t lane = end;

	while (lane & (USABLE_LANES - 1))
		if (level[--lane])
			return lane;
	return end;
}

uint32_t usable_tree_previous(const struct usable_tree *tree, uint32_t end)
{
	uint32_t k = 0;
	uint32_t lane = last_lane(tree->level[0], end);

	while (lane == end) {
		if (++k > tree->depth)
			return HK_NO_LEAF;
		end >>= USABLE_SHIFT;
		lane = last_lane(tree->level[k], end);
	}
	while (k > 0) {
		lane = (lane << USABLE_SHIFT) + USABLE_LANES - 1;
		k--;
		while (!tree->level[k][lane])
			lane--;
	}
	return lane;
}

int usable_tree_check(const struct usable_tree *tree)
{
	uint32_t lanes = tree->leaves;

	for (uint32_t k = 0; k < tree->depth; k++) {
		lanes = lanes_above(lanes);
		for (uint32_t i = 0; i < lanes; i++) {
			const uint64_t *node =
				&tree->level[k][(uint64_t)i << USABLE_SHIFT];

			if (tree->level[k + 1][i] !=
			    usable_largest_with(node, 0, node[0]))
				return -EUCLEAN;
		}
	}
	return 0;
}
