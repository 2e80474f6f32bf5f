// SPDX-License-Identifier: MIT
//
// What the files of the run index share: how free runs are kept, and the two
// builds of what is hot.
#ifndef HK_RUN_INDEX_INTERNAL_H
#define HK_RUN_INDEX_INTERNAL_H

#include "aligned_runs.h"
#include "max_tree.h"
#include "run_index.h"
#include "run_words.h"
#include "usable_tree.h"

// The hot half of run_index.h.
struct run_index_calls {
	uint32_t (*next)(const struct run_index *index, uint32_t from,
			 uint32_t bits);
	uint32_t (*find)(const struct run_index *index, uint32_t from,
			 uint32_t bits, uint32_t order, uint32_t *run);
	void (*take)(struct run_index *index, uint32_t run, uint32_t at,
		     uint32_t bits);
	void (*give)(struct run_index *index, uint32_t at, uint32_t bits);
};

// The same for one kind of CPU, without run_index_align() and with it.
struct run_index_code {
	struct run_index_calls plain;
	struct run_index_calls aligned;
};

extern const struct run_index_code run_index_portable;
#ifdef __x86_64__
extern const struct run_index_code run_index_avx2;
#endif

// The fastest that this CPU can run.
const struct run_index_code *run_index_best_code(void);

// The shortest run in ->starts if there are usable bytes, which hold shorter
// ones; those from there to USABLE_SURE are in both.
enum { LONG_RUN = USABLE_MOST + 1 };

// Inside, bit 0 of the map is bit @origin of the first word, so that even words
// begin at multiples of 128 in the phase of run_index_align(). Of each word two
// things are kept that follow from it, in trees over all words: the longest run
// that begins there; and, if searches are to be aligned, usable_in(). Then the
// first tree is left with long runs, which are few.
struct run_index {
	const struct run_index_calls *call;
	uint32_t bits;
	uint32_t origin;
	uint64_t phase; // of bit 0 of the first word; a multiple of 128
	uint32_t free;
	uint32_t n_aligned;
	struct run_word *words; // one more on either side, always zeros
	struct run_word *memory;
	struct max_tree starts;
	struct usable_tree usable; // ->depth is 0 if there is none
	uint32_t first_sure; // word of the first run of USABLE_SURE; HK_NO_LEAF
	struct aligned_runs aligned[HK_MAX_ALIGNED]; // by ascending order
};

static inline uint32_t run_index_end(const struct run_index *index)
{
	return index->origin + index->bits;
}

static inline uint32_t run_index_words(const struct run_index *index)
{
	return word_of(run_index_end(index) - 1) + 1;
}

// A free run [bit, end); none if they are equal.
struct run {
	uint32_t bit;
	uint32_t end;
};

// The last word before @word in which a run begins, or HK_NO_LEAF.
static inline uint32_t run_index_word_before(const struct run_index *index,
					     uint32_t word)
{
	uint32_t starts = max_tree_previous(&index->starts, word);
	uint32_t usable;

	if (!index->usable.depth)
		return starts;
	usable = usable_tree_previous(&index->usable, word);
	if (starts == HK_NO_LEAF || usable == HK_NO_LEAF)
		return starts == HK_NO_LEAF ? usable : starts;
	return starts > usable ? starts : usable;
}

// The run that leaves the last word before @word that has a free bit.
static inline struct run run_leaving(const struct run_index *index,
				     uint32_t word)
{
	uint32_t last = run_index_word_before(index, word);
	const struct run_word *w;
	uint32_t border;

	if (last == HK_NO_LEAF)
		return (struct run){0, 0};
	w = &index->words[last];
	border = (last + 1) << WORD_SHIFT;
	return (struct run){
		.bit = border - ones_down_from(w->free, WORD_MASK),
		.end = border + w->above,
	};
}

// The run that holds @bit, or none.
static inline struct run run_holding(const struct run_index *index,
				     uint32_t bit)
{
	uint64_t word = index->words[word_of(bit)].free;
	struct run none = {bit, bit};

	if (word >> (bit & WORD_MASK) & 1)
		return (struct run){
			// Not with the bit before: its word may say nothing.
			.bit = bit + 1 - free_before(index->words, bit + 1),
			.end = bit + free_from(index->words, bit),
		};
	if (!word) { // full, or inside a run
		struct run run = run_leaving(index, word_of(bit));

		return bit < run.end ? run : none;
	}
	return none;
}

// Where the run in @free begins that goes on above the word, if it is @bits
// long with that; 0: it is not.
static inline uint64_t place_at_top(uint64_t free, uint32_t above,
				    uint32_t bits)
{
	uint32_t top = ones_down_from(free, WORD_MASK);

	return (uint64_t)(top + above >= bits) << (-top & WORD_MASK);
}

// The first place for @bits in the word of @from, at or after it; or HK_NO_RUN.
static inline uint32_t place_from(const struct run_index *index, uint32_t from,
				  uint32_t bits)
{
	const struct run_word *w = &index->words[word_of(from)];
	uint64_t free = w->free & ones_at_and_above(from);
	uint64_t places = bits <= WORD_BITS ? places_of(free, bits) : 0;

	places |= place_at_top(free, w->above, bits);
	return places ? (from & ~(uint32_t)WORD_MASK) +
				(uint32_t)__builtin_ctzll(places)
		      : HK_NO_RUN;
}

#endif
