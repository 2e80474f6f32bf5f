// SPDX-License-Identifier: MIT
//
// A 16-ary tree of maxima like max_tree.h, of usable_bytes.h's eight bytes at
// once: the maximum of a node is that of each byte by itself. One tree serves
// the aligned searches of every order up to 7.
#ifndef HK_USABLE_TREE_H
#define HK_USABLE_TREE_H

#include <stdint.h>

#include "max_tree.h"
#include "usable_bytes.h"

enum {
	USABLE_SHIFT = 4,
	USABLE_LANES = 16,
	USABLE_LEVELS = 8, // 16^7 leaves are more than 2^25, and the root
};

struct usable_tree {
	uint32_t depth; // level[depth] is the root alone; at least 1
	uint32_t leaves;
	uint64_t *level[USABLE_LEVELS];
	void *memory;
};

// @leaves (1 … 2^26), all 0. -ENOMEM.
int usable_tree_create(struct usable_tree *tree, uint32_t leaves);
void usable_tree_destroy(struct usable_tree *tree);
// 0, or -EUCLEAN: a lane is not the maximum of its node.
int usable_tree_check(const struct usable_tree *tree);

#ifdef __AVX2__

static inline __m256i usable_with4(const uint64_t *node, uint32_t first,
				   __m256i changed, __m256i bytes)
{
	__m256i ids = _mm256_add_epi64(_mm256_set1_epi64x(first),
				       _mm256_setr_epi64x(0, 1, 2, 3));

	return _mm256_blendv_epi8(
		_mm256_load_si256((const __m256i *)(node + first)), bytes,
		_mm256_cmpeq_epi64(ids, changed));
}

// Each byte's maximum if lane @changed were @bytes; see lanes_largest_with().
static inline uint64_t usable_largest_with(const uint64_t *node,
					   uint32_t changed, uint64_t bytes)
{
	__m256i at = _mm256_set1_epi64x(changed);
	__m256i new = _mm256_set1_epi64x((long long)bytes);
	__m256i max4 = _mm256_max_epu8(
		_mm256_max_epu8(usable_with4(node, 0, at, new),
				usable_with4(node, 4, at, new)),
		_mm256_max_epu8(usable_with4(node, 8, at, new),
				usable_with4(node, 12, at, new)));
	__m128i max2 = _mm_max_epu8(_mm256_castsi256_si128(max4),
				    _mm256_extracti128_si256(max4, 1));
	__m128i max1 = _mm_max_epu8(max2, _mm_unpackhi_epi64(max2, max2));

	return (uint64_t)_mm_cvtsi128_si64(max1);
}

static inline uint64_t usable_reach4(const uint64_t *lanes, __m256i limits)
{
	__m256i bytes = _mm256_load_si256((const __m256i *)lanes);

	return (uint32_t)_mm256_movemask_epi8(
		_mm256_cmpeq_epi8(_mm256_max_epu8(bytes, limits), bytes));
}

// The first lane at or after @from that offers @bits to @order, or
// USABLE_LANES.
static inline uint32_t usable_reach(const uint64_t *node, uint32_t from,
				    uint32_t bits, uint32_t order)
{
	// No byte is 255, the limit in all places but @order's.
	uint64_t limit = ~((uint64_t)(0xff ^ bits) << (8 * order));
	__m256i limits = _mm256_set1_epi64x((long long)limit);
	uint64_t low = usable_reach4(node, limits) |
		       usable_reach4(node + 4, limits) << 32;
	uint64_t high = usable_reach4(node + 8, limits) |
			usable_reach4(node + 12, limits) << 32;

	uint64_t none;

	if (from) {
		low = from < 8 ? low & ~UINT64_C(0) << (8 * from) : 0;
		high &= from < 8 ? ~UINT64_C(0)
				 : ~UINT64_C(0) << (8 * (from - 8));
	}
	none = -(uint64_t)(low == 0);
	low |= high & none;
	return low ? ((uint32_t)__builtin_ctzll(low) >> 3) +
			       (8 & (uint32_t)none)
		   : USABLE_LANES;
}

#else

typedef uint8_t usable2 __attribute__((vector_size(16), may_alias));

static inline usable2 usable_greater(usable2 a, usable2 b)
{
	usable2 which = (usable2)(a > b);

	return (which & a) | (~which & b);
}

// Each byte's maximum if lane @changed were @bytes; see lanes_largest_with().
static inline uint64_t usable_largest_with(const uint64_t *node,
					   uint32_t changed, uint64_t bytes)
{
	typedef uint64_t pair __attribute__((vector_size(16), may_alias));
	pair at = {changed, changed};
	pair new = {bytes, bytes};
	pair ids = {0, 1};
	usable2 max = (usable2) new;

	for (uint32_t i = 0; i < USABLE_LANES / 2; i++, ids += 2) {
		pair which = (pair)(ids == at);
		pair old = ((const pair *)node)[i];

		max = usable_greater(max,
				     (usable2)((which & new) | (~which & old)));
	}
	max = usable_greater(max, (usable2)((pair){((pair)max)[1], 0}));
	return ((pair)max)[0];
}

// The first lane at or after @from that offers @bits to @order, or
// USABLE_LANES.
static inline uint32_t usable_reach(const uint64_t *node, uint32_t from,
				    uint32_t bits, uint32_t order)
{
	uint32_t reach = 0;

	for (uint32_t i = 0; i < USABLE_LANES; i++)
		reach |= (uint32_t)(usable_byte(node[i], order) >= bits) << i;
	reach = (reach >> from << from) | 1U << USABLE_LANES;
	return (uint32_t)__builtin_ctz(reach);
}

#endif

// The rightmost leaf before @end that is not 0, or HK_NO_LEAF.
uint32_t usable_tree_previous(const struct usable_tree *tree, uint32_t end);

static inline uint64_t usable_tree_get(const struct usable_tree *tree,
				       uint32_t leaf)
{
	return tree->level[0][leaf];
}

static inline uint64_t usable_tree_root(const struct usable_tree *tree)
{
	return tree->level[tree->depth][0];
}

// @leaf offers @bytes as well; see max_tree_raise().
static inline void usable_tree_raise(struct usable_tree *tree, uint32_t leaf,
				     uint64_t bytes)
{
	for (uint32_t k = 0; k <= tree->depth; k++) {
		uint64_t *lane = &tree->level[k][leaf];
		uint64_t max = usable_max(*lane, bytes);

		if (max == *lane)
			return;
		*lane = max;
		leaf >>= USABLE_SHIFT;
	}
}

// @leaf offers @bytes, and nothing else.
static inline void usable_tree_set(struct usable_tree *tree, uint32_t leaf,
				   uint64_t bytes)
{
	uint32_t lane = leaf;

	for (uint32_t k = 0; k < tree->depth; k++) {
		uint32_t parent = lane >> USABLE_SHIFT;
		uint32_t first = parent << USABLE_SHIFT;
		uint64_t *node = &tree->level[k][first];
		uint64_t max = usable_largest_with(node, lane - first, bytes);

		node[lane - first] = bytes;
		if (tree->level[k + 1][parent] == max)
			return;
		bytes = max;
		lane = parent;
	}
	tree->level[tree->depth][0] = bytes;
}

// The leftmost leaf at or after @from (at most ->leaves) that offers @bits
// (1 … USABLE_MOST) to @order, or HK_NO_LEAF.
static inline uint32_t usable_tree_next(const struct usable_tree *tree,
					uint32_t from, uint32_t bits,
					uint32_t order)
{
	uint32_t lane = from;
	uint32_t found = USABLE_LANES;
	uint32_t k = 0;

	if (usable_byte(usable_tree_root(tree), order) < bits)
		return HK_NO_LEAF;
	if (from == 0) {
		k = tree->depth;
	} else {
		for (; k < tree->depth; k++) {
			uint32_t node = lane & ~(USABLE_LANES - 1U);

			found = usable_reach(&tree->level[k][node], lane - node,
					     bits, order);
			lane = node + found;
			if (found < USABLE_LANES)
				break;
			lane >>= USABLE_SHIFT;
		}
		if (found == USABLE_LANES)
			return HK_NO_LEAF;
	}
	while (k > 0) {
		lane <<= USABLE_SHIFT;
		lane += usable_reach(&tree->level[--k][lane], 0, bits, order);
	}
	return lane;
}

#endif
