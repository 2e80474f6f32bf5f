// SPDX-License-Identifier: MIT
//
// A survey by address. Every region begins at a page, so that the page numbers
// are sorted eleven bits at a time, as often as their range needs: a snapshot
// of 100 000 buffers would otherwise take most of its time here.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	DIGIT = 11,
	BUCKETS = 1 << DIGIT,
	// Fewer are sorted faster than the buckets are cleared.
	FEW = 512,
};

struct order {
	uint64_t lowest; // page
	uint32_t passes;
};

static uint64_t page_of(const struct hk_region *region)
{
	return region->address >> HK_PAGE_SHIFT;
}

static struct order order_of_pages(const struct survey *survey)
{
	struct order order = {.lowest = UINT64_MAX};
	uint64_t highest = 0;

	for (uint64_t i = 0; i < survey->count; i++) {
		const uint64_t page = page_of(&survey->region[i]);

		order.lowest = page < order.lowest ? page : order.lowest;
		highest = page > highest ? page : highest;
	}
	for (uint64_t range = highest - order.lowest; range; range >>= DIGIT)
		order.passes++;
	return order;
}

// Into @to by one digit; what has the same one keeps its order.
static void sort_digit(const struct hk_region *from, struct hk_region *to,
		       uint64_t count, uint64_t lowest, uint32_t shift)
{
	uint64_t place[BUCKETS] = {0};
	uint64_t next = 0;

	for (uint64_t i = 0; i < count; i++)
		place[(page_of(&from[i]) - lowest) >> shift & (BUCKETS - 1)]++;
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
		const uint64_t n = place[bucket];

		place[bucket] = next;
		next += n;
	}
	for (uint64_t i = 0; i < count; i++)
		to[place[(page_of(&from[i]) - lowest) >> shift &
			 (BUCKETS - 1)]++] = from[i];
}

static void sort_digits(struct survey *survey, struct hk_region *spare)
{
	const struct order order = order_of_pages(survey);
	struct hk_region *from = survey->region, *to = spare;

	for (uint32_t pass = 0; pass < order.passes; pass++) {
		struct hk_region *swap = from;

		sort_digit(from, to, survey->count, order.lowest, pass * DIGIT);
		from = to;
		to = swap;
	}
	if (from != survey->region)
		memcpy(survey->region, from, survey->count * sizeof(*from));
}

static int compare_regions(const void *a, const void *b)
{
	const struct hk_region *left = a, *right = b;

	return (left->address > right->address) -
	       (left->address < right->address);
}

void survey_sort(struct survey *survey)
{
	struct hk_region *spare = NULL;

	if (survey->count > FEW)
		spare = malloc(survey->count * sizeof(*spare));
	if (spare)
		sort_digits(survey, spare);
	else if (survey->count > 1)
		qsort(survey->region, survey->count, sizeof(*survey->region),
		      compare_regions);
	free(spare);
}
