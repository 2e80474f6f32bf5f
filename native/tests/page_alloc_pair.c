// SPDX-License-Identifier: MIT
#include "page_alloc_pair.h"

#include <string.h>

#include "page_alloc_fixture.h"

static bool both_take(void *context, uint32_t slot, uint32_t size)
{
	struct page_alloc_pair *pair = context;
	const uint32_t order = 31 - (uint32_t)__builtin_clz(size);
	const uint64_t pfn = take(pair->alloc, order);
	uint64_t expected = nowhere;

	if (!naive_buddy_take(&pair->naive, order, &expected))
		expected = nowhere;
	CHECK_EQ(pfn, expected);
	pair->pfn[slot] = pfn;
	pair->order[slot] = order;
	return pfn != nowhere;
}

static void both_give(void *context, uint32_t slot)
{
	struct page_alloc_pair *pair = context;

	page_alloc_give(pair->alloc, pair->pfn[slot], pair->order[slot]);
	naive_buddy_give(&pair->naive, pair->pfn[slot], pair->order[slot]);
}

static void compare(void *context)
{
	struct page_alloc_pair *pair = context;

	CHECK_EQ(page_alloc_free(pair->alloc), pair->naive.free);
	CHECK_EQ(page_alloc_largest(pair->alloc),
		 naive_buddy_largest(&pair->naive));
}

static void check_alloc(void *context)
{
	const struct page_alloc_pair *pair = context;

	check(pair->alloc);
}

void page_alloc_pair_start(struct page_alloc_pair *pair, uint64_t base,
			   uint64_t pages, uint64_t min_free)
{
	memset(pair, 0, sizeof(*pair));
	pair->alloc = create(base, pages, min_free);
	pair->naive.min_free = min_free;
	naive_buddy_add(&pair->naive, base, base + pages);
}

void page_alloc_pair_end(struct page_alloc_pair *pair)
{
	page_alloc_destroy(pair->alloc);
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
