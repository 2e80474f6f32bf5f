// SPDX-License-Identifier: MIT
//
// Includes the source, so that a test may break what only it can see.
#include "../src/gen_pool.c"

#include <string.h>

#include "gen_pool_fixture.h"
#include "harness.h"

static const uint64_t nowhere = UINT64_MAX;

// A pool of one chunk at @base whose granules are taken where @map has a #.
static struct gen_pool *parse(enum hk_fit fit, uint64_t align, uint64_t base,
			      const char *map)
{
	struct gen_pool *pool = create(fit, align);
	uint64_t address;

	CHECK_EQ(gen_pool_add(pool, base, strlen(map) * PAGE), 0);
	for (uint64_t bit = 0; map[bit]; bit++)
		if (map[bit] == '#')
			CHECK_EQ(gen_pool_alloc_at(pool, bit * PAGE, PAGE,
						   &address),
				 0);
	check(pool);
	return pool;
}

static uint64_t place_of(struct gen_pool *pool, uint64_t granules)
{
	uint64_t address;

	if (gen_pool_alloc(pool, granules * PAGE, &address))
		return nowhere;
	gen_pool_free(pool, address, granules * PAGE);
	check(pool);
	return address / PAGE;
}

static const char *const holes = "..###....##..#......";

TEST(first_fit_takes_the_first_hole_that_is_long_enough)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 0, holes);

	CHECK_EQ(place_of(pool, 2), 0);
	CHECK_EQ(place_of(pool, 3), 5);
	CHECK_EQ(place_of(pool, 7), nowhere);
	gen_pool_destroy(pool);
}

TEST(best_fit_takes_the_shortest_hole_and_the_lowest_of_equals)
{
	struct gen_pool *pool = parse(HK_FIT_BEST, 0, 0, holes);

	CHECK_EQ(place_of(pool, 2), 0);
	CHECK_EQ(place_of(pool, 3), 5);
	CHECK_EQ(place_of(pool, 4), 5);
	CHECK_EQ(place_of(pool, 5), 14);
	CHECK_EQ(place_of(pool, 7), nowhere);
	gen_pool_destroy(pool);
	pool = parse(HK_FIT_BEST, 0, 0, "#.#..#.");
	CHECK_EQ(place_of(pool, 1), 1);
	CHECK_EQ(place_of(pool, 2), 3);
	gen_pool_destroy(pool);
}

// Equal holes of each length around a power of two, apart by one granule: the
// exact one is taken, and of two exact ones the lower.
TEST(best_fit_holds_at_the_borders_of_every_power_of_two)
{
	for (uint64_t length = 1; length <= 260; length++) {
		struct gen_pool *pool = NULL;
		uint64_t hole[3], at[3], apart;
		const uint64_t sizes[] = {length + 1, length, length};

		CHECK_EQ(gen_pool_create(12, HK_FIT_BEST, 0, &pool), 0);
		CHECK_EQ(gen_pool_add(pool, 0, 2000 * PAGE), 0);
		for (int i = 0; i < 3; i++) {
			CHECK_EQ(gen_pool_alloc(pool, PAGE, &apart), 0);
			CHECK_EQ(
				gen_pool_alloc(pool, sizes[i] * PAGE, &hole[i]),
				0);
		}
		CHECK_EQ(gen_pool_alloc(pool, PAGE, &apart), 0);
		for (int i = 0; i < 3; i++)
			gen_pool_free(pool, hole[i], sizes[i] * PAGE);
		for (int i = 0; i < 3; i++)
			CHECK_EQ(gen_pool_alloc(pool, length * PAGE, &at[i]),
				 0);
		CHECK_EQ(at[0], hole[1]);
		CHECK_EQ(at[1], hole[2]);
		CHECK_EQ(at[2], hole[0]);
		gen_pool_destroy(pool);
	}
}

TEST(order_align_aligns_to_the_next_power_of_two_within_the_chunk)
{
	struct gen_pool *pool = parse(HK_FIT_ORDER_ALIGN, 0, 0, holes);

	CHECK_EQ(place_of(pool, 3), 16);
	CHECK_EQ(place_of(pool, 2), 0);
	CHECK_EQ(place_of(pool, 5), nowhere);
	gen_pool_destroy(pool);
	pool = parse(HK_FIT_ORDER_ALIGN, 0, 3 * PAGE, holes);
	CHECK_EQ(place_of(pool, 3), 3 + 16);
	gen_pool_destroy(pool);
}

TEST(first_align_aligns_the_address_not_the_bit)
{
	struct gen_pool *pool =
		parse(HK_FIT_FIRST_ALIGN, 4 * PAGE, PAGE, holes);

	// Bit 7 of a chunk that starts at page 1.
	CHECK_EQ(place_of(pool, 2), 8);
	gen_pool_destroy(pool);
}

TEST(an_alignment_below_a_granule_is_none)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST_ALIGN, 64, 0, "#..");

	CHECK_EQ(place_of(pool, 2), 1);
	gen_pool_destroy(pool);
}

TEST(fixed_takes_the_asked_place_or_nothing)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 7 * PAGE, holes);
	uint64_t address;

	CHECK_EQ(gen_pool_alloc_at(pool, 6 * PAGE, 3 * PAGE, &address), 0);
	CHECK_EQ(address, 13 * PAGE);
	CHECK_EQ(gen_pool_alloc_at(pool, 6 * PAGE, PAGE, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc_at(pool, PAGE, 2 * PAGE, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc_at(pool, 19 * PAGE, 2 * PAGE, &address),
		 -ENOMEM);
	CHECK_EQ(gen_pool_alloc_at(pool, 20 * PAGE, PAGE, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc_at(pool, 1, PAGE, &address), -EINVAL);
	CHECK_EQ(gen_pool_alloc_at(pool, 0, 0, &address), -ENOMEM);
	check(pool);
	gen_pool_destroy(pool);
}

TEST(size_zero_and_sizes_beyond_the_pool_fail)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 0, "....");
	uint64_t address;

	CHECK_EQ(gen_pool_alloc(pool, 0, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc(pool, 4 * PAGE + 1, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc(pool, UINT64_MAX, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc(pool, 4 * PAGE, &address), 0);
	CHECK_EQ(address, 0);
	gen_pool_destroy(pool);
}

TEST(the_chunk_added_last_is_searched_first)
{
	struct gen_pool *pool = create(HK_FIT_FIRST, 0);
	uint64_t address;

	CHECK_EQ(gen_pool_add(pool, 0, 4 * PAGE), 0);
	CHECK_EQ(gen_pool_add(pool, 16 * PAGE, 2 * PAGE), 0);
	CHECK_EQ(gen_pool_alloc(pool, 2 * PAGE, &address), 0);
	CHECK_EQ(address, 16 * PAGE);
	CHECK_EQ(gen_pool_largest(pool), 4 * PAGE);
	CHECK_EQ(gen_pool_alloc(pool, PAGE, &address), 0);
	CHECK_EQ(address, 0);
	gen_pool_free(pool, 16 * PAGE, 2 * PAGE);
	CHECK_EQ(place_of(pool, 1), 16);
	check(pool);
	gen_pool_destroy(pool);
}

TEST(a_remainder_counts_as_available_but_is_never_placed)
{
	struct gen_pool *pool = create(HK_FIT_FIRST, 0);
	uint64_t address;

	CHECK_EQ(gen_pool_add(pool, 0, 2 * PAGE + PAGE / 2), 0);
	CHECK_EQ(gen_pool_avail(pool), 2 * PAGE + PAGE / 2);
	CHECK_EQ(gen_pool_largest(pool), 2 * PAGE);
	CHECK_EQ(gen_pool_alloc(pool, 2 * PAGE + 1, &address), -ENOMEM);
	CHECK_EQ(gen_pool_alloc(pool, PAGE + 1, &address), 0);
	CHECK_EQ(gen_pool_avail(pool), PAGE / 2);
	CHECK_EQ(gen_pool_alloc(pool, 1, &address), -ENOMEM);
	check(pool);
	gen_pool_destroy(pool);
}

TEST(a_chunk_may_end_at_the_last_address_but_not_wrap)
{
	struct gen_pool *pool = create(HK_FIT_FIRST, 0);
	uint64_t top = UINT64_MAX - PAGE + 1;
	uint64_t address;

	CHECK_EQ(gen_pool_add(pool, top, 2 * PAGE), -EINVAL);
	CHECK_EQ(gen_pool_add(pool, 0, PAGE - 1), -EINVAL);
	CHECK_EQ(gen_pool_add(pool, 0, UINT64_MAX), -EINVAL);
	CHECK_EQ(gen_pool_add(pool, top, PAGE), 0);
	CHECK_EQ(gen_pool_alloc(pool, PAGE, &address), 0);
	CHECK_EQ(address, top);
	gen_pool_free(pool, top, PAGE);
	check(pool);
	gen_pool_destroy(pool);
}

struct seen {
	uint32_t count;
	uint64_t address[8];
	uint64_t size[8];
};

static void see(void *context, uint64_t address, uint64_t size)
{
	struct seen *seen = context;

	seen->address[seen->count] = address;
	seen->size[seen->count++] = size;
}

TEST(a_walk_visits_the_holes_in_order)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, PAGE, holes);
	struct seen seen = {0};

	gen_pool_walk_free(pool, see, &seen);
	CHECK_EQ(seen.count, 4);
	CHECK_EQ(seen.address[1], 6 * PAGE);
	CHECK_EQ(seen.size[1], 4 * PAGE);
	CHECK_EQ(seen.address[3], 15 * PAGE);
	CHECK_EQ(seen.size[3], 6 * PAGE);
	gen_pool_destroy(pool);
}

// The 10 MB carveout of the Exynos change that took deferred freeing out of it
// (reference: commit d985013f), with frees at once.
TEST(a_carveout_with_immediate_frees_keeps_room_for_the_fifth_buffer)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 0, "..........");
	uint64_t address;

	CHECK_EQ(gen_pool_alloc(pool, 4 * PAGE, &address), 0);
	CHECK_EQ(gen_pool_alloc(pool, 2 * PAGE, &address), 0);
	gen_pool_free(pool, 0, 4 * PAGE);
	gen_pool_free(pool, 4 * PAGE, 2 * PAGE);
	CHECK_EQ(gen_pool_alloc(pool, 3 * PAGE, &address), 0);
	CHECK_EQ(gen_pool_alloc(pool, 4 * PAGE, &address), 0);
	CHECK_EQ(gen_pool_alloc(pool, 3 * PAGE, &address), 0);
	CHECK_EQ(address, 7 * PAGE);
	gen_pool_destroy(pool);
}

TEST(a_false_count_of_available_bytes_is_noticed)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 0, holes);
	const char *rule = "";

	pool->chunks->avail += PAGE;
	CHECK_EQ(gen_pool_check(pool, &rule), -EUCLEAN);
	CHECK(strstr(rule, "avail"));
	gen_pool_destroy(pool);
}

TEST(a_hole_missing_or_invented_is_noticed_by_best_fit)
{
	struct gen_pool *pool = parse(HK_FIT_BEST, 0, 0, holes);
	const char *rule = "";

	hole_index_remove(pool->chunks->holes, 5, 4);
	CHECK_EQ(gen_pool_check(pool, &rule), -EUCLEAN);
	hole_index_add(pool->chunks->holes, 5, 4);
	hole_index_add(pool->chunks->holes, 9, 2);
	CHECK_EQ(gen_pool_check(pool, &rule), -EUCLEAN);
	CHECK(strstr(rule, "holes"));
	hole_index_remove(pool->chunks->holes, 9, 2);
	check(pool);
	gen_pool_destroy(pool);
}

TEST(a_broken_index_is_noticed_through_the_pool)
{
	struct gen_pool *pool = parse(HK_FIT_FIRST, 0, 0, holes);
	const char *rule = "";

	// A hole given twice: the index is told, the pool is not.
	run_index_give(pool->chunks->index, 2, 1);
	CHECK_EQ(gen_pool_check(pool, &rule), -EUCLEAN);
	gen_pool_destroy(pool);
}

static int create_and_add(enum hk_fit fit, struct gen_pool **pool)
{
	int err = gen_pool_create(SHIFT, fit, 1, pool);

	if (err)
		return err;
	err = gen_pool_add(*pool, 0, 100 * PAGE);
	if (err)
		gen_pool_destroy(*pool);
	return err;
}

TEST(a_pool_survives_the_loss_of_any_allocation)
{
	for (uint32_t fit = 0; fit < HK_NR_FITS; fit++) {
		struct gen_pool *pool = NULL;
		uint32_t nth = 0;
		int err;

		do {
			fail_allocation(++nth);
			err = create_and_add((enum hk_fit)fit, &pool);
		} while (err == -ENOMEM);
		fail_allocation(0);
		CHECK_EQ(err, 0);
		CHECK(nth > 5);
		check(pool);
		gen_pool_destroy(pool);
	}
	gen_pool_destroy(NULL);
}
