// SPDX-License-Identifier: MIT
//
// CMA pageblocks and ranges taken out of them, against the naive buddy: areas
// lend pages, call them back while movable ones are in the way, and return
// them, whole or in parts. Now and then the zone is saved and loaded.
#include "buddy_pair.h"

enum { MAX_LIVE = 8192, MAX_RANGES = 64 };

struct live {
	uint64_t pfn;
	uint32_t order;
	enum hk_migratetype type;
};

struct play {
	struct buddy_pair pair;
	struct pfn_range cma;
	struct rng rng;
	struct live live[MAX_LIVE];
	uint32_t n_live;
	struct pfn_range range[MAX_RANGES];
	uint32_t n_ranges;
};

static void compare(const struct play *play)
{
	pair_compare(&play->pair);
	compared(1);
}

static void start(struct play *play, struct pfn_range zone,
		  struct pfn_range cma, uint64_t min_free)
{
	*play = (struct play){.rng.state = cma.start + 1, .cma = cma};
	pair_start(&play->pair, zone, cma, min_free);
	page_alloc_add_cma(play->pair.alloc, cma.start, cma.end - cma.start);
	naive_buddy_add_cma(&play->pair.naive, cma.start, cma.end - cma.start);
	compare(play);
}

static bool take_one(struct play *play, uint32_t order,
		     enum hk_migratetype type)
{
	uint64_t pfn = pair_take(&play->pair, order, type);

	if (pfn == nowhere)
		return false;
	play->live[play->n_live++] = (struct live){pfn, order, type};
	return true;
}

static void give_one(struct play *play, uint32_t which)
{
	struct live live = play->live[which];

	play->live[which] = play->live[--play->n_live];
	pair_give(&play->pair, live.pfn, live.order);
}

// migrate_pages(): a new block, then the old one back.
static void migrate(struct play *play, struct pfn_range range)
{
	for (uint32_t i = play->n_live; i-- > 0;) {
		struct live live = play->live[i];

		if (live.pfn >= range.end ||
		    live.pfn + (UINT64_C(1) << live.order) <= range.start ||
		    live.type != HK_MIGRATE_MOVABLE)
			continue;
		if (take_one(play, live.order, live.type))
			give_one(play, i);
		compare(play);
	}
}

static struct pfn_range any_range(struct play *play, struct pfn_range of)
{
	uint64_t size = of.end - of.start;
	uint64_t pages = rng_size(&play->rng, 11);
	uint64_t start;

	if (pages > size)
		pages = size;
	start = of.start + rng_below(&play->rng, (uint32_t)(size - pages) + 1);
	return (struct pfn_range){start, start + pages};
}

// alloc_contig_range(), with or without migration, and something between its
// steps, as other CPUs do.
static void take_range(struct play *play, struct pfn_range range)
{
	struct page_alloc *alloc = play->pair.alloc;
	uint64_t pages = range.end - range.start;
	bool taken;

	page_alloc_isolate(alloc, range.start, pages);
	naive_buddy_isolate(&play->pair.naive, range.start, pages);
	compare(play);
	check(alloc);
	if (rng_below(&play->rng, 4))
		migrate(play, range);
	if (play->n_live && rng_below(&play->rng, 2))
		give_one(play, rng_below(&play->rng, play->n_live));
	taken = naive_buddy_take_range(&play->pair.naive, range.start, pages);
	CHECK_EQ(page_alloc_take_range(alloc, range.start, pages),
		 taken ? 0 : -EBUSY);
	compare(play);
	check(alloc);
	page_alloc_undo_isolate(alloc, range.start, pages);
	naive_buddy_undo_isolate(&play->pair.naive, range.start, pages);
	if (taken)
		play->range[play->n_ranges++] = range;
	compare(play);
}

static void give_part(struct play *play, uint64_t start, uint64_t end)
{
	page_alloc_give_range(play->pair.alloc, start, end - start);
	naive_buddy_give_range(&play->pair.naive, start, end - start);
	compare(play);
}

static void give_range(struct play *play, uint32_t which)
{
	struct pfn_range range = play->range[which];
	uint64_t middle =
		range.start +
		rng_below(&play->rng, (uint32_t)(range.end - range.start) + 1);

	play->range[which] = play->range[--play->n_ranges];
	give_part(play, middle, range.end);
	give_part(play, range.start, middle);
}

static void range_event(struct play *play, struct pfn_range anywhere)
{
	struct pfn_range of = rng_below(&play->rng, 4) ? play->cma : anywhere;

	if (play->n_ranges &&
	    (play->n_ranges == MAX_RANGES || rng_below(&play->rng, 2)))
		give_range(play, rng_below(&play->rng, play->n_ranges));
	else
		take_range(play, any_range(play, of));
}

static void block_event(struct play *play, uint32_t event, uint32_t max_order)
{
	uint32_t takes = event / 1000 % 2 ? 35 : 65;

	if (play->n_live && rng_below(&play->rng, 100) >= takes)
		give_one(play, rng_below(&play->rng, play->n_live));
	else
		take_one(play, rng_below(&play->rng, max_order + 1),
			 (enum hk_migratetype)(rng_below(&play->rng, 5) % 3));
	compare(play);
}

static struct page_alloc *new_zone(const struct play *play)
{
	const struct naive_buddy *naive = &play->pair.naive;
	struct page_alloc *alloc = NULL;

	CHECK_EQ(page_alloc_create(naive->start, naive->end - naive->start,
				   &play->cma, 1, naive->min_free, &alloc),
		 0);
	page_alloc_add_cma(alloc, play->cma.start,
			   play->cma.end - play->cma.start);
	return alloc;
}

// Go on with a new zone that was loaded from what the old one saved.
static void reload(struct play *play)
{
	static uint8_t bytes[1 << 16];
	const struct naive_buddy *naive = &play->pair.naive;
	struct state_writer out = {.bytes = bytes, .capacity = sizeof(bytes)};
	struct state_reader in = {.at = bytes};
	struct page_alloc *alloc = new_zone(play);

	page_alloc_save(play->pair.alloc, &out);
	CHECK(out.size <= sizeof(bytes));
	in.end = bytes + out.size;
	CHECK_EQ(claim_create(naive->start, naive->end, &in.memory), 0);
	CHECK_EQ(page_alloc_load(alloc, &in), 0);
	CHECK(in.at == in.end && !in.bad);
	claim_destroy(&in.memory);
	for (uint32_t i = 0; i < play->n_live; i++)
		if (play->live[i].type == HK_MIGRATE_MOVABLE)
			page_alloc_hold(alloc, play->live[i].pfn,
					play->live[i].order);
	page_alloc_destroy(play->pair.alloc);
	play->pair.alloc = alloc;
	compare(play);
}

static void churn(struct play *play, struct pfn_range anywhere, uint32_t events,
		  uint32_t max_order)
{
	for (uint32_t i = 0; i < scaled(events); i++) {
		if (rng_below(&play->rng, 40) == 0)
			range_event(play, anywhere);
		else
			block_event(play, i, max_order);
		if (i % 256 == 0)
			check(play->pair.alloc);
		if (i % 999 == 0)
			reload(play);
	}
	while (play->n_ranges)
		give_range(play, play->n_ranges - 1);
	while (play->n_live)
		give_one(play, play->n_live - 1);
	compare(play);
	check(play->pair.alloc);
	page_alloc_destroy(play->pair.alloc);
}

TEST(ranges_taken_from_cma_equal_pages_taken_one_by_one)
{
	static struct play play;
	const struct pfn_range middle = {1024, 4608};

	start(&play, (struct pfn_range){0, 6144}, middle, 0);
	churn(&play, (struct pfn_range){0, 6144}, 12000, 4);
	// An odd pageblock at both ends, in a zone that is not aligned.
	start(&play, (struct pfn_range){0x12345, 0x12345 + 5000},
	      (struct pfn_range){0x12600, 0x12a00}, 100);
	churn(&play, (struct pfn_range){0x12400, 0x13600}, 12000, 10);
}

// Nearly all memory is CMA, and movable requests go there first.
TEST(a_zone_of_mostly_cma_equals_pages_taken_one_by_one)
{
	static struct play play;

	start(&play, (struct pfn_range){0, 4096}, (struct pfn_range){512, 4096},
	      32);
	churn(&play, (struct pfn_range){512, 4096}, 12000, 2);
}
