// SPDX-License-Identifier: MIT
//
// Regions by address, however many and however far apart.
#include "../src/internal.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

static struct survey random_survey(uint64_t count, uint64_t spread,
				   struct rng *rng)
{
	struct survey survey = {.capacity = count};

	survey.region = calloc(count + 1, sizeof(*survey.region));
	for (uint64_t i = 0; i < count; i++)
		survey_add(&survey, (rng_next(rng) % spread) << HK_PAGE_SHIFT,
			   i, (uint32_t)i, HK_REGION_USED);
	return survey;
}

static void check_sorted(const struct survey *survey)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < survey->count; i++) {
		const struct hk_region *region = &survey->region[i];

		CHECK_EQ(region->size, region->owner);
		sum += region->size;
		if (i)
			CHECK(region[-1].address <= region->address);
	}
	CHECK_EQ(sum, survey->count * (survey->count - 1) / 2);
}

TEST(a_survey_is_sorted_by_address)
{
	const uint64_t spreads[] = {1, 2000, 1 << 22, UINT64_C(1) << 40};
	struct rng rng = {1};

	for (uint32_t i = 0; i < 4; i++) {
		for (uint64_t count = 1; count < 40000; count *= 3) {
			struct survey survey =
				random_survey(count, spreads[i], &rng);

			survey_sort(&survey);
			check_sorted(&survey);
			free(survey.region);
		}
	}
}

TEST(a_starved_survey_is_sorted_all_the_same)
{
	struct rng rng = {2};
	struct survey survey = random_survey(5000, 1 << 20, &rng);

	fail_allocation(1);
	survey_sort(&survey);
	fail_allocation(0);
	check_sorted(&survey);
	free(survey.region);
}
