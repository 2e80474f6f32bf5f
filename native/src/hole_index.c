// SPDX-License-Identifier: MIT
#include "hole_index.h"

#include <errno.h>
#include <stdlib.h>

enum {
	CLASSES = 32, // lengths 2^k … 2^(k+1) - 1, for each k
	LEVELS = 7, // 64^7 keys are more than 2^38
	WORD_SHIFT = 6,
	WORD_MASK = 63,
};
_Static_assert((int)HOLE_EXACT == 1 << (int)WORD_SHIFT,
	       "what a window does not remember, a word can be searched for");

// Two free runs never touch, so of the runs of one length in class k at most
// one starts in an aligned window of 2^k bits. A hole is therefore one bit, its
// key, in a bitmap ordered by length and then by window; the best fit is the
// next set bit. Levels above say which words are not 0. All lengths together
// take about log2(bits) bits for each bit of the map. A window that is longer
// than a word remembers where its hole starts.
struct hole_index {
	uint32_t depth; // level[depth - 1] is one word
	uint32_t window_shift[CLASSES]; // log2 of windows kept for each length
	uint64_t first[CLASSES]; // key of the class's shortest length, window 0
	uint64_t keys;
	uint64_t *level[LEVELS];
	uint64_t *memory;
	uint32_t *start[CLASSES]; // by window, from class WORD_SHIFT on
	uint32_t *starts;
};

static uint32_t log2_of(uint32_t n)
{
	return 31 - (uint32_t)__builtin_clz(n);
}

static void lay_out_classes(struct hole_index *index, uint32_t bits)
{
	for (uint32_t k = 0; k <= log2_of(bits); k++) {
		uint32_t last_window = (bits - 1) >> k;
		uint32_t shift = last_window ? log2_of(last_window) + 1 : 0;

		index->first[k] = index->keys;
		index->window_shift[k] = shift;
		index->keys += UINT64_C(1) << (k + shift);
	}
}

static uint64_t words_for(uint64_t keys)
{
	return (keys + WORD_MASK) >> WORD_SHIFT;
}

static int create_levels(struct hole_index *index)
{
	uint64_t total = 0;
	uint64_t words = index->keys;

	do {
		words = words_for(words);
		total += words;
	} while (words > 1);
	index->memory = calloc(total, sizeof(*index->memory));
	if (!index->memory)
		return -ENOMEM;
	index->level[0] = index->memory;
	words = words_for(index->keys);
	for (index->depth = 1; words > 1; index->depth++) {
		uint64_t *below = index->level[index->depth - 1];

		index->level[index->depth] = below + words;
		words = words_for(words);
	}
	return 0;
}

// As many as there are windows of the classes that remember.
static int create_starts(struct hole_index *index, uint32_t bits)
{
	uint64_t total = 0;

	for (uint32_t k = WORD_SHIFT; k <= log2_of(bits); k++)
		total += UINT64_C(1) << index->window_shift[k];
	// One too many: calloc(0) may return NULL.
	index->starts = calloc(total + 1, sizeof(*index->starts));
	if (!index->starts)
		return -ENOMEM;
	total = 0;
	for (uint32_t k = WORD_SHIFT; k <= log2_of(bits); k++) {
		index->start[k] = index->starts + total;
		total += UINT64_C(1) << index->window_shift[k];
	}
	return 0;
}

int hole_index_create(uint32_t bits, struct hole_index **ret)
{
	struct hole_index *index = calloc(1, sizeof(*index));
	int err;

	if (!index)
		return -ENOMEM;
	lay_out_classes(index, bits);
	err = create_levels(index);
	if (!err)
		err = create_starts(index, bits);
	if (err)
		goto free_index;
	*ret = index;
	return 0;

free_index:
	hole_index_destroy(index);
	return err;
}

void hole_index_destroy(struct hole_index *index)
{
	if (!index)
		return;
	free(index->starts);
	free(index->memory);
	free(index);
}

static uint64_t key_of(const struct hole_index *index, uint32_t run,
		       uint32_t length)
{
	uint32_t k = log2_of(length);
	uint64_t nth = length - (UINT32_C(1) << k);

	return index->first[k] + (nth << index->window_shift[k]) + (run >> k);
}

static uint64_t bit_of(uint64_t key)
{
	return UINT64_C(1) << (key & WORD_MASK);
}

void hole_index_add(struct hole_index *index, uint32_t run, uint32_t length)
{
	uint64_t key;

	if (length == 0)
		return;
	key = key_of(index, run, length);
	if (length >= HOLE_EXACT)
		index->start[log2_of(length)][run >> log2_of(length)] = run;
	for (uint32_t level = 0; level < index->depth; level++) {
		uint64_t *word = &index->level[level][key >> WORD_SHIFT];
		uint64_t old = *word;

		*word = old | bit_of(key);
		if (old)
			return;
		key >>= WORD_SHIFT;
	}
}

void hole_index_remove(struct hole_index *index, uint32_t run, uint32_t length)
{
	uint64_t key;

	if (length == 0)
		return;
	key = key_of(index, run, length);
	for (uint32_t level = 0; level < index->depth; level++) {
		uint64_t *word = &index->level[level][key >> WORD_SHIFT];

		*word &= ~bit_of(key);
		if (*word)
			return;
		key >>= WORD_SHIFT;
	}
}

bool hole_index_holds(const struct hole_index *index, uint32_t run,
		      uint32_t length)
{
	uint64_t key = key_of(index, run, length);

	return index->level[0][key >> WORD_SHIFT] & bit_of(key);
}

// The lowest key that is set under bit @key of @level, which is set.
static uint64_t descend(const struct hole_index *index, uint32_t level,
			uint64_t key)
{
	while (level > 0) {
		uint64_t word = index->level[--level][key];

		key = (key << WORD_SHIFT) + (uint64_t)__builtin_ctzll(word);
	}
	return key;
}

// Whether any key of the word that holds @key is set. The summary is a 64th of
// the keys, and more likely in a near cache.
static bool word_has_any(const struct hole_index *index, uint64_t key)
{
	key >>= WORD_SHIFT;
	return index->depth == 1 ||
	       index->level[1][key >> WORD_SHIFT] & bit_of(key);
}

// The lowest key at or after @key that is set, or ->keys.
static uint64_t next_key(const struct hole_index *index, uint64_t key)
{
	uint64_t end = index->keys;
	uint32_t level = 0;

	if (!word_has_any(index, key)) {
		key = (key >> WORD_SHIFT) + 1;
		end = words_for(end);
		level = 1;
	}
	for (; level < index->depth && key < end; level++) {
		uint64_t word = index->level[level][key >> WORD_SHIFT];

		word &= ~UINT64_C(0) << (key & WORD_MASK);
		if (word) {
			key &= ~(uint64_t)WORD_MASK;
			key += (uint64_t)__builtin_ctzll(word);
			return descend(index, level, key);
		}
		key = (key >> WORD_SHIFT) + 1;
		end = words_for(end);
	}
	return index->keys;
}

bool hole_index_best(const struct hole_index *index, uint32_t bits,
		     uint32_t *length, uint32_t *from)
{
	uint32_t k = log2_of(bits);
	uint64_t key;

	if (k > 0 && !index->first[k]) // longer than the map
		return false;
	key = next_key(index, key_of(index, 0, bits));
	if (key >= index->keys)
		return false;
	while (k + 1 < CLASSES && index->first[k + 1] &&
	       key >= index->first[k + 1])
		k++;
	key -= index->first[k];
	*length =
		(UINT32_C(1) << k) + (uint32_t)(key >> index->window_shift[k]);
	key &= (UINT64_C(1) << index->window_shift[k]) - 1;
	*from = *length >= HOLE_EXACT ? index->start[k][key]
				      : (uint32_t)key << k;
	return true;
}

// Each bit of a level above says whether the word under it is not 0.
static bool summaries_hold(const struct hole_index *index)
{
	uint64_t words = words_for(index->keys);

	for (uint32_t level = 1; level < index->depth; level++) {
		const uint64_t *above = index->level[level];

		for (uint64_t i = 0; i < words; i++)
			if (!(above[i >> WORD_SHIFT] & bit_of(i)) !=
			    !index->level[level - 1][i])
				return false;
		words = words_for(words);
	}
	return true;
}

int hole_index_check(const struct hole_index *index, uint64_t holes)
{
	uint64_t words = words_for(index->keys);
	uint64_t count = 0;

	if (!summaries_hold(index))
		return -EUCLEAN;
	for (uint64_t i = 0; i < words; i++)
		count += (uint64_t)__builtin_popcountll(index->level[0][i]);
	return count == holes ? 0 : -EUCLEAN;
}
