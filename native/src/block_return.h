// SPDX-License-Identifier: MIT
//
// Where the blocks of a system heap's buffer go: to the page allocator, or into
// the heap's pools as far as their limits allow.
#ifndef HK_BLOCK_RETURN_H
#define HK_BLOCK_RETURN_H

#include <stdbool.h>

struct bill;
struct buffer;
struct heap;

void blocks_give_all(struct heap *heap, struct buffer *buffer,
		     struct bill *bill);
// Into the pools; @zeroed: the pages are cleared first, and that is charged.
// OUT_OF_CORE with nothing changed.
int blocks_recycle_all(struct heap *heap, struct buffer *buffer, bool zeroed,
		       struct bill *bill);

#endif
