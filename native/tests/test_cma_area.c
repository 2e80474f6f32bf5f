// SPDX-License-Identifier: MIT
//
// Includes the source, so that a test may break what only it can see.
#include "../src/cma_area.c"

#include <string.h>

#include "cma_area_fixture.h"
#include "harness.h"

TEST(the_pfn_is_aligned_although_the_area_is_not)
{
	struct cma_area *area = create(0x12345, 4096, 0);

	CHECK_EQ(alloc(area, 300, 8), 0x12345 + 187);
	CHECK_EQ(alloc(area, 300, 8), 0x12345 + 699);
	CHECK_EQ(alloc(area, 1, 0), 0x12345);
	check(area);
	cma_area_destroy(area);
}

TEST(every_search_starts_at_the_first_bit)
{
	struct cma_area *area = create(0, 64, 0);

	CHECK_EQ(alloc(area, 8, 0), 0);
	CHECK_EQ(alloc(area, 8, 0), 8);
	cma_area_free(area, 0, 8);
	CHECK_EQ(alloc(area, 4, 0), 0);
	CHECK_EQ(alloc(area, 8, 3), 16);
	check(area);
	cma_area_destroy(area);
}

TEST(a_bit_of_several_pages_is_taken_whole_but_counted_as_asked)
{
	struct cma_area *area = create(0x100, 64, 2);

	CHECK_EQ(alloc(area, 5, 0), 0x100);
	CHECK_EQ(cma_area_available(area), 59);
	CHECK_EQ(cma_area_maxchunk(area), 56);
	CHECK_EQ(alloc(area, 1, 0), 0x108);
	check(area);
	cma_area_free(area, 0x100, 5);
	cma_area_free(area, 0x108, 1);
	CHECK_EQ(cma_area_available(area), 64);
	CHECK_EQ(cma_area_maxchunk(area), 64);
	check(area);
	cma_area_destroy(area);
}

TEST(an_alignment_within_a_bit_is_none)
{
	struct cma_area *area = create(0x101, 64, 0);

	CHECK_EQ(alloc(area, 2, 0), 0x101);
	cma_area_destroy(area);
	area = create(0x104, 64, 2);
	CHECK_EQ(alloc(area, 4, 2), 0x104);
	CHECK_EQ(alloc(area, 4, 3), 0x108);
	CHECK_EQ(alloc(area, 4, 4), 0x110);
	cma_area_destroy(area);
}

TEST(more_pages_than_there_are_fail)
{
	struct cma_area *area = create(0, 64, 0);

	CHECK_EQ(alloc(area, 65, 0), nowhere);
	CHECK_EQ(alloc(area, UINT64_MAX, 0), nowhere);
	CHECK_EQ(alloc(area, 64, 0), 0);
	CHECK_EQ(alloc(area, 1, 0), nowhere);
	CHECK_EQ(cma_area_available(area), 0);
	CHECK_EQ(cma_area_maxchunk(area), 0);
	check(area);
	cma_area_destroy(area);
}

TEST(an_alignment_beyond_the_area_finds_only_its_multiples)
{
	struct cma_area *area = create(0x300, 0x100, 0);

	CHECK_EQ(alloc(area, 1, 10), nowhere);
	CHECK_EQ(alloc(area, 1, 63), nowhere);
	CHECK_EQ(alloc(area, 1, 8), 0x300);
	cma_area_destroy(area);
}

static int create_refused(uint64_t base, uint64_t count, uint32_t opb)
{
	const struct cma_range range = {.base_pfn = base, .count = count};
	struct cma_area *area = NULL;

	return cma_area_create(&range, 1, opb, &area);
}

TEST(nonsense_is_refused_at_the_door)
{
	struct cma_area *area = create(0, 8, 0);
	uint64_t pfn;

	CHECK_EQ(cma_area_alloc(area, 0, 0, NULL, NULL, &pfn), -EINVAL);
	CHECK_EQ(cma_area_alloc(area, 1, 64, NULL, NULL, &pfn), -EINVAL);
	cma_area_destroy(area);
	CHECK_EQ(create_refused(0, 0, 0), -EINVAL);
	CHECK_EQ(create_refused(0, 5, 1), -EINVAL);
	CHECK_EQ(create_refused(0, 8, 64), -EINVAL);
	CHECK_EQ(create_refused(0, UINT32_MAX, 0), -EINVAL);
	CHECK_EQ(create_refused(UINT64_MAX, 2, 0), -EINVAL);
}

TEST(an_area_has_one_to_eight_ranges_that_do_not_overlap)
{
	struct cma_range ranges[9];
	struct cma_area *area = NULL;

	for (uint32_t i = 0; i < 9; i++)
		ranges[i] = (struct cma_range){.base_pfn = 8 * i, .count = 8};
	CHECK_EQ(cma_area_create(ranges, 0, 0, &area), -EINVAL);
	CHECK_EQ(cma_area_create(ranges, 9, 0, &area), -EINVAL);
	ranges[7].base_pfn = 7;
	CHECK_EQ(cma_area_create(ranges, 8, 0, &area), -EINVAL);
	ranges[7].base_pfn = 56;
	CHECK_EQ(cma_area_create(ranges, 8, 0, &area), 0);
	CHECK_EQ(cma_area_available(area), 64);
	CHECK_EQ(cma_area_maxchunk(area), 8);
	check(area);
	cma_area_destroy(area);
}

struct answers {
	int err[4];
	uint64_t pfn[4];
	uint32_t count;
};

static int answer(void *context, uint64_t pfn, uint64_t count)
{
	struct answers *answers = context;

	CHECK_EQ(count, 3);
	answers->pfn[answers->count] = pfn;
	return answers->err[answers->count++];
}

TEST(a_busy_place_is_passed_over_by_one_alignment)
{
	struct cma_area *area = create(0x101, 64, 0);
	struct answers answers = {.err = {-EBUSY, -EBUSY, 0}};
	uint64_t pfn = 0;

	CHECK_EQ(cma_area_alloc(area, 3, 2, answer, &answers, &pfn), 0);
	CHECK_EQ(answers.count, 3);
	CHECK_EQ(answers.pfn[0], 0x104);
	CHECK_EQ(answers.pfn[1], 0x108);
	CHECK_EQ(pfn, 0x10c);
	CHECK_EQ(cma_area_available(area), 61);
	check(area);
	cma_area_destroy(area);
}

TEST(an_error_other_than_busy_ends_the_search)
{
	struct cma_area *area = create(0, 64, 0);
	struct answers answers = {.err = {-EBUSY, -EINTR}};
	uint64_t pfn = 0;

	CHECK_EQ(cma_area_alloc(area, 3, 2, answer, &answers, &pfn), -EINTR);
	CHECK_EQ(answers.count, 2);
	CHECK_EQ(cma_area_available(area), 64);
	check(area);
	cma_area_destroy(area);
}

TEST(a_request_larger_than_a_range_goes_to_the_next)
{
	const struct cma_range ranges[] = {{0x100, 8}, {0x80, 64}};
	struct cma_area *area = NULL;

	CHECK_EQ(cma_area_create(ranges, 2, 0, &area), 0);
	CHECK_EQ(alloc(area, 9, 4), 0x80);
	CHECK_EQ(alloc(area, 8, 3), 0x100);
	CHECK_EQ(alloc(area, 56, 0), nowhere);
	CHECK_EQ(alloc(area, 1, 0), 0x89);
	cma_area_free(area, 0x100, 8);
	CHECK_EQ(alloc(area, 1, 0), 0x100);
	check(area);
	cma_area_destroy(area);
}

// 2^32 bits and more: no range has as many, but the area may.
TEST(a_request_of_more_bits_than_any_range_has_fails)
{
	const uint64_t huge = HK_MAX_BITS;
	const struct cma_range ranges[] = {
		{0, huge}, {huge, huge}, {2 * huge, huge}};
	struct cma_area *area = NULL;

	if (SANITIZED)
		return;
	CHECK_EQ(cma_area_create(ranges, 3, 0, &area), 0);
	CHECK_EQ(alloc(area, (UINT64_C(1) << 32) + 1, 0), nowhere);
	cma_area_destroy(area);
}

TEST(an_exact_place_is_taken_only_if_it_is_free_and_in_one_range)
{
	const struct cma_range ranges[] = {{0x100, 16}, {0x110, 16}};
	struct cma_area *area = NULL;

	CHECK_EQ(cma_area_create(ranges, 2, 1, &area), 0);
	CHECK_EQ(cma_area_take_at(area, 0x104, 3), 0);
	CHECK_EQ(cma_area_take_at(area, 0x106, 2), -EBUSY);
	CHECK_EQ(cma_area_take_at(area, 0x109, 2), -EINVAL);
	CHECK_EQ(cma_area_take_at(area, 0x10e, 4), -EINVAL);
	CHECK_EQ(cma_area_take_at(area, 0x11e, 4), -EINVAL);
	CHECK_EQ(cma_area_take_at(area, 0x120, 2), -EINVAL);
	CHECK_EQ(cma_area_take_at(area, 0x110, 0), -EINVAL);
	CHECK_EQ(cma_area_take_at(area, 0x110, 16), 0);
	CHECK_EQ(cma_area_available(area), 13);
	CHECK_EQ(cma_area_maxchunk(area), 8);
	check(area);
	cma_area_destroy(area);
}

struct seen {
	uint32_t count;
	uint64_t pfn[8];
	uint64_t pages[8];
};

static void see(void *context, uint64_t pfn, uint64_t pages)
{
	struct seen *seen = context;

	seen->pfn[seen->count] = pfn;
	seen->pages[seen->count++] = pages;
}

TEST(a_walk_visits_the_free_ranges_in_pages)
{
	struct cma_area *area = create(0x40, 64, 1);
	struct seen seen = {0};

	CHECK_EQ(alloc(area, 2, 3), 0x40);
	CHECK_EQ(alloc(area, 2, 3), 0x48);
	cma_area_walk_free(area, see, &seen);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.pfn[0], 0x42);
	CHECK_EQ(seen.pages[0], 6);
	CHECK_EQ(seen.pfn[1], 0x4a);
	CHECK_EQ(seen.pages[1], 54);
	cma_area_destroy(area);
}

TEST(a_false_count_of_available_pages_is_noticed)
{
	struct cma_area *area = create(0, 64, 1);
	const char *rule = "";

	CHECK_EQ(alloc(area, 6, 0), 0);
	area->available -= 1;
	CHECK_EQ(cma_area_check(area, &rule), -EUCLEAN);
	area->available += 5;
	CHECK_EQ(cma_area_check(area, &rule), -EUCLEAN);
	CHECK(strstr(rule, "available"));
	area->available = 65;
	CHECK_EQ(cma_area_check(area, &rule), -EUCLEAN);
	cma_area_destroy(area);
}

TEST(an_area_survives_the_loss_of_any_allocation)
{
	const struct cma_range ranges[] = {{0, 64}, {64, 512}};
	struct cma_area *area = NULL;
	uint32_t nth = 0;
	int err;

	do {
		fail_allocation(++nth);
		err = cma_area_create(ranges, 2, 0, &area);
	} while (err == -ENOMEM);
	fail_allocation(0);
	CHECK_EQ(err, 0);
	CHECK(nth > 8);
	cma_area_destroy(area);
	cma_area_destroy(NULL);
}
