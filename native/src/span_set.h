// SPDX-License-Identifier: MIT
//
// A set of whole numbers as ascending spans that neither meet nor touch.
#ifndef HK_SPAN_SET_H
#define HK_SPAN_SET_H

#include <stdbool.h>
#include <stdint.h>

struct span {
	uint64_t start;
	uint64_t end; // one past the last
};

struct span_set {
	struct span *span;
	uint32_t n;
	uint32_t capacity;
};

void span_set_destroy(struct span_set *set);
// Room for one more span, which is what an add or a remove can need.
// OUT_OF_CORE with nothing changed.
int span_set_reserve(struct span_set *set);
// These two need that room.
void span_set_add(struct span_set *set, uint64_t start, uint64_t end);
void span_set_remove(struct span_set *set, uint64_t start, uint64_t end);
// How many numbers of [@start, @end) are in it, and the first of them.
uint64_t span_set_count(const struct span_set *set, uint64_t start,
			uint64_t end, uint64_t *first);
// Whether it is what the first line says, below @end.
bool span_set_is_sound(const struct span_set *set, uint64_t end);

#endif
