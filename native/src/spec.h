// SPDX-License-Identifier: MIT
//
// What the two halves of the front door share: heap_spec.c looks at each heap,
// machine_spec.c at the board.
#ifndef HK_SPEC_H
#define HK_SPEC_H

#include "internal.h"

// 0 or -EINVAL.
int heap_spec_check(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory);
bool is_movable_load(const struct hk_heap_spec *spec);

static inline bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static inline bool page_aligned(uint64_t n)
{
	return !(n & (PAGE_BYTES - 1));
}

static inline bool range_wraps(uint64_t base, uint64_t size)
{
	return base > UINT64_MAX - size;
}

static inline bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b,
			       uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

#endif
