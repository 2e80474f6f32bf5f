// SPDX-License-Identifier: MIT
//
// What page_alloc.c is measured against: each order's free list is an array of
// pfns, head first, searched from end to end.
#ifndef HK_NAIVE_BUDDY_H
#define HK_NAIVE_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

enum { NAIVE_ORDERS = 11, NAIVE_BLOCKS = 8192 };

struct naive_buddy {
	uint64_t free;
	uint64_t min_free;
	uint32_t count[NAIVE_ORDERS];
	uint64_t list[NAIVE_ORDERS][NAIVE_BLOCKS];
};

// Free blocks for [start, end), at the tail.
void naive_buddy_add(struct naive_buddy *buddy, uint64_t start, uint64_t end);
bool naive_buddy_take(struct naive_buddy *buddy, uint32_t order, uint64_t *pfn);
void naive_buddy_give(struct naive_buddy *buddy, uint64_t pfn, uint32_t order);
uint64_t naive_buddy_largest(const struct naive_buddy *buddy);

#endif
