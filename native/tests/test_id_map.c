// SPDX-License-Identifier: MIT
//
// Ids and their numbers, against a plain table.
#include "../src/id_map.h"

#include "../src/internal.h"
#include "harness.h"

enum { IDS = 400 };

static void check(const struct id_map *map)
{
	const char *rule = "";

	if (id_map_check(map, &rule))
		test_fail(__FILE__, __LINE__, rule);
}

TEST(an_id_is_found_by_its_number_until_it_is_removed)
{
	struct id_map map;
	uint32_t number;

	CHECK_EQ(id_map_init(&map), 0);
	CHECK_EQ(id_map_find(&map, 7), ID_NONE);
	CHECK_EQ(id_map_add(&map, 7, &number), 0);
	CHECK_EQ(id_map_find(&map, 7), number);
	id_map_remove(&map, 7);
	CHECK_EQ(id_map_find(&map, 7), ID_NONE);
	check(&map);
	id_map_destroy(&map);
}

TEST(the_extreme_ids_are_ids)
{
	struct id_map map;
	uint32_t number;

	CHECK_EQ(id_map_init(&map), 0);
	CHECK_EQ(id_map_add(&map, 0, &number), 0);
	CHECK_EQ(id_map_add(&map, UINT64_MAX, &number), 0);
	CHECK_EQ(id_map_find(&map, 0), 0);
	CHECK_EQ(id_map_find(&map, UINT64_MAX), 1);
	check(&map);
	id_map_destroy(&map);
}

TEST(numbers_are_used_again_so_that_ids_that_come_and_go_take_no_room)
{
	struct id_map map;
	uint32_t number;

	CHECK_EQ(id_map_init(&map), 0);
	for (uint64_t id = 0; id < 100000; id++) {
		CHECK_EQ(id_map_add(&map, id, &number), 0);
		CHECK(number < 4);
		if (id >= 3)
			id_map_remove(&map, id - 3);
	}
	CHECK_EQ(map.n_slots, 4);
	CHECK_EQ(map.mask + 1, 64);
	check(&map);
	id_map_destroy(&map);
}

// Spread ids, near ones, and such as differ in their high bits only.
static uint64_t id_of(uint32_t i)
{
	return i % 3 == 0 ? i : i % 3 == 1 ? (uint64_t)i << 40 : ~(uint64_t)i;
}

TEST(random_ids_keep_their_numbers)
{
	uint32_t number_of[IDS];
	bool held[IDS] = {false};
	struct rng rng = {4};
	struct id_map map;

	CHECK_EQ(id_map_init(&map), 0);
	for (uint32_t step = scaled(40000); step; step--) {
		const uint32_t i = rng_below(&rng, IDS);

		CHECK_EQ(id_map_find(&map, id_of(i)),
			 held[i] ? number_of[i] : ID_NONE);
		if (held[i])
			id_map_remove(&map, id_of(i));
		else
			CHECK_EQ(id_map_add(&map, id_of(i), &number_of[i]), 0);
		held[i] = !held[i];
		if (step % 64 == 0)
			check(&map);
	}
	id_map_destroy(&map);
}

TEST(a_map_that_starves_is_as_it_was)
{
	struct id_map map;
	uint32_t number, starved = 0;

	fail_allocation(1);
	CHECK_EQ(id_map_init(&map), OUT_OF_CORE);
	CHECK_EQ(id_map_init(&map), 0);
	for (uint64_t id = 0; id < 1000; id++) {
		fail_allocation(1);
		if (id_map_add(&map, id, &number)) {
			starved++;
			CHECK_EQ(id_map_find(&map, id), ID_NONE);
			check(&map);
			CHECK_EQ(id_map_add(&map, id, &number), 0);
		}
		fail_allocation(0);
		CHECK_EQ(number, id);
	}
	CHECK(starved > 4);
	id_map_destroy(&map);
}
