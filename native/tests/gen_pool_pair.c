// SPDX-License-Identifier: MIT
#include "gen_pool_pair.h"

#include <errno.h>
#include <string.h>

#include "gen_pool_fixture.h"

static uint64_t naive_place(const struct gen_pool_pair *pair, uint32_t chunk,
			    uint32_t n, uint64_t offset)
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
		mask = (pair->align + PAGE - 1) / PAGE - 1;
		return naive_find(map, 0, n, mask,
				  (pair->base[chunk] & (pair->align - 1)) >>
					  SHIFT);
	case PAIR_FIXED:
		return naive_find(map, offset, n, 0, 0) == offset ? offset
								  : map->bits;
	default:
		return naive_find(map, 0, n, 0, 0);
	}
}

// Chunk after chunk, those with too little left skipped: gen_pool_alloc().
static bool naive_take(struct gen_pool_pair *pair, uint32_t n, uint64_t offset,
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
	struct gen_pool_pair *pair = context;
	const uint64_t size = (uint64_t)n * PAGE - pair->asked % PAGE;
	const uint64_t offset = pair->asked * 2654435761U % pair->map[0].bits;
	uint64_t expected = 0;
	const bool fits = naive_take(pair, n, offset, &expected);
	int err;

	pair->asked++;
	err = pair->rule == PAIR_FIXED
		      ? gen_pool_alloc_at(pair->pool, offset * PAGE, size,
					  &pair->held[slot].address)
		      : gen_pool_alloc(pair->pool, size,
				       &pair->held[slot].address);
	CHECK_EQ(err, fits ? 0 : -ENOMEM);
	if (fits)
		CHECK_EQ(pair->held[slot].address, expected);
	pair->held[slot].size = size;
	return fits;
}

static void both_give(void *context, uint32_t slot)
{
	struct gen_pool_pair *pair = context;
	const uint64_t address = pair->held[slot].address;
	const uint64_t size = pair->held[slot].size;
	uint32_t chunk = 0;

	while (address < pair->base[chunk] ||
	       pair->held[slot].address >=
		       pair->base[chunk] +
			       (uint64_t)pair->map[chunk].bits * PAGE)
		chunk++;
	gen_pool_free(pair->pool, address, size);
	naive_set(&pair->map[chunk],
		  (uint32_t)((address - pair->base[chunk]) / PAGE),
		  (uint32_t)((size + PAGE - 1) / PAGE), false);
}

static void compare(void *context)
{
	struct gen_pool_pair *pair = context;
	uint64_t avail = 0;
	uint64_t largest = 0;

	for (uint32_t chunk = 0; chunk < pair->n_chunks; chunk++) {
		const uint64_t longest = naive_longest(&pair->map[chunk]);

		avail += naive_free(&pair->map[chunk]);
		largest = longest > largest ? longest : largest;
	}
	CHECK_EQ(gen_pool_avail(pair->pool), avail * PAGE);
	CHECK_EQ(gen_pool_largest(pair->pool), largest * PAGE);
}

static void check_pool(void *context)
{
	const struct gen_pool_pair *pair = context;

	check(pair->pool);
}

void gen_pool_pair_start(struct gen_pool_pair *pair, uint32_t rule,
			 uint64_t align, const uint32_t *bits,
			 uint32_t n_chunks)
{
	memset(pair, 0, sizeof(*pair));
	pair->rule = rule;
	pair->align = align;
	pair->pool = create(
		rule == PAIR_FIXED ? HK_FIT_FIRST : (enum hk_fit)rule, align);
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

void gen_pool_pair_end(struct gen_pool_pair *pair)
{
	gen_pool_destroy(pair->pool);
}

struct subject gen_pool_pair_subject(struct gen_pool_pair *pair,
				     uint32_t max_size)
{
	return (struct subject){
		.context = pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.check = check_pool,
		.max_size = max_size,
	};
}
