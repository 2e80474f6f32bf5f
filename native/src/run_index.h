// SPDX-License-Identifier: MIT
//
// Free runs of an address-ordered bitmap, without the bitmap: where the first
// run of at least n free bits starts, and how long the longest run is, both in
// O(log bits). Placement equals a linear scan's; lib/bitmap.c's searches are
// built on it in gen_pool.c and cma_area.c. Memory: a third of a byte a bit,
// half a byte with run_index_align(), untouched where no run begins or ends.
#ifndef HK_RUN_INDEX_H
#define HK_RUN_INDEX_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HK_NO_RUN = UINT32_MAX,
	HK_MAX_ALIGNED = 8,
	HK_MAX_BITS = INT32_MAX,
};

struct run_index;

// All @bits (1 … HK_MAX_BITS) free. -ENOMEM.
int run_index_create(uint32_t bits, struct run_index **ret);
// Also takes NULL.
void run_index_destroy(struct run_index *index);

// For a new index: bit 0 lies @phase bits behind a multiple of every alignment,
// and searches are fast for alignments of 2^o where bit o of @orders is set:
// any stands for all of 1 … 7; of those above at most HK_MAX_ALIGNED, and none
// beyond the index's size. -ENOMEM: it can only be destroyed.
int run_index_align(struct run_index *index, uint64_t phase, uint64_t orders);

// First run that starts at or after @from with at least @bits free, or
// HK_NO_RUN.
uint32_t run_index_next(const struct run_index *index, uint32_t from,
			uint32_t bits);
// The same without run_index_align(), where that run is known to begin in the
// aligned 64 bits of @from, and a run that passes @from to offer fewer.
uint32_t run_index_near(const struct run_index *index, uint32_t from,
			uint32_t bits);
// First place at or after @from with @bits free that is a multiple of
// 2^@order, counted from run_index_align()'s phase, or HK_NO_RUN:
// lib/bitmap.c's bitmap_find_next_zero_area_off(). *@run is the run it lies in.
uint32_t run_index_find(const struct run_index *index, uint32_t from,
			uint32_t bits, uint32_t order, uint32_t *run);
// The run that holds @bit, or HK_NO_RUN if it is taken.
uint32_t run_index_at(const struct run_index *index, uint32_t bit);
// Length of the free run that starts at @bit; 0 if none starts there.
uint32_t run_index_length(const struct run_index *index, uint32_t bit);
// Length of the free run that ends before @bit; 0 if none ends there.
uint32_t run_index_length_before(const struct run_index *index, uint32_t bit);
uint32_t run_index_longest(const struct run_index *index);
uint32_t run_index_free(const struct run_index *index);

// Take @bits from @at on out of the free run that starts at @run.
void run_index_take(struct run_index *index, uint32_t run, uint32_t at,
		    uint32_t bits);
// Give @bits from @at on back, joining the free runs beside them.
void run_index_give(struct run_index *index, uint32_t at, uint32_t bits);
// Whether all of [at, at + bits) is taken.
bool run_index_taken(const struct run_index *index, uint32_t at, uint32_t bits);

// 0, or -EUCLEAN and the broken rule.
int run_index_check(const struct run_index *index, const char **rule);

#endif
