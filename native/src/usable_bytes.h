// SPDX-License-Identifier: MIT
//
// What free runs offer to aligned requests: for each order from 0 to 7 the
// longest stretch of free bits from a multiple of 2^order to the end of its
// run. A byte for each order in one number, at most USABLE_MOST. A run of
// USABLE_SURE bits offers that much to all of them, and is not counted here.
//
// Written twice where it pays, for AVX2 and for any machine.
#ifndef HK_USABLE_BYTES_H
#define HK_USABLE_BYTES_H

#include <stdint.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "run_words.h"

enum {
	USABLE_ORDERS = 8,
	USABLE_MOST = 254,
	USABLE_SURE = USABLE_MOST + (1 << (USABLE_ORDERS - 1)) - 1,
};

static inline uint32_t usable_byte(uint64_t bytes, uint32_t order)
{
	return bytes >> (8 * order) & 0xff;
}

// A one at each multiple of 2^@order in @word.
static inline uint64_t aligned_places(uint32_t word, uint32_t order)
{
	static const uint64_t places[USABLE_ORDERS] = {
		UINT64_C(0xffffffffffffffff), UINT64_C(0x5555555555555555),
		UINT64_C(0x1111111111111111), UINT64_C(0x0101010101010101),
		UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001),
		UINT64_C(0x0000000000000001), UINT64_C(0x0000000000000001),
	};

	return order == 7 && word & 1 ? 0 : places[order];
}

// What the run of @length bits, not more than USABLE_SURE, that begins at @bit
// offers.
static inline uint64_t usable_of_run(uint32_t bit, uint32_t length)
{
	typedef int16_t numbers __attribute__((vector_size(16)));
	typedef uint8_t bytes __attribute__((vector_size(8)));
	const numbers low = {0, 1, 3, 7, 15, 31, 63, 127};
	int16_t until = (int16_t)length;
	int16_t from = (int16_t)-(int16_t)(bit & 127);
	numbers skipped = low & from;
	numbers usable = until - skipped;
	bytes packed;
	uint64_t ret;

	usable &= usable > 0;
	usable = (usable & (usable < USABLE_MOST)) |
		 (USABLE_MOST & (usable >= USABLE_MOST));
	packed = __builtin_convertvector(usable, bytes);
	memcpy(&ret, &packed, sizeof(ret));
	return ret;
}

#ifdef __AVX2__

static inline uint64_t usable_max(uint64_t a, uint64_t b)
{
	return (uint64_t)_mm_cvtsi128_si64(
		_mm_max_epu8(_mm_cvtsi64_si128((long long)a),
			     _mm_cvtsi64_si128((long long)b)));
}

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

// longest_from() for each order, a byte each: orders 0 … 3 and 4 … 7.
static inline uint64_t usable_inside(uint32_t word,
				     const struct word_folds *folds)
{
	__m256i low = longest_from4(
		folds, _mm256_setr_epi64x((long long)aligned_places(word, 0),
					  (long long)aligned_places(word, 1),
					  (long long)aligned_places(word, 2),
					  (long long)aligned_places(word, 3)));
	__m256i high = longest_from4(
		folds, _mm256_setr_epi64x((long long)aligned_places(word, 4),
					  (long long)aligned_places(word, 5),
					  (long long)aligned_places(word, 6),
					  (long long)aligned_places(word, 7)));
	__m256i pairs = _mm256_or_si256(low, _mm256_slli_epi64(high, 32));
	__m256i bytes =
		_mm256_sllv_epi64(pairs, _mm256_setr_epi64x(0, 8, 16, 24));
	__m128i half = _mm_or_si128(_mm256_castsi256_si128(bytes),
				    _mm256_extracti128_si256(bytes, 1));

	half = _mm_or_si128(half, _mm_unpackhi_epi64(half, half));
	return (uint64_t)_mm_cvtsi128_si64(half);
}

#else

static inline uint64_t usable_max(uint64_t a, uint64_t b)
{
	typedef uint8_t bytes __attribute__((vector_size(8)));
	bytes x;
	bytes y;
	bytes which;

	memcpy(&x, &a, sizeof(x));
	memcpy(&y, &b, sizeof(y));
	which = (bytes)(x > y);
	x = (which & x) | (~which & y);
	memcpy(&a, &x, sizeof(a));
	return a;
}

// longest_from() for each order, a byte each.
static inline uint64_t usable_inside(uint32_t word,
				     const struct word_folds *folds)
{
	uint64_t bytes = 0;

	for (uint32_t order = 0; order < USABLE_ORDERS; order++) {
		uint64_t places = aligned_places(word, order);

		bytes |= (uint64_t)longest_from(folds, places) << (8 * order);
	}
	return bytes;
}

#endif

// What the runs that begin in @word offer, which is number @number. Often there
// is none but the one at the top.
static inline uint64_t usable_in(uint32_t number, const struct run_word *word)
{
	uint64_t own = own_bits(word);
	uint32_t top = ones_down_from(own, WORD_MASK);
	uint64_t inner = inner_bits(own, top);
	uint32_t run = ((number + 1) << WORD_SHIFT) - top;
	uint32_t length = top + word->above;
	uint64_t bytes = usable_of_run(run, length < USABLE_SURE ? length : 0);

	if (inner) {
		struct word_folds folds = word_fold(inner);

		bytes = usable_max(usable_inside(number, &folds), bytes);
	}
	return bytes;
}

#endif
