// SPDX-License-Identifier: MIT

#include "span_set.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

void span_set_destroy(struct span_set *set)
{
	free(set->span);
	*set = (struct span_set){0};
}

int span_set_reserve(struct span_set *set)
{
	const uint32_t wanted = set->capacity ? 2 * set->capacity : 4;
	struct span *span;

	if (set->n < set->capacity)
		return 0;
	span = realloc(set->span, wanted * sizeof(*span));
	if (!span)
		return OUT_OF_CORE;
	set->span = span;
	set->capacity = wanted;
	return 0;
}

// The first span that ends at @at or beyond it.
static uint32_t find(const struct span_set *set, uint64_t at)
{
	uint32_t low = 0, high = set->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (set->span[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// Put @n_new spans where [@from, @to) were.
static void replace(struct span_set *set, uint32_t from, uint32_t to,
		    const struct span *new, uint32_t n_new)
{
	if (set->n > to)
		memmove(&set->span[from + n_new], &set->span[to],
			(set->n - to) * sizeof(*set->span));
	for (uint32_t i = 0; i < n_new; i++)
		set->span[from + i] = new[i];
	set->n = set->n - (to - from) + n_new;
}

void span_set_add(struct span_set *set, uint64_t start, uint64_t end)
{
	const uint32_t from = find(set, start);
	struct span whole = {start, end};
	uint32_t to = from;

	if (start >= end)
		return;
	for (; to < set->n && set->span[to].start <= end; to++) {
		if (set->span[to].start < whole.start)
			whole.start = set->span[to].start;
		if (set->span[to].end > whole.end)
			whole.end = set->span[to].end;
	}
	replace(set, from, to, &whole, 1);
}

void span_set_remove(struct span_set *set, uint64_t start, uint64_t end)
{
	uint32_t from = find(set, start);
	struct span left[2];
	uint32_t n_left = 0;
	uint32_t to;

	if (start >= end)
		return;
	if (from < set->n && set->span[from].end == start)
		from++;
	for (to = from; to < set->n && set->span[to].start < end; to++) {
		if (set->span[to].start < start)
			left[n_left++] =
				(struct span){set->span[to].start, start};
		if (set->span[to].end > end)
			left[n_left++] = (struct span){end, set->span[to].end};
	}
	replace(set, from, to, left, n_left);
}

uint64_t span_set_count(const struct span_set *set, uint64_t start,
			uint64_t end, uint64_t *first)
{
	uint64_t count = 0;

	for (uint32_t i = find(set, start);
	     i < set->n && set->span[i].start < end; i++) {
		const struct span *span = &set->span[i];
		const uint64_t low = span->start > start ? span->start : start;
		const uint64_t high = span->end < end ? span->end : end;

		if (low >= high)
			continue;
		if (!count)
			*first = low;
		count += high - low;
	}
	return count;
}

bool span_set_is_sound(const struct span_set *set, uint64_t end)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct span *span = &set->span[i];

		if (span->start >= span->end || span->end > end ||
		    (i && span->start <= span[-1].end))
			return false;
	}
	return true;
}
