// SPDX-License-Identifier: MIT
//
// Sequences that look for trouble, the same for every allocator: sizes at the
// edges of words and powers of two, memory near full, combs, frees in every
// order. A test gives the two ends, which do the same on both sides, compare
// them and fail where they differ.
#ifndef HK_ADVERSARY_H
#define HK_ADVERSARY_H

#include "harness.h"

enum {
	ADVERSARY_SLOTS = 8192, // live at once, at most
	ADVERSARY_PLANS = 12,
};

struct subject {
	void *context;
	// Ask for @size units, 1 … max_size, under @slot, which is below
	// ADVERSARY_SLOTS and not in use. False if both sides refused.
	bool (*take)(void *context, uint32_t slot, uint32_t size);
	void (*give)(void *context, uint32_t slot);
	// After each event: the gauges of both sides.
	void (*compare)(void *context);
	// Now and then: every invariant.
	void (*check)(void *context);
	uint32_t max_size;
};

// Play scaled(@events) events of every plan (ADVERSARY_PLANS), one after
// another and each from empty to empty; all count as compared().
void adversary_play(const struct subject *subject, uint32_t events,
		    uint64_t seed);

#endif
