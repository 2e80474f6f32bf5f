// SPDX-License-Identifier: MIT
#include "../src/span_set.h"

#include "../src/internal.h"
#include "harness.h"

enum { NUMBERS = 200 };

static void add(struct span_set *set, uint64_t start, uint64_t end)
{
	CHECK_EQ(span_set_reserve(set), 0);
	span_set_add(set, start, end);
}

static void take(struct span_set *set, uint64_t start, uint64_t end)
{
	CHECK_EQ(span_set_reserve(set), 0);
	span_set_remove(set, start, end);
}

static void check_span(const struct span_set *set, uint32_t i, uint64_t start,
		       uint64_t end)
{
	CHECK(i < set->n);
	CHECK_EQ(set->span[i].start, start);
	CHECK_EQ(set->span[i].end, end);
}

TEST(spans_that_touch_are_one)
{
	struct span_set set = {0};

	add(&set, 10, 20);
	add(&set, 30, 40);
	CHECK_EQ(set.n, 2);
	add(&set, 20, 30);
	CHECK_EQ(set.n, 1);
	check_span(&set, 0, 10, 40);
	add(&set, 5, 10);
	check_span(&set, 0, 5, 40);
	span_set_destroy(&set);
}

TEST(a_span_within_another_changes_nothing)
{
	struct span_set set = {0};

	add(&set, 10, 40);
	add(&set, 12, 13);
	add(&set, 10, 40);
	CHECK_EQ(set.n, 1);
	check_span(&set, 0, 10, 40);
	span_set_destroy(&set);
}

TEST(a_hole_splits_a_span)
{
	struct span_set set = {0};

	add(&set, 10, 40);
	take(&set, 20, 30);
	CHECK_EQ(set.n, 2);
	check_span(&set, 0, 10, 20);
	check_span(&set, 1, 30, 40);
	take(&set, 0, 100);
	CHECK_EQ(set.n, 0);
	span_set_destroy(&set);
}

TEST(an_empty_span_is_no_span)
{
	struct span_set set = {0};
	uint64_t first = 7;

	add(&set, 3, 3);
	add(&set, 5, 4);
	CHECK_EQ(set.n, 0);
	add(&set, 0, 9);
	take(&set, 4, 4);
	take(&set, 5, 2);
	check_span(&set, 0, 0, 9);
	CHECK_EQ(span_set_count(&set, 4, 4, &first), 0);
	CHECK_EQ(first, 7);
	span_set_destroy(&set);
}

TEST(a_set_that_starves_is_what_it_was)
{
	struct span_set set = {0};

	fail_allocation(1);
	CHECK_EQ(span_set_reserve(&set), OUT_OF_CORE);
	for (uint64_t i = 0; i < 4; i++)
		add(&set, 10 * i, 10 * i + 5);
	fail_allocation(1);
	CHECK_EQ(span_set_reserve(&set), OUT_OF_CORE);
	CHECK_EQ(set.n, 4);
	check_span(&set, 3, 30, 35);
	CHECK_EQ(span_set_reserve(&set), 0);
	span_set_destroy(&set);
}

TEST(only_ascending_spans_apart_are_sound)
{
	struct span at[2] = {{1, 2}, {4, 9}};
	const struct span_set set = {.span = at, .n = 2};

	CHECK(span_set_is_sound(&set, 9));
	CHECK(!span_set_is_sound(&set, 8));
	at[1].start = 2;
	CHECK(!span_set_is_sound(&set, 9));
	at[1] = (struct span){6, 6};
	CHECK(!span_set_is_sound(&set, 9));
}

static uint64_t count_bits(const bool *bit, uint64_t start, uint64_t end,
			   uint64_t *first)
{
	uint64_t count = 0;

	for (uint64_t i = start; i < end; i++) {
		if (bit[i] && !count)
			*first = i;
		count += bit[i];
	}
	return count;
}

TEST(a_set_holds_what_a_naive_bitmap_holds)
{
	const uint32_t events = scaled(40000);
	bool bit[NUMBERS] = {false};
	struct span_set set = {0};
	struct rng rng = {1};

	for (uint32_t n = 0; n < events; n++) {
		const uint64_t start = rng_below(&rng, NUMBERS);
		const uint64_t left = NUMBERS - start;
		const uint64_t end =
			start +
			rng_below(&rng, left < 12 ? (uint32_t)left + 1 : 12);
		const bool adds = rng_below(&rng, 2);
		uint64_t first = NUMBERS, first_bit = NUMBERS;

		(adds ? add : take)(&set, start, end);
		for (uint64_t i = start; i < end; i++)
			bit[i] = adds;
		CHECK(span_set_is_sound(&set, NUMBERS));
		const uint64_t low = rng_below(&rng, NUMBERS);
		const uint64_t high =
			low + rng_below(&rng, (uint32_t)(NUMBERS - low) + 1);

		CHECK_EQ(span_set_count(&set, low, high, &first),
			 count_bits(bit, low, high, &first_bit));
		CHECK_EQ(first, first_bit);
	}
	compared(events);
	span_set_destroy(&set);
}
