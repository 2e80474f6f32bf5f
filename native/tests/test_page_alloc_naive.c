// SPDX-License-Identifier: MIT
//
// The buddy allocator against lists searched from end to end.
#include <string.h>

#include "harness.h"
#include "naive_buddy.h"
#include "page_alloc_fixture.h"

struct pair {
	struct page_alloc *alloc;
	struct naive_buddy naive;
	struct rng rng;
	uint64_t pfn[NAIVE_BLOCKS];
	uint32_t order[NAIVE_BLOCKS];
	uint32_t n_live;
};

static void both_take(struct pair *pair, uint32_t order)
{
	uint64_t expected = nowhere;
	uint64_t pfn = take(pair->alloc, order);

	if (!naive_buddy_take(&pair->naive, order, &expected))
		expected = nowhere;
	CHECK_EQ(pfn, expected);
	if (pfn == nowhere)
		return;
	pair->pfn[pair->n_live] = pfn;
	pair->order[pair->n_live++] = order;
}

static void both_give(struct pair *pair, uint32_t which)
{
	uint64_t pfn = pair->pfn[which];
	uint32_t order = pair->order[which];

	pair->n_live--;
	pair->pfn[which] = pair->pfn[pair->n_live];
	pair->order[which] = pair->order[pair->n_live];
	page_alloc_give(pair->alloc, pfn, order);
	naive_buddy_give(&pair->naive, pfn, order);
}

static void compare(const struct pair *pair)
{
	CHECK_EQ(page_alloc_free(pair->alloc), pair->naive.free);
	CHECK_EQ(page_alloc_largest(pair->alloc),
		 naive_buddy_largest(&pair->naive));
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
		CHECK_EQ(count(pair->alloc, order), pair->naive.count[order]);
	compared(1);
}

static void start(struct pair *pair, uint64_t base, uint64_t pages,
		  uint64_t min_free)
{
	memset(pair, 0, sizeof(*pair));
	pair->alloc = create(base, pages, min_free);
	pair->naive.min_free = min_free;
	pair->rng.state = pages;
	naive_buddy_add(&pair->naive, base, base + pages);
}

// Memory fills and drains in turns, so that lists are long and blocks merge.
static void churn(struct pair *pair, uint32_t events, uint32_t max_order)
{
	for (uint32_t i = 0; i < scaled(events); i++) {
		uint32_t takes = i / 2000 % 2 ? 35 : 65;

		if (pair->n_live && rng_below(&pair->rng, 100) >= takes)
			both_give(pair, rng_below(&pair->rng, pair->n_live));
		else
			both_take(pair, rng_below(&pair->rng, max_order + 1));
		compare(pair);
		if (i % 256 == 0)
			check(pair->alloc);
	}
}

static void finish(struct pair *pair)
{
	while (pair->n_live)
		both_give(pair, pair->n_live - 1);
	compare(pair);
	check(pair->alloc);
	page_alloc_destroy(pair->alloc);
}

TEST(random_blocks_equal_lists_searched_from_end_to_end)
{
	static struct pair pair;

	start(&pair, 0, 4096, 0);
	churn(&pair, 40000, 10);
	finish(&pair);
	start(&pair, 0x12345, 5000, 300);
	churn(&pair, 40000, 4);
	finish(&pair);
	start(&pair, 1023, 700, 10);
	churn(&pair, 20000, 6);
	finish(&pair);
}

// All pages out, then back in an order that merges late: every other page,
// then the rest from the end.
TEST(a_comb_of_pages_merges_as_the_lists_say)
{
	static struct pair pair;

	start(&pair, 0x300, 4096, 0);
	for (uint32_t i = 0; i < 4096; i++)
		both_take(&pair, 0);
	for (uint32_t i = 4096; i-- > 0;)
		if (pair.pfn[i] % 2)
			both_give(&pair, i);
	compare(&pair);
	check(pair.alloc);
	for (uint32_t i = 0; i < 512; i++)
		both_take(&pair, 0);
	finish(&pair);
}

// Orders 8, 4 and 0 as the system heap takes them, to exhaustion.
TEST(the_orders_of_the_system_heap_equal_the_lists_to_exhaustion)
{
	static const uint32_t orders[] = {8, 4, 0, 0};
	static struct pair pair;

	start(&pair, 0, 8192, 128);
	for (uint32_t i = 0; i < scaled(20000); i++) {
		if (pair.n_live && rng_below(&pair.rng, 100) < 45)
			both_give(&pair, rng_below(&pair.rng, pair.n_live));
		else
			both_take(&pair, orders[rng_below(&pair.rng, 4)]);
		compare(&pair);
	}
	finish(&pair);
}
