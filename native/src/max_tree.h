// SPDX-License-Identifier: MIT
//
// A 32-ary tree of maxima over an array: a node is 32 lanes, the lane above it
// holds their maximum. Setting a value stops as soon as a maximum does not
// change; the leftmost value of at least n is found by taking the first lane
// that reaches n on the way down. The hot half is inline: every search of
// run_index_hot.h passes here.
#ifndef HK_MAX_TREE_H
#define HK_MAX_TREE_H

#include <stdint.h>

#include "lanes.h"

enum {
	HK_NO_LEAF = UINT32_MAX,
	MAX_TREE_LEVELS = 8, // 32^7 leaves are more than 2^31, and the root
};

struct max_tree {
	uint32_t depth; // level[depth] is the root alone; at least 1
	uint32_t leaves;
	uint32_t *level[MAX_TREE_LEVELS];
	void *memory;
};

// @leaves (1 … 2^31) values, all 0 and never above 2^31 - 1. -ENOMEM.
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

// @leaf becomes @value, which is not less than it is. What does not change is
// not written: a search that loads the node would wait for the store.
static inline void max_tree_raise(struct max_tree *tree, uint32_t leaf,
				  uint32_t value)
{
	for (uint32_t k = 0; k <= tree->depth; k++) {
		uint32_t *lane = &tree->level[k][leaf];

		if (*lane >= value)
			return;
		*lane = value;
		leaf >>= LANES_SHIFT;
	}
}

// @leaf becomes @value, which is not more than it is.
static inline void max_tree_lower(struct max_tree *tree, uint32_t leaf,
				  uint32_t value)
{
	uint32_t lane = leaf;

	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t parent = lane >> LANES_SHIFT;
		uint32_t first = parent << LANES_SHIFT;
		uint32_t *node = &tree->level[k][first];
		uint32_t max = tree->level[k + 1][parent];
		uint32_t new_max = max;

		if (node[lane - first] == max)
			new_max = lanes_largest_with(node, lane - first, value);
		node[lane - first] = value;
		if (new_max == max)
			return;
		value = new_max;
		lane = parent;
	}
	tree->level[tree->depth][0] = value;
}

static inline void max_tree_set(struct max_tree *tree, uint32_t leaf,
				uint32_t value)
{
	uint32_t old = max_tree_get(tree, leaf);

	if (value > old)
		max_tree_raise(tree, leaf, value);
	else if (value < old)
		max_tree_lower(tree, leaf, value);
}

// The leftmost leaf of at least @value under lane @lane of level @k, which
// reaches it.
static inline uint32_t max_tree_descend(const struct max_tree *tree, uint32_t k,
					uint32_t lane, uint32_t value)
{
	while (k > 0) {
		const uint32_t *node = &tree->level[--k][lane << LANES_SHIFT];

		lane = (lane << LANES_SHIFT) +
		       (uint32_t)__builtin_ctz(lanes_reach(node, value));
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

	if (max_tree_root(tree) < value)
		return HK_NO_LEAF;
	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t node = lane & ~(LANES - 1U);
		uint32_t reach = lanes_reach(&tree->level[k][node], value);

		reach &= UINT32_MAX << (lane - node);
		if (reach) {
			lane = node + (uint32_t)__builtin_ctz(reach);
			return max_tree_descend(tree, k, lane, value);
		}
		lane = (lane >> LANES_SHIFT) + 1;
	}
	return HK_NO_LEAF;
}

// The rightmost leaf before @end that is not 0, or HK_NO_LEAF.
uint32_t max_tree_previous(const struct max_tree *tree, uint32_t end);

#endif
