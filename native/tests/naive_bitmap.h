// SPDX-License-Identifier: MIT
//
// What the searches are measured against: a byte for each bit and the plain
// loops that lib/bitmap.c and lib/genalloc.c are described by.
#ifndef HK_NAIVE_BITMAP_H
#define HK_NAIVE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

enum { NAIVE_BITS = 8192 };

struct naive_bitmap {
	uint32_t bits;
	bool used[NAIVE_BITS];
};

void naive_clear(struct naive_bitmap *map, uint32_t bits);
// All used where @text has a #.
void naive_parse(struct naive_bitmap *map, const char *text);
void naive_set(struct naive_bitmap *map, uint32_t at, uint32_t n, bool used);

// Each search returns a place, or one at which @n bits pass the end.
uint64_t naive_find(const struct naive_bitmap *map, uint64_t start, uint64_t n,
		    uint64_t mask, uint64_t offset);
uint64_t naive_best(const struct naive_bitmap *map, uint64_t n);

uint32_t naive_longest(const struct naive_bitmap *map);
uint32_t naive_free(const struct naive_bitmap *map);

#endif
