// SPDX-License-Identifier: MIT
//
// What one word offers to aligned requests: for each order from 0 to 6 the
// longest stretch of free bits that begins at a multiple of 2^order in the word
// or, of the run that goes on above, right at the next word. A byte for each
// order, at most USABLE_MOST; the eighth byte is 0.
//
// Written twice, for AVX2 with the orders side by side and for any machine.
#ifndef HK_USABLE_BYTES_H
#define HK_USABLE_BYTES_H

#include <stdint.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "word_bits.h"

enum { USABLE_ORDERS = 7, USABLE_MOST = 127 };

// The multiples of 2^order.
static const uint64_t aligned_places[8] = {
	UINT64_C(0xffffffffffffffff), UINT64_C(0x5555555555555555),
	UINT64_C(0x1111111111111111), UINT64_C(0x0101010101010101),
	UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001),
	UINT64_C(0x0000000000000001), 0,
};

#ifdef __AVX2__

// longest_from() for four orders at once.
static inline __m256i longest_from4(const struct word_folds *folds,
				    __m256i places)
{
	__m256i longest = _mm256_setzero_si256();

	for (uint32_t k = WORD_SHIFT; k-- > 0;) {
		__m256i fold = _mm256_set1_epi64x((long long)folds->fold[k]);
		__m256i left = _mm256_and_si256(
			places, _mm256_srlv_epi64(fold, longest));
		__m256i none = _mm256_cmpeq_epi64(left, _mm256_setzero_si256());
		__m256i more = _mm256_set1_epi64x(1LL << k);

		places = _mm256_blendv_epi8(left, places, none);
		longest = _mm256_add_epi64(longest,
					   _mm256_andnot_si256(none, more));
	}
	return longest;
}

// A byte each out of the eight numbers in @low (orders 0 … 3) and @high.
static inline uint64_t pack_bytes(__m256i low, __m256i high)
{
	__m256i pairs = _mm256_or_si256(low, _mm256_slli_epi64(high, 32));
	__m256i bytes =
		_mm256_sllv_epi64(pairs, _mm256_setr_epi64x(0, 8, 16, 24));
	__m128i half = _mm_or_si128(_mm256_castsi256_si128(bytes),
				    _mm256_extracti128_si256(bytes, 1));

	half = _mm_or_si128(half, _mm_unpackhi_epi64(half, half));
	return (uint64_t)_mm_cvtsi128_si64(half);
}

static inline uint64_t usable_bytes(uint64_t word, uint32_t above)
{
	const __m256i most = _mm256_set1_epi64x(USABLE_MOST);
	struct word_folds folds = word_fold(word);
	__m256i top = _mm256_set1_epi64x(ones_down_from(word, WORD_MASK));
	__m256i more =
		_mm256_set1_epi64x(above < USABLE_MOST ? above : USABLE_MOST);
	__m256i low = longest_from4(
		&folds, _mm256_loadu_si256((const __m256i *)aligned_places));
	__m256i high = longest_from4(
		&folds,
		_mm256_loadu_si256((const __m256i *)(aligned_places + 4)));
	__m256i top_low = _mm256_add_epi64(
		_mm256_and_si256(top, _mm256_setr_epi64x(-1, -2, -4, -8)),
		more);
	__m256i top_high = _mm256_and_si256(
		_mm256_add_epi64(
			_mm256_and_si256(top,
					 _mm256_setr_epi64x(-16, -32, -64, 0)),
			more),
		_mm256_setr_epi64x(-1, -1, -1, 0));

	low = _mm256_min_epi32(_mm256_max_epi32(low, top_low), most);
	high = _mm256_min_epi32(_mm256_max_epi32(high, top_high), most);
	return pack_bytes(low, high);
}

#else

static inline uint64_t usable_bytes(uint64_t word, uint32_t above)
{
	struct word_folds folds = word_fold(word);
	uint32_t top = ones_down_from(word, WORD_MASK);
	uint32_t more = above < USABLE_MOST ? above : USABLE_MOST;
	uint64_t bytes = 0;

	for (uint32_t order = 0; order < USABLE_ORDERS; order++) {
		uint32_t inside = longest_from(&folds, aligned_places[order]);
		uint32_t at_top = (top & ~((1U << order) - 1)) + more;
		uint64_t most = inside > at_top ? inside : at_top;

		most = most < USABLE_MOST ? most : USABLE_MOST;
		bytes |= most << (8 * order);
	}
	return bytes;
}

#endif

#endif
