// SPDX-License-Identifier: MIT
//
// Includes the source, so that a test may break what only it can see.
#include "../src/hole_index.c"

#include <string.h>

#include "harness.h"

static struct hole_index *create(uint32_t bits)
{
	struct hole_index *index = NULL;

	CHECK_EQ(hole_index_create(bits, &index), 0);
	return index;
}

TEST(an_index_without_holes_finds_none)
{
	struct hole_index *index = create(1000);
	uint32_t length;
	uint32_t from;

	CHECK(!hole_index_best(index, 1, &length, &from));
	CHECK_EQ(hole_index_check(index, 0), 0);
	hole_index_destroy(index);
}

TEST(the_shortest_sufficient_hole_is_found)
{
	struct hole_index *index = create(1000);
	uint32_t length;
	uint32_t from;

	hole_index_add(index, 10, 5);
	hole_index_add(index, 100, 300);
	hole_index_add(index, 900, 7);
	CHECK(hole_index_best(index, 6, &length, &from));
	CHECK_EQ(length, 7);
	CHECK(from <= 900 && from > 100);
	CHECK(hole_index_best(index, 8, &length, &from));
	CHECK_EQ(length, 300);
	CHECK(!hole_index_best(index, 301, &length, &from));
	CHECK(!hole_index_best(index, 1000, &length, &from));
	CHECK(!hole_index_best(index, UINT32_MAX, &length, &from));
	CHECK_EQ(hole_index_check(index, 3), 0);
	hole_index_destroy(index);
}

TEST(of_equal_holes_the_lowest_is_found)
{
	struct hole_index *index = create(1000);
	uint32_t length;
	uint32_t from;

	hole_index_add(index, 500, 6);
	hole_index_add(index, 20, 6);
	hole_index_add(index, 27, 6);
	CHECK(hole_index_best(index, 6, &length, &from));
	CHECK(from <= 20);
	hole_index_remove(index, 20, 6);
	CHECK(hole_index_best(index, 6, &length, &from));
	CHECK(from > 20 && from <= 27);
	hole_index_destroy(index);
}

// The first bit of every length, in a map of a size that is no power of two.
TEST(every_length_up_to_the_whole_map_has_its_key)
{
	enum { BITS = 777 };
	struct hole_index *index = create(BITS);

	for (uint32_t length = 1; length <= BITS; length++) {
		uint32_t last = BITS - length;
		uint32_t found;
		uint32_t from;

		hole_index_add(index, last, length);
		CHECK(hole_index_holds(index, last, length));
		CHECK(hole_index_best(index, 1, &found, &from));
		CHECK_EQ(found, length);
		CHECK(from <= last && last - from < length);
		CHECK_EQ(hole_index_check(index, 1), 0);
		hole_index_remove(index, last, length);
	}
	CHECK_EQ(hole_index_check(index, 0), 0);
	hole_index_destroy(index);
}

TEST(a_hole_of_a_word_or_more_is_known_to_the_bit)
{
	struct hole_index *index = create(5000);
	uint32_t length;
	uint32_t from;

	for (uint32_t k = 6; k < 12; k++) {
		for (uint32_t off = 0; off < 3; off++) {
			uint32_t wanted = (UINT32_C(1) << k) + off - 1;
			uint32_t run = 3 * 64 + 13 * k + off;

			hole_index_add(index, run, wanted);
			CHECK(hole_index_best(index, wanted, &length, &from));
			CHECK_EQ(length, wanted);
			CHECK(from <= run);
			if (wanted >= HOLE_EXACT)
				CHECK_EQ(from, run);
			hole_index_remove(index, run, wanted);
		}
	}
	CHECK_EQ(hole_index_check(index, 0), 0);
	hole_index_destroy(index);
}

TEST(an_index_for_one_bit_works)
{
	struct hole_index *index = create(1);
	uint32_t length;
	uint32_t from;

	hole_index_add(index, 0, 1);
	CHECK(hole_index_best(index, 1, &length, &from));
	CHECK_EQ(length, 1);
	CHECK_EQ(from, 0);
	CHECK(!hole_index_best(index, 2, &length, &from));
	hole_index_destroy(index);
}

TEST(a_summary_that_lies_is_noticed)
{
	struct hole_index *index = create(1000);

	hole_index_add(index, 10, 5);
	index->level[1][0] ^= 1;
	CHECK_EQ(hole_index_check(index, 1), -EUCLEAN);
	hole_index_destroy(index);
}

TEST(a_hole_too_many_is_noticed)
{
	struct hole_index *index = create(1000);

	hole_index_add(index, 10, 5);
	CHECK_EQ(hole_index_check(index, 0), -EUCLEAN);
	CHECK_EQ(hole_index_check(index, 2), -EUCLEAN);
	hole_index_destroy(index);
}

TEST(an_index_of_holes_survives_the_loss_of_any_allocation)
{
	struct hole_index *index = NULL;
	uint32_t nth = 0;
	int err;

	do {
		fail_allocation(++nth);
		err = hole_index_create(100, &index);
	} while (err == -ENOMEM);
	fail_allocation(0);
	CHECK_EQ(err, 0);
	CHECK(nth > 2);
	hole_index_destroy(index);
	hole_index_destroy(NULL);
}
