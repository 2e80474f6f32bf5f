// SPDX-License-Identifier: MIT
//
// Includes the source, so that a test may break what only it can see.
#include "../src/run_index.c"

#include <string.h>

#include "harness.h"
#include "run_index_fixture.h"

static void take(struct run_index *index, uint32_t at, uint32_t bits)
{
	run_index_take(index, run_index_at(index, at), at, bits);
}

// An index whose free runs are the dots of @text.
static struct run_index *parse(const char *text)
{
	struct run_index *index = create((uint32_t)strlen(text));

	for (uint32_t bit = 0; text[bit]; bit++)
		if (text[bit] == '#')
			take(index, bit, 1);
	check(index);
	return index;
}

static void check_broken(struct run_index *index, const char *expected)
{
	const char *rule = "";

	CHECK_EQ(run_index_check(index, &rule), -EUCLEAN);
	CHECK(strstr(rule, expected));
	run_index_destroy(index);
}

TEST(a_new_index_is_one_free_run)
{
	struct run_index *index = create(1000);

	CHECK_EQ(run_index_free(index), 1000);
	CHECK_EQ(run_index_longest(index), 1000);
	CHECK_EQ(run_index_length(index, 0), 1000);
	CHECK_EQ(run_index_length_before(index, 1000), 1000);
	CHECK_EQ(run_index_length_before(index, 0), 0);
	check(index);
	run_index_destroy(index);
}

TEST(runs_are_found_by_their_start_and_length)
{
	struct run_index *index = parse("..###....##..#......");

	CHECK_EQ(run_index_next(index, 0, 1), 0);
	CHECK_EQ(run_index_next(index, 0, 3), 5);
	CHECK_EQ(run_index_next(index, 5, 3), 5);
	CHECK_EQ(run_index_next(index, 6, 3), 14);
	CHECK_EQ(run_index_next(index, 6, 1), 11);
	CHECK_EQ(run_index_next(index, 0, 7), HK_NO_RUN);
	CHECK_EQ(run_index_next(index, 20, 1), HK_NO_RUN);
	CHECK_EQ(run_index_longest(index), 6);
	run_index_destroy(index);
}

TEST(a_bit_is_traced_to_the_run_that_holds_it)
{
	struct run_index *index = parse("..###....##..#......");

	CHECK_EQ(run_index_at(index, 1), 0);
	CHECK_EQ(run_index_at(index, 2), HK_NO_RUN);
	CHECK_EQ(run_index_at(index, 8), 5);
	CHECK_EQ(run_index_at(index, 19), 14);
	run_index_destroy(index);
}

TEST(a_search_may_start_in_the_middle_of_a_run)
{
	struct run_index *index = parse("..###....##..#......");
	uint32_t run;

	CHECK_EQ(run_index_find(index, 6, 3, 0, &run), 6);
	CHECK_EQ(run, 5);
	CHECK_EQ(run_index_find(index, 7, 3, 0, &run), 14);
	CHECK_EQ(run_index_find(index, 15, 2, 2, &run), 16);
	CHECK_EQ(run, 14);
	CHECK_EQ(run_index_find(index, 20, 1, 0, &run), HK_NO_RUN);
	run_index_destroy(index);
}

TEST(taking_splits_a_run_and_giving_joins_it_again)
{
	struct run_index *index = create(100);

	take(index, 40, 20);
	CHECK_EQ(run_index_length(index, 0), 40);
	CHECK_EQ(run_index_length(index, 60), 40);
	CHECK_EQ(run_index_free(index), 80);
	check(index);
	run_index_give(index, 40, 20);
	CHECK_EQ(run_index_length(index, 0), 100);
	CHECK_EQ(run_index_length(index, 60), 0);
	check(index);
	run_index_destroy(index);
}

TEST(giving_joins_the_left_neighbour_the_right_one_or_none)
{
	struct run_index *index = parse(".####.");

	run_index_give(index, 1, 1);
	CHECK_EQ(run_index_length(index, 0), 2);
	run_index_give(index, 4, 1);
	CHECK_EQ(run_index_length(index, 4), 2);
	check(index);
	run_index_destroy(index);
	index = parse("#####");
	run_index_give(index, 2, 1);
	CHECK_EQ(run_index_length(index, 2), 1);
	check(index);
	run_index_destroy(index);
}

TEST(an_index_of_one_bit_can_be_filled_and_emptied)
{
	struct run_index *index = create(1);

	take(index, 0, 1);
	CHECK_EQ(run_index_longest(index), 0);
	CHECK_EQ(run_index_next(index, 0, 1), HK_NO_RUN);
	check(index);
	run_index_give(index, 0, 1);
	CHECK_EQ(run_index_longest(index), 1);
	run_index_destroy(index);
}

TEST(bits_are_taken_only_if_no_run_touches_them)
{
	struct run_index *index = parse("..###....##..#......");

	CHECK(run_index_taken(index, 2, 3));
	CHECK(run_index_taken(index, 13, 1));
	CHECK(!run_index_taken(index, 2, 4));
	CHECK(!run_index_taken(index, 1, 2));
	CHECK(!run_index_taken(index, 16, 2));
	run_index_destroy(index);
}

// Runs begin and end on and beside the borders of tree nodes.
TEST(every_short_run_at_every_place_is_found)
{
	for (uint32_t bits = 1; bits <= 40; bits++)
		for (uint32_t at = 0; at < bits; at++) {
			struct run_index *index = create(bits);

			take(index, 0, bits);
			run_index_give(index, at, 1);
			CHECK_EQ(run_index_next(index, 0, 1), at);
			CHECK_EQ(run_index_next(index, at, 1), at);
			CHECK_EQ(run_index_next(index, at + 1, 1), HK_NO_RUN);
			check(index);
			run_index_destroy(index);
		}
}

// Empty, all but full, a comb, its teeth pulled from both sides.
TEST(a_comb_can_be_made_and_pulled_apart)
{
	enum { BITS = 1025 };
	struct run_index *index = create(BITS);

	for (uint32_t bit = 1; bit < BITS; bit += 2)
		take(index, bit, 1);
	CHECK_EQ(run_index_longest(index), 1);
	check(index);
	for (uint32_t bit = 1; bit < BITS / 2 - 1; bit += 2) {
		run_index_give(index, bit, 1);
		run_index_give(index, BITS - 1 - bit, 1);
		CHECK_EQ(run_index_length_before(index, BITS), bit + 2);
		check(index);
	}
	run_index_give(index, BITS / 2 - 1, 1);
	run_index_give(index, BITS / 2 + 1, 1);
	CHECK_EQ(run_index_longest(index), BITS);
	check(index);
	run_index_destroy(index);
}

TEST(alignments_beyond_the_index_keep_no_tree)
{
	struct run_index *index = create(1000);
	uint32_t run;

	CHECK_EQ(run_index_align(index, 24, UINT64_MAX << 8), 0);
	CHECK_EQ(index->n_aligned, 2);
	CHECK_EQ(run_index_find(index, 0, 8, 9, &run), 488);
	run_index_destroy(index);
}

TEST(a_false_sum_of_free_bits_is_noticed)
{
	struct run_index *index = parse("..###....");

	index->free++;
	check_broken(index, "add up");
}

// A run of 236 bits over words 0 to 3, which leaves word 0 and ends in word 3.
static struct run_index *four_words(void)
{
	struct run_index *index = create(256);

	take(index, 0, 10);
	take(index, 246, 10);
	check(index);
	return index;
}

TEST(ends_of_a_run_that_differ_are_noticed)
{
	struct run_index *index = four_words();

	index->words[3].below--;
	check_broken(index, "ends differ");
	index = four_words();
	index->words[0].above++;
	check_broken(index, "ends elsewhere");
}

TEST(a_run_that_comes_from_nowhere_is_noticed)
{
	struct run_index *index = four_words();

	index->words[0].below = 3;
	check_broken(index, "no run enters");
}

TEST(runs_that_touch_are_noticed)
{
	struct run_index *index = create(128);

	take(index, 0, 128);
	index->words[0].free = UINT64_C(1) << 63;
	index->words[1].free = 1;
	check_broken(index, "touch");
}

TEST(a_run_inside_a_run_is_noticed)
{
	struct run_index *index = four_words();

	index->words[1].free = 1;
	check_broken(index, "inside");
	index = four_words();
	index->words[2].above = 1;
	check_broken(index, "inside");
}

TEST(a_run_past_the_end_is_noticed)
{
	struct run_index *index = four_words();

	index->words[0].above = 193;
	check_broken(index, "passes the end");
	index = create(64);
	index->words[0].above = 1;
	check_broken(index, "passes the end");
}

TEST(a_free_bit_beside_the_map_is_noticed)
{
	struct run_index *index = parse("..###....");

	index->words[0].free |= 1 << 9;
	check_broken(index, "beside");
	index = parse("..###....");
	index->words[-1].above = 1;
	check_broken(index, "beside");
	index = create(64);
	index->words[1].free = 1;
	check_broken(index, "beside");
}

TEST(a_false_maximum_is_noticed)
{
	struct run_index *index = parse("..###....");

	index->starts.level[1][0] = 9;
	check_broken(index, "maximum");
	index = parse("..###....");
	index->starts.level[0][0] = 3;
	check_broken(index, "longest run");
}

TEST(a_false_usable_run_is_noticed)
{
	struct run_index *index = create(100);

	CHECK_EQ(run_index_align(index, 0, 1 << 4), 0);
	index->usable.level[0][1] ^= 1 << 8;
	check_broken(index, "usable run");
	index = create(100);
	CHECK_EQ(run_index_align(index, 0, 1 << 4), 0);
	index->usable.level[1][0]++;
	check_broken(index, "usable maximum");
}

TEST(a_false_first_sure_run_is_noticed)
{
	struct run_index *index = create(1000);

	CHECK_EQ(run_index_align(index, 0, 1 << 4), 0);
	CHECK_EQ(index->first_sure, 0);
	index->first_sure = 1;
	check_broken(index, "first sure");
}

// Found by the adversary of the order-aligned rule: the free run on the right,
// which began in the same word, was still counted after it had been joined.
TEST(a_short_run_that_becomes_part_of_a_sure_one_is_not_counted)
{
	struct run_index *index = create(1000);

	CHECK_EQ(run_index_align(index, 0, 1 << 4), 0);
	take(index, 0, 1000);
	run_index_give(index, 20, 300);
	check(index);
	run_index_give(index, 400, 600);
	run_index_give(index, 10, 10);
	check(index);
	run_index_give(index, 320, 80);
	check(index);
	take(index, 10, 990);
	CHECK_EQ(run_index_longest(index), 0);
	run_index_give(index, 30, 300);
	run_index_give(index, 0, 29);
	run_index_give(index, 330, 670);
	run_index_give(index, 29, 1);
	check(index);
	take(index, 0, 1000);
	CHECK_EQ(run_index_longest(index), 0);
	run_index_destroy(index);
}

TEST(a_false_aligned_run_is_noticed)
{
	struct run_index *index = create(1000);

	CHECK_EQ(run_index_align(index, 0, 1 << 8), 0);
	max_tree_set(&index->aligned[0].usable, 2, 5);
	check_broken(index, "aligned run");
	index = create(1000);
	CHECK_EQ(run_index_align(index, 0, 1 << 8), 0);
	index->aligned[0].usable.level[1][0]++;
	check_broken(index, "aligned maximum");
}

// Also of those that the alignments need.
static int create_aligned_index(struct run_index **index)
{
	int err = run_index_create(1000, index);

	if (err)
		return err;
	err = run_index_align(*index, 5, 1 << 2 | 1 << 8 | 1 << 9);
	if (err)
		run_index_destroy(*index);
	return err;
}

TEST(an_index_survives_the_loss_of_any_allocation)
{
	struct run_index *index = NULL;
	uint32_t nth = 0;
	int err;

	do {
		fail_allocation(++nth);
		err = create_aligned_index(&index);
	} while (err == -ENOMEM);
	fail_allocation(0);
	CHECK_EQ(err, 0);
	CHECK(nth > 7);
	check(index);
	run_index_destroy(index);
	run_index_destroy(NULL);
}
