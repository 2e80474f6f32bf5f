// SPDX-License-Identifier: MIT
#include "page_alloc_pair.h"

#include <string.h>

// Neighbouring slots, which live alike, share a type.
static bool both_take(void *context, uint32_t slot, uint32_t size)
{
	struct page_alloc_pair *pair = context;
	const uint32_t type = slot / 5 % pair->types;

	pair->order[slot] = 31 - (uint32_t)__builtin_clz(size);
	pair->pfn[slot] = pair_take(&pair->both, pair->order[slot],
				    (enum hk_migratetype)type);
	return pair->pfn[slot] != nowhere;
}

static void both_give(void *context, uint32_t slot)
{
	struct page_alloc_pair *pair = context;

	pair_give(&pair->both, pair->pfn[slot], pair->order[slot]);
}

static void compare(void *context)
{
	const struct page_alloc_pair *pair = context;

	pair_compare(&pair->both);
}

static void check_alloc(void *context)
{
	const struct page_alloc_pair *pair = context;

	check(pair->both.alloc);
}

void page_alloc_pair_start(struct page_alloc_pair *pair, uint64_t base,
			   uint64_t pages, uint64_t min_free)
{
	const struct pfn_range zone = {base, base + pages}, no_hole = {0};

	memset(pair, 0, sizeof(*pair));
	pair->types = 3;
	pair_start(&pair->both, zone, no_hole, min_free);
}

void page_alloc_pair_end(struct page_alloc_pair *pair)
{
	page_alloc_destroy(pair->both.alloc);
}

struct subject page_alloc_pair_subject(struct page_alloc_pair *pair,
				       uint32_t max_size)
{
	return (struct subject){
		.context = pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.check = check_alloc,
		.max_size = max_size,
	};
}
