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

TEST(nonsense_is_refused_at_the_door)
{
	struct cma_area *area = NULL;
	uint64_t pfn;

	CHECK_EQ(cma_area_create(0, 0, 0, &area), -EINVAL);
	CHECK_EQ(cma_area_create(0, 5, 1, &area), -EINVAL);
	CHECK_EQ(cma_area_create(0, 8, 64, &area), -EINVAL);
	CHECK_EQ(cma_area_create(0, UINT32_MAX, 0, &area), -EINVAL);
	area = create(0, 8, 0);
	CHECK_EQ(cma_area_alloc(area, 0, 0, &pfn), -EINVAL);
	CHECK_EQ(cma_area_alloc(area, 1, 64, &pfn), -EINVAL);
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
	struct cma_area *area = NULL;
	uint32_t nth = 0;
	int err;

	do {
		fail_allocation(++nth);
		err = cma_area_create(0, 64, 0, &area);
	} while (err == -ENOMEM);
	fail_allocation(0);
	CHECK_EQ(err, 0);
	CHECK(nth > 4);
	cma_area_destroy(area);
	cma_area_destroy(NULL);
}
