// SPDX-License-Identifier: MIT
//
// A node of a tree of maxima: 32 lanes, two cache lines. Lanes are compared as
// signed numbers, because x86-64 compares no others: values stay below 2^31.
// Each function is there twice, for AVX2 and in the vector notation that gcc
// and clang turn into any machine's instructions.
#ifndef HK_LANES_H
#define HK_LANES_H

#include <stdint.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { LANES_SHIFT = 5, LANES = 32, LANES_BYTES = 128 };

#ifdef __AVX2__

static inline uint32_t lanes_reach8(const uint32_t *lanes, __m256i below)
{
	__m256i reach = _mm256_cmpgt_epi32(
		_mm256_load_si256((const __m256i *)lanes), below);

	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(reach));
}

// Bit i is set if lane i reaches @value, which is not 0.
static inline uint32_t lanes_reach(const uint32_t *node, uint32_t value)
{
	__m256i below = _mm256_set1_epi32((int)(value - 1));

	return lanes_reach8(node, below) | lanes_reach8(node + 8, below) << 8 |
	       lanes_reach8(node + 16, below) << 16 |
	       lanes_reach8(node + 24, below) << 24;
}

static inline __m256i lanes_with8(const uint32_t *node, uint32_t first,
				  __m256i changed, __m256i value)
{
	__m256i ids =
		_mm256_add_epi32(_mm256_set1_epi32((int)first),
				 _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));

	return _mm256_blendv_epi8(
		_mm256_load_si256((const __m256i *)(node + first)), value,
		_mm256_cmpeq_epi32(ids, changed));
}

// The largest lane if lane @changed were @value. Storing it first and then
// loading the node would wait for the store to leave the store buffer.
static inline uint32_t lanes_largest_with(const uint32_t *node,
					  uint32_t changed, uint32_t value)
{
	__m256i at = _mm256_set1_epi32((int)changed);
	__m256i new = _mm256_set1_epi32((int)value);
	__m256i max8 = _mm256_max_epi32(
		_mm256_max_epi32(lanes_with8(node, 0, at, new),
				 lanes_with8(node, 8, at, new)),
		_mm256_max_epi32(lanes_with8(node, 16, at, new),
				 lanes_with8(node, 24, at, new)));
	__m128i max4 = _mm_max_epi32(_mm256_castsi256_si128(max8),
				     _mm256_extracti128_si256(max8, 1));
	__m128i max2 = _mm_max_epi32(max4, _mm_shuffle_epi32(max4, 0x4e));
	__m128i max1 = _mm_max_epi32(max2, _mm_shuffle_epi32(max2, 0xb1));

	return (uint32_t)_mm_cvtsi128_si32(max1);
}

#else

typedef int32_t lanes4 __attribute__((vector_size(16), may_alias));

static inline lanes4 lanes_all(uint32_t value)
{
	int32_t v = (int32_t)value;

	return (lanes4){v, v, v, v};
}

static inline lanes4 lanes_select(lanes4 which, lanes4 yes, lanes4 no)
{
	return (which & yes) | (~which & no);
}

// Bit i is set if lane i reaches @value, which is not 0.
static inline uint32_t lanes_reach(const uint32_t *node, uint32_t value)
{
	const lanes4 *lanes = (const lanes4 *)node;
	lanes4 below = lanes_all(value - 1);
	lanes4 bits = {1, 2, 4, 8};
	lanes4 all = {0, 0, 0, 0};
	uint64_t low;
	uint64_t high;

	for (uint32_t i = 0; i < LANES / 4; i++, bits <<= 4)
		all |= (lanes[i] > below) & bits;
	low = (uint32_t)all[0] | (uint32_t)all[1];
	high = (uint32_t)all[2] | (uint32_t)all[3];
	return (uint32_t)(low | high);
}

// The largest lane if lane @changed were @value. Storing it first and then
// loading the node would wait for the store to leave the store buffer.
static inline uint32_t lanes_largest_with(const uint32_t *node,
					  uint32_t changed, uint32_t value)
{
	const lanes4 *lanes = (const lanes4 *)node;
	lanes4 at = lanes_all(changed);
	lanes4 new = lanes_all(value);
	lanes4 ids = {0, 1, 2, 3};
	lanes4 max = new;
	int32_t low;
	int32_t high;

	for (uint32_t i = 0; i < LANES / 4; i++, ids += 4) {
		lanes4 with = lanes_select(ids == at, new, lanes[i]);

		max = lanes_select(with > max, with, max);
	}
	low = max[0] > max[1] ? max[0] : max[1];
	high = max[2] > max[3] ? max[2] : max[3];
	return (uint32_t)(low > high ? low : high);
}

#endif

#endif
