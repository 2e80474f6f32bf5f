// SPDX-License-Identifier: MIT
//
// Every placement rule, over one chunk and over several, against linear scans
// and with sequences that look for trouble.
#include <errno.h>
#include <string.h>

#include "adversary.h"
#include "gen_pool_fixture.h"
#include "naive_bitmap.h"

enum { MAX_CHUNKS = 3, FIXED = HK_NR_FITS, NR_RULES };

struct held {
	uint64_t address;
	uint64_t size;
};

struct pair {
	uint32_t rule; // enum hk_fit, or FIXED
	uint64_t align;
	struct gen_pool *pool;
	uint32_t n_chunks;
	uint64_t base[MAX_CHUNKS]; // in the order of the search
	struct naive_bitmap map[MAX_CHUNKS];
	struct held held[ADVERSARY_SLOTS];
	uint64_t asked; // seeds the offsets of the fixed rule
};

static uint64_t naive_place(const struct pair *pair, uint32_t chunk, uint32_t n,
			    uint64_t offset)
{
	const struct naive_bitmap *map = &pair->map[chunk];
	uint64_t mask = 0;

	switch (pair->rule) {
	case HK_FIT_BEST:
		return naive_best(map, n);
	case HK_FIT_ORDER_ALIGN:
		while (mask + 1 < n)
			mask = 2 * mask + 1;
		return naive_find(map, 0, n, mask, 0);
	case HK_FIT_FIRST_ALIGN:
		mask = pair->align / PAGE - 1;
		return naive_find(map, 0, n, mask,
				  (pair->base[chunk] & (pair->align - 1)) >>
					  SHIFT);
	case FIXED:
		return naive_find(map, offset, n, 0, 0) == offset ? offset
								  : map->bits;
	default:
		return naive_find(map, 0, n, 0, 0);
	}
}

// Chunk after chunk, those with too little left skipped: gen_pool_alloc().
static bool naive_take(struct pair *pair, uint32_t n, uint64_t offset,
		       uint64_t *address)
{
	for (uint32_t chunk = 0; chunk < pair->n_chunks; chunk++) {
		struct naive_bitmap *map = &pair->map[chunk];
		uint64_t at;

		if (naive_free(map) < n)
			continue;
		at = naive_place(pair, chunk, n, offset);
		if (at + n > map->bits)
			continue;
		naive_set(map, (uint32_t)at, n, true);
		*address = pair->base[chunk] + at * PAGE;
		return true;
	}
	return false;
}

static bool both_take(void *context, uint32_t slot, uint32_t n)
{
	struct pair *pair = context;
	struct held *held = &pair->held[slot];
	const uint64_t size = (uint64_t)n * PAGE - pair->asked % PAGE;
	const uint64_t offset = pair->asked * 2654435761U % pair->map[0].bits;
	uint64_t expected = 0;
	const bool fits = naive_take(pair, n, offset, &expected);
	int err;

	pair->asked++;
	err = pair->rule == FIXED
		      ? gen_pool_alloc_at(pair->pool, offset * PAGE, size,
					  &held->address)
		      : gen_pool_alloc(pair->pool, size, &held->address);
	CHECK_EQ(err, fits ? 0 : -ENOMEM);
	if (fits)
		CHECK_EQ(held->address, expected);
	held->size = size;
	return fits;
}

static void both_give(void *context, uint32_t slot)
{
	struct pair *pair = context;
	const struct held *held = &pair->held[slot];
	uint32_t chunk = 0;

	while (held->address < pair->base[chunk] ||
	       held->address >= pair->base[chunk] +
					(uint64_t)pair->map[chunk].bits * PAGE)
		chunk++;
	gen_pool_free(pair->pool, held->address, held->size);
	naive_set(&pair->map[chunk],
		  (uint32_t)((held->address - pair->base[chunk]) / PAGE),
		  (uint32_t)((held->size + PAGE - 1) / PAGE), false);
}

static void compare(void *context)
{
	struct pair *pair = context;
	uint64_t avail = 0;
	uint64_t largest = 0;

	for (uint32_t chunk = 0; chunk < pair->n_chunks; chunk++) {
		const uint64_t longest = naive_longest(&pair->map[chunk]);

		avail += naive_free(&pair->map[chunk]);
		largest = longest > largest ? longest : largest;
	}
	CHECK_EQ(gen_pool_avail(pair->pool), avail * PAGE);
	CHECK_EQ(gen_pool_largest(pair->pool), largest * PAGE);
	if (pair->asked % 256 == 0)
		check(pair->pool);
}

// The chunk that is added last is searched first.
static void start(struct pair *pair, uint32_t rule, const uint32_t *bits,
		  uint32_t n_chunks)
{
	memset(pair, 0, sizeof(*pair));
	pair->rule = rule;
	pair->align = 8 * PAGE;
	pair->pool = create(rule == FIXED ? HK_FIT_FIRST : (enum hk_fit)rule,
			    pair->align);
	pair->n_chunks = n_chunks;
	for (uint32_t chunk = n_chunks; chunk-- > 0;) {
		// A base that is aligned to a page and to nothing more.
		pair->base[chunk] = 0x12345000 + 0x10000000 * (uint64_t)chunk;
		naive_clear(&pair->map[chunk], bits[chunk]);
		CHECK_EQ(gen_pool_add(pair->pool, pair->base[chunk],
				      (uint64_t)bits[chunk] * PAGE),
			 0);
	}
}

static void play(uint32_t rule, const uint32_t *bits, uint32_t n_chunks,
		 uint32_t max_size, uint32_t events)
{
	static struct pair pair;
	const struct subject subject = {
		.context = &pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.max_size = max_size,
	};

	start(&pair, rule, bits, n_chunks);
	adversary_play(&subject, events, rule + 1);
	check(pair.pool);
	gen_pool_destroy(pair.pool);
}

// A word less a bit and a word more, a length that is no multiple of anything,
// and three chunks of which the first is too small for most.
static void play_rule(uint32_t rule)
{
	static const uint32_t one[] = {1021}, edge[] = {129},
			      three[] = {63, 400, 65};

	play(rule, one, 1, 300, 2000);
	play(rule, edge, 1, 129, 1000);
	play(rule, three, 3, 128, 1000);
}

TEST(no_sequence_parts_first_fit_from_a_linear_scan)
{
	play_rule(HK_FIT_FIRST);
}

TEST(no_sequence_parts_best_fit_from_a_linear_scan)
{
	play_rule(HK_FIT_BEST);
}

TEST(no_sequence_parts_first_align_from_a_linear_scan)
{
	play_rule(HK_FIT_FIRST_ALIGN);
}

TEST(no_sequence_parts_order_align_from_a_linear_scan)
{
	play_rule(HK_FIT_ORDER_ALIGN);
}

TEST(no_sequence_parts_the_fixed_rule_from_a_linear_scan)
{
	play_rule(FIXED);
}
