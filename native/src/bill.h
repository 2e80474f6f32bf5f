// SPDX-License-Identifier: MIT
//
// What an event costs: how often which constant is charged, and the sum. The
// counts are kept only where somebody asks for them.
#ifndef HK_BILL_H
#define HK_BILL_H

#include <stdint.h>

#include "heapkit.h"

struct bill {
	const double *price; // by enum hk_cost
	uint64_t *count; // by enum hk_cost; NULL: nobody asks
	double ns; // summed in the order of the charges
};

static inline void charge(struct bill *bill, enum hk_cost cost, uint64_t n)
{
	bill->ns += bill->price[cost] * (double)n;
	if (bill->count)
		bill->count[cost] += n;
}

// Clearing is faster the longer the piece: which constant one of @pages has.
static inline enum hk_cost zeroing_of(uint64_t pages)
{
	if (pages >= 256)
		return HK_COST_ZERO_PAGE_1M;
	return pages >= 16 ? HK_COST_ZERO_PAGE_64K : HK_COST_ZERO_PAGE;
}

static inline void charge_zeroing(struct bill *bill, uint64_t pages)
{
	charge(bill, zeroing_of(pages), pages);
}

#endif
