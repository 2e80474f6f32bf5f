// SPDX-License-Identifier: MIT
//
// The buddy allocator against lists searched from end to end, with sequences
// that look for trouble: a size is rounded down to an order.
#include <string.h>

#include "adversary.h"
#include "naive_buddy.h"
#include "page_alloc_fixture.h"

struct pair {
	struct page_alloc *alloc;
	struct naive_buddy naive;
	uint64_t pfn[ADVERSARY_SLOTS];
	uint32_t order[ADVERSARY_SLOTS];
	uint32_t events;
};

static bool both_take(void *context, uint32_t slot, uint32_t size)
{
	struct pair *pair = context;
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
	struct pair *pair = context;

	page_alloc_give(pair->alloc, pair->pfn[slot], pair->order[slot]);
	naive_buddy_give(&pair->naive, pair->pfn[slot], pair->order[slot]);
}

static void compare(void *context)
{
	struct pair *pair = context;

	CHECK_EQ(page_alloc_free(pair->alloc), pair->naive.free);
	CHECK_EQ(page_alloc_largest(pair->alloc),
		 naive_buddy_largest(&pair->naive));
	if (pair->events++ % 256 == 0)
		check(pair->alloc);
}

static void play(uint64_t base, uint64_t pages, uint64_t min_free,
		 uint32_t max_size)
{
	static struct pair pair;
	const struct subject subject = {
		.context = &pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.max_size = max_size,
	};

	memset(&pair, 0, sizeof(pair));
	pair.alloc = create(base, pages, min_free);
	pair.naive.min_free = min_free;
	naive_buddy_add(&pair.naive, base, base + pages);
	adversary_play(&subject, 3000, pages);
	check(pair.alloc);
	page_alloc_destroy(pair.alloc);
}

TEST(no_sequence_parts_the_buddies_from_lists_searched_from_end_to_end)
{
	play(0, 4096, 0, 1024);
	play(0x12345, 3000, 200, 256);
	play(1023, 1100, 16, 4);
}
