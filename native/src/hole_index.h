// SPDX-License-Identifier: MIT
//
// Free runs by length, then address: which is the shortest of at least n bits,
// and of those the lowest? For the best fit of gen_pool.c.
#ifndef HK_HOLE_INDEX_H
#define HK_HOLE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

struct hole_index;

// From this length on a hole's start is known to the bit.
enum { HOLE_EXACT = 64 };

// No holes yet, in a map of @bits (1 … 2^31 - 1). -ENOMEM.
int hole_index_create(uint32_t bits, struct hole_index **ret);
// Also takes NULL.
void hole_index_destroy(struct hole_index *index);

// A hole of length 0 is none.
void hole_index_add(struct hole_index *index, uint32_t run, uint32_t length);
void hole_index_remove(struct hole_index *index, uint32_t run, uint32_t length);
bool hole_index_holds(const struct hole_index *index, uint32_t run,
		      uint32_t length);

// The shortest hole of at least @bits, the lowest of equals. It starts at
// *@from, or, if shorter than HOLE_EXACT, as the first of at least *@length
// that starts there or later, within *@length bits and the same aligned 64.
// False if there is none.
bool hole_index_best(const struct hole_index *index, uint32_t bits,
		     uint32_t *length, uint32_t *from);

// 0, or -EUCLEAN: not @holes of them, or a summary that is wrong.
int hole_index_check(const struct hole_index *index, uint64_t holes);

#endif
