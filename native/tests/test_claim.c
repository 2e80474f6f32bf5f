// SPDX-License-Identifier: MIT
//
// No page is claimed twice, and what is left is known.
#include "../src/claim.h"

#include "harness.h"

#include <stdlib.h>

enum { START = 77, PAGES = 1000 };

struct left {
	uint8_t page[PAGES];
	uint64_t end; // of the run before
};

static void mark(void *context, uint64_t pfn, uint64_t pages)
{
	struct left *left = context;

	CHECK(pages && pfn >= START);
	CHECK(!left->end || pfn > left->end); // runs are ascending and whole
	left->end = pfn + pages;
	for (uint64_t i = 0; i < pages; i++)
		left->page[pfn - START + i] = 1;
}

TEST(no_page_is_claimed_twice)
{
	struct rng rng = {4};

	for (uint32_t round = 0; round < 50; round++) {
		struct claim claim;
		struct left left = {{0}, 0};
		uint8_t taken[PAGES] = {0};
		uint64_t n_taken = 0;

		CHECK_EQ(claim_create(START, START + PAGES, &claim), 0);
		for (uint32_t i = 0; i < 30; i++) {
			const uint32_t at = rng_below(&rng, PAGES);
			const uint32_t n = 1 + rng_below(&rng, 150);
			bool room = at + n <= PAGES;

			for (uint32_t j = at; room && j < at + n; j++)
				room = !taken[j];
			// A claim that fails may claim in part: ask for none.
			if (!room)
				continue;
			CHECK(claim_pages(&claim, START + at, n));
			for (uint32_t j = at; j < at + n; j++)
				taken[j] = 1;
			n_taken += n;
		}
		CHECK_EQ(claim.left, PAGES - n_taken);
		claim_walk_left(&claim, mark, &left);
		for (uint32_t i = 0; i < PAGES; i++)
			CHECK_EQ(left.page[i], !taken[i]);
		claim_destroy(&claim);
	}
}

TEST(a_claim_of_what_is_owned_or_outside_is_refused)
{
	struct claim claim;

	CHECK_EQ(claim_create(START, START + PAGES, &claim), 0);
	CHECK(claim_pages(&claim, START + 60, 80));
	CHECK(!claim_pages(&claim, START + 139, 1));
	CHECK(!claim_pages(&claim, START - 1, 1));
	CHECK(!claim_pages(&claim, START + PAGES, 1));
	CHECK(!claim_pages(&claim, START + PAGES - 1, 2));
	CHECK(!claim_pages(&claim, START + 200, UINT64_MAX - 100));
	claim_destroy(&claim);
}

TEST(a_starved_claim_says_so)
{
	struct claim claim;

	fail_allocation(1);
	CHECK(claim_create(0, 10, &claim) != 0);
	fail_allocation(0);
}
