// SPDX-License-Identifier: MIT
//
// The order of a size, which both the page allocator's blocks and the kernel's
// alignments are counted in.
#ifndef HK_ORDER_H
#define HK_ORDER_H

#include <stdint.h>

// Kernel: get_order(), the smallest order that holds @units (pages, granules).
static inline uint32_t order_of(uint64_t units)
{
	return units > 1 ? 64 - (uint32_t)__builtin_clzll(units - 1) : 0;
}

#endif
