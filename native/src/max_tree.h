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
	MAX_TREE_LEVELS = 9, // 16^8 leaves are more than 2^31, and the root
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

// Four lanes, in the vector notation of gcc and clang for any machine. They are
// signed because the oldest x86-64 compares no others: hence the limit on
// values.
typedef int32_t max_tree_lanes __attribute__((vector_size(16), may_alias));

static inline max_tree_lanes max_tree_all(uint32_t value)
{
	int32_t v = (int32_t)value;

	return (max_tree_lanes){v, v, v, v};
}

static inline max_tree_lanes
max_tree_select(max_tree_lanes which, max_tree_lanes yes, max_tree_lanes no)
{
	return (which & yes) | (~which & no);
}

static inline max_tree_lanes max_tree_greater(max_tree_lanes a,
					      max_tree_lanes b)
{
	return max_tree_select(a > b, a, b);
}

// Bit i is set if lane i reaches @value, which is not 0.
static inline uint32_t max_tree_reach(const uint32_t *node, uint32_t value)
{
	const max_tree_lanes *lanes = (const max_tree_lanes *)node;
	max_tree_lanes below = max_tree_all(value - 1);
	max_tree_lanes bits = {1, 2, 4, 8};
	max_tree_lanes low = ((lanes[0] > below) & bits) |
			     ((lanes[1] > below) & (bits << 4));
	max_tree_lanes high = ((lanes[2] > below) & (bits << 8)) |
			      ((lanes[3] > below) & (bits << 12));
	max_tree_lanes all = low | high;

	return (uint32_t)(all[0] | all[1] | all[2] | all[3]);
}

static inline uint32_t max_tree_largest(max_tree_lanes lanes)
{
	int32_t low = lanes[0] > lanes[1] ? lanes[0] : lanes[1];
	int32_t high = lanes[2] > lanes[3] ? lanes[2] : lanes[3];

	return (uint32_t)(low > high ? low : high);
}

// The largest lane if lane @changed were @value. Storing it first and then
// loading the node would wait for the store to leave the store buffer.
static inline uint32_t max_tree_node_with(const uint32_t *node,
					  uint32_t changed, uint32_t value)
{
	const max_tree_lanes *lanes = (const max_tree_lanes *)node;
	max_tree_lanes at = max_tree_all(changed);
	max_tree_lanes new = max_tree_all(value);
	max_tree_lanes ids = {0, 1, 2, 3};
	max_tree_lanes low =
		max_tree_greater(max_tree_select(ids == at, new, lanes[0]),
				 max_tree_select(ids + 4 == at, new, lanes[1]));
	max_tree_lanes high = max_tree_greater(
		max_tree_select(ids + 8 == at, new, lanes[2]),
		max_tree_select(ids + 12 == at, new, lanes[3]));

	return max_tree_largest(max_tree_greater(low, high));
}

static inline void max_tree_set(struct max_tree *tree, uint32_t leaf,
				uint32_t value)
{
	uint32_t lane = leaf;

	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t parent = lane >> MAX_TREE_SHIFT;
		uint32_t first = parent << MAX_TREE_SHIFT;
		uint32_t *node = &tree->level[k][first];
		uint32_t max = tree->level[k + 1][parent];
		uint32_t new_max = max;

		if (value >= max)
			new_max = value;
		else if (node[lane - first] == max)
			new_max = max_tree_node_with(node, lane - first, value);
		node[lane - first] = value;
		if (new_max == max)
			return;
		value = new_max;
		lane = parent;
	}
	tree->level[tree->depth][0] = value;
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

	if (max_tree_root(tree) < value)
		return HK_NO_LEAF;
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
