// SPDX-License-Identifier: MIT
//
// A 16-ary tree of maxima over an array: a node is one cache line of 16 lanes,
// the lane above it holds their maximum. Setting a value stops as soon as a
// maximum does not change; the leftmost value of at least n is found by taking
// the first lane that reaches n on the way down. The hot half is inline: every
// search of run_index.c passes here.
#ifndef HK_MAX_TREE_H
#define HK_MAX_TREE_H

#include <stdint.h>

enum {
	HK_NO_LEAF = UINT32_MAX,
	MAX_TREE_SHIFT = 4,
	MAX_TREE_LANES = 16,
	MAX_TREE_LEVELS = 9, // 16^8 = 2^32 leaves, and the root
};

struct max_tree {
	uint32_t depth; // level[depth] is the root alone; at least 1
	uint32_t leaves;
	uint32_t *level[MAX_TREE_LEVELS];
	void *memory;
};

// @leaves (1 … 2^32 - 2) values, all 0. -ENOMEM.
int max_tree_create(struct max_tree *tree, uint32_t leaves);
void max_tree_destroy(struct max_tree *tree);
// 0, or -EUCLEAN: a lane is not the maximum of its node.
int max_tree_check(const struct max_tree *tree);

static inline uint32_t max_tree_get(const struct max_tree *tree, uint32_t leaf)
{
	return tree->level[0][leaf];
}

static inline uint32_t max_tree_root(const struct max_tree *tree)
{
	return tree->level[tree->depth][0];
}

// Bit i is set if lane i reaches @value. Both this loop and the next one are
// written for the compiler's vectoriser: a fixed count and no early exit.
static inline uint32_t max_tree_reach(const uint32_t *node, uint32_t value)
{
	uint32_t mask = 0;

	for (uint32_t lane = 0; lane < MAX_TREE_LANES; lane++)
		mask |= node[lane] >= value ? UINT32_C(1) << lane : 0;
	return mask;
}

static inline uint32_t max_tree_node(const uint32_t *node)
{
	uint32_t max = 0;

	for (uint32_t lane = 0; lane < MAX_TREE_LANES; lane++)
		max = node[lane] > max ? node[lane] : max;
	return max;
}

static inline void max_tree_set(struct max_tree *tree, uint32_t leaf,
				uint32_t value)
{
	uint32_t lane = leaf;
	uint32_t old = tree->level[0][lane];

	tree->level[0][lane] = value;
	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t node = lane >> MAX_TREE_SHIFT;
		uint32_t max = tree->level[k + 1][node];

		if (value < max) {
			if (old != max)
				return;
			value = max_tree_node(
				&tree->level[k][node << MAX_TREE_SHIFT]);
		}
		if (value == max)
			return;
		tree->level[k + 1][node] = value;
		old = max;
		lane = node;
	}
}

// The leftmost leaf of at least @value under lane @lane of level @k, which
// reaches it.
static inline uint32_t max_tree_descend(const struct max_tree *tree, uint32_t k,
					uint32_t lane, uint32_t value)
{
	while (k > 0) {
		const uint32_t *node =
			&tree->level[--k][lane << MAX_TREE_SHIFT];

		lane = (lane << MAX_TREE_SHIFT) +
		       (uint32_t)__builtin_ctz(max_tree_reach(node, value));
	}
	return lane;
}

// The leftmost leaf of at least @value (not 0), or HK_NO_LEAF.
static inline uint32_t max_tree_first(const struct max_tree *tree,
				      uint32_t value)
{
	if (max_tree_root(tree) < value)
		return HK_NO_LEAF;
	return max_tree_descend(tree, tree->depth, 0, value);
}

// The leftmost leaf at or after @from (at most ->leaves) of at least @value
// (not 0), or HK_NO_LEAF.
static inline uint32_t max_tree_next(const struct max_tree *tree, uint32_t from,
				     uint32_t value)
{
	uint32_t lane = from;

	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t node = lane & ~(MAX_TREE_LANES - 1U);
		uint32_t reach = max_tree_reach(&tree->level[k][node], value);

		reach &= UINT32_C(0xffff) << (lane - node);
		if (reach) {
			lane = node + (uint32_t)__builtin_ctz(reach);
			return max_tree_descend(tree, k, lane, value);
		}
		lane = (lane >> MAX_TREE_SHIFT) + 1;
	}
	return HK_NO_LEAF;
}

// The rightmost leaf before @end that is not 0, or HK_NO_LEAF.
uint32_t max_tree_previous(const struct max_tree *tree, uint32_t end);

#endif
