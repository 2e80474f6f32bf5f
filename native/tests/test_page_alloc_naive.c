// SPDX-License-Identifier: MIT
//
// The buddy allocator against lists searched from end to end, with blocks of
// all types at random.
#include "buddy_pair.h"

struct play {
	struct buddy_pair pair;
	struct rng rng;
	uint64_t pfn[NAIVE_BLOCKS];
	uint32_t order[NAIVE_BLOCKS];
	uint32_t n_live;
};

// One type seldom, one often: pageblocks of all types, none of them pure.
static enum hk_migratetype any_type(struct play *play)
{
	static const enum hk_migratetype types[] = {
		HK_MIGRATE_UNMOVABLE, HK_MIGRATE_MOVABLE,
		HK_MIGRATE_MOVABLE,   HK_MIGRATE_MOVABLE,
		HK_MIGRATE_MOVABLE,   HK_MIGRATE_UNMOVABLE,
		HK_MIGRATE_UNMOVABLE, HK_MIGRATE_RECLAIMABLE,
	};

	return types[rng_below(&play->rng, 8)];
}

static void take_one(struct play *play, uint32_t order,
		     enum hk_migratetype type)
{
	uint64_t pfn = pair_take(&play->pair, order, type);

	if (pfn == nowhere)
		return;
	play->pfn[play->n_live] = pfn;
	play->order[play->n_live++] = order;
}

static void give_one(struct play *play, uint32_t which)
{
	uint64_t pfn = play->pfn[which];
	uint32_t order = play->order[which];

	play->n_live--;
	play->pfn[which] = play->pfn[play->n_live];
	play->order[which] = play->order[play->n_live];
	pair_give(&play->pair, pfn, order);
}

static void compare(const struct play *play)
{
	pair_compare(&play->pair);
	compared(1);
}

static void start(struct play *play, struct pfn_range zone,
		  struct pfn_range hole, uint64_t min_free)
{
	*play = (struct play){.rng.state = zone.end};
	pair_start(&play->pair, zone, hole, min_free);
}

// Memory fills and drains in turns, so that lists are long and blocks merge.
static void churn(struct play *play, uint32_t events, uint32_t max_order)
{
	for (uint32_t i = 0; i < scaled(events); i++) {
		uint32_t takes = i / 2000 % 2 ? 35 : 65;

		if (play->n_live && rng_below(&play->rng, 100) >= takes)
			give_one(play, rng_below(&play->rng, play->n_live));
		else
			take_one(play, rng_below(&play->rng, max_order + 1),
				 any_type(play));
		compare(play);
		if (i % 256 == 0)
			check(play->pair.alloc);
	}
}

static void finish(struct play *play)
{
	while (play->n_live)
		give_one(play, play->n_live - 1);
	compare(play);
	check(play->pair.alloc);
	page_alloc_destroy(play->pair.alloc);
}

static const struct pfn_range no_hole;

TEST(random_blocks_equal_lists_searched_from_end_to_end)
{
	static struct play play;

	start(&play, (struct pfn_range){0, 8192}, no_hole, 0);
	churn(&play, 15000, 10);
	finish(&play);
	start(&play, (struct pfn_range){0x12345, 0x12345 + 5000}, no_hole, 300);
	churn(&play, 15000, 4);
	finish(&play);
	start(&play, (struct pfn_range){1023, 1723}, no_hole, 10);
	churn(&play, 15000, 6);
	finish(&play);
}

// Pageblocks with a hole in them or across the zone's ends.
TEST(random_blocks_around_a_hole_equal_lists_searched_from_end_to_end)
{
	static struct play play;

	start(&play, (struct pfn_range){300, 6000},
	      (struct pfn_range){1500, 2900}, 0);
	churn(&play, 15000, 9);
	finish(&play);
	start(&play, (struct pfn_range){0, 4096}, (struct pfn_range){0, 512},
	      64);
	churn(&play, 15000, 3);
	finish(&play);
}

// All pages out, then back in an order that merges late: every other page,
// then the rest from the end.
TEST(a_comb_of_pages_merges_as_the_lists_say)
{
	static struct play play;

	start(&play, (struct pfn_range){0x300, 0x1300}, no_hole, 0);
	for (uint32_t i = 0; i < 4096; i++)
		take_one(&play, 0,
			 i % 3 ? HK_MIGRATE_MOVABLE : any_type(&play));
	for (uint32_t i = 4096; i-- > 0;)
		if (play.pfn[i] % 2)
			give_one(&play, i);
	compare(&play);
	check(play.pair.alloc);
	for (uint32_t i = 0; i < 512; i++)
		take_one(&play, 0, any_type(&play));
	finish(&play);
}

// Orders 8, 4 and 0 as the system heap takes them, beside single movable
// pages, to exhaustion.
TEST(a_system_heap_beside_movable_pages_equals_the_lists_to_exhaustion)
{
	static const uint32_t orders[] = {8, 4, 0, 0};
	static struct play play;

	start(&play, (struct pfn_range){0, 8192}, no_hole, 128);
	for (uint32_t i = 0; i < scaled(15000); i++) {
		if (play.n_live && rng_below(&play.rng, 100) < 45)
			give_one(&play, rng_below(&play.rng, play.n_live));
		else if (rng_below(&play.rng, 3))
			take_one(&play, 0, HK_MIGRATE_MOVABLE);
		else
			take_one(&play, orders[rng_below(&play.rng, 4)],
				 HK_MIGRATE_UNMOVABLE);
		compare(&play);
	}
	finish(&play);
}
