// SPDX-License-Identifier: MIT
//
// CMA pageblocks and alloc_contig_range()'s steps, a rule at a time.
#include <errno.h>

#include "page_alloc_fixture.h"

static const enum hk_migratetype unmovable = HK_MIGRATE_UNMOVABLE,
				 movable = HK_MIGRATE_MOVABLE,
				 cma = HK_MIGRATE_CMA;

// A zone from page 0 on, of which [start, end) is CMA.
static struct page_alloc *with_cma(uint64_t pages, uint64_t start, uint64_t end,
				   uint64_t min_free)
{
	const struct pfn_range hole = {start, end};
	struct page_alloc *alloc = NULL;

	CHECK_EQ(page_alloc_create(0, pages, &hole, 1, min_free, &alloc), 0);
	page_alloc_add_cma(alloc, start, end - start);
	check(alloc);
	return alloc;
}

static int take_range(struct page_alloc *alloc, uint64_t pfn, uint64_t pages)
{
	int ret;

	page_alloc_isolate(alloc, pfn, pages);
	check(alloc);
	ret = page_alloc_take_range(alloc, pfn, pages);
	check(alloc);
	page_alloc_undo_isolate(alloc, pfn, pages);
	check(alloc);
	return ret;
}

TEST(cma_pageblocks_merge_with_each_other_only_and_the_last_is_first)
{
	struct page_alloc *alloc = with_cma(4096, 512, 3072, 0);

	CHECK_EQ(page_alloc_free(alloc), 4096);
	CHECK_EQ(page_alloc_free_cma(alloc), 2560);
	CHECK_EQ(count(alloc, 9), 2); // 0 and 512
	CHECK_EQ(count(alloc, 10), 3);
	// Over half of the zone is CMA.
	CHECK_EQ(take_as(alloc, movable, 10), 2048);
	CHECK_EQ(take_as(alloc, movable, 10), 3072);
	page_alloc_destroy(alloc);
}

TEST(only_movable_requests_borrow_cma_pages)
{
	struct page_alloc *alloc = with_cma(2048, 1024, 2048, 0);

	CHECK_EQ(take_as(alloc, unmovable, 10), 0);
	CHECK_EQ(take_as(alloc, unmovable, 0), nowhere);
	CHECK_EQ(take_as(alloc, HK_MIGRATE_RECLAIMABLE, 0), nowhere);
	CHECK_EQ(take_as(alloc, movable, 0), 1024);
	CHECK_EQ(page_alloc_free_cma(alloc), 1023);
	page_alloc_give(alloc, 1024, 0);
	CHECK_EQ(page_alloc_free_cma(alloc), 1024);
	page_alloc_destroy(alloc);
}

TEST(cma_is_first_for_movable_requests_while_it_is_over_half_of_what_is_free)
{
	struct page_alloc *alloc = with_cma(2048, 1024, 2048, 0);

	CHECK_EQ(take_as(alloc, movable, 0), 0); // half is not over half
	CHECK_EQ(take_as(alloc, movable, 0), 1024);
	CHECK_EQ(take_as(alloc, movable, 0), 1); // 1023 each
	page_alloc_destroy(alloc);
}

TEST(cma_is_borrowed_before_another_type_is_claimed_from)
{
	struct page_alloc *alloc = with_cma(3072, 2048, 3072, 0);

	CHECK_EQ(take_as(alloc, unmovable, 0), 0);
	CHECK_EQ(take_as(alloc, movable, 10), 1024);
	CHECK_EQ(take_as(alloc, movable, 9), 2048);
	CHECK_EQ(page_alloc_type(alloc, 0), unmovable);
	page_alloc_destroy(alloc);
}

TEST(free_cma_pages_are_no_reserve_for_unmovable_requests)
{
	struct page_alloc *alloc = with_cma(2048, 1024, 2048, 1000);

	CHECK_EQ(take_as(alloc, unmovable, 4), 0); // 1024 - 15 > 1000
	CHECK_EQ(take_as(alloc, unmovable, 4), nowhere);
	CHECK_EQ(take_as(alloc, movable, 4), 1024); // 2032 - 15 > 1000
	CHECK_EQ(take_as(alloc, unmovable, 0), 16);
	page_alloc_destroy(alloc);
}

TEST(an_idle_range_is_taken_and_given_back_whole)
{
	struct page_alloc *alloc = with_cma(4096, 1024, 4096, 0);

	CHECK_EQ(take_range(alloc, 1030, 1100), 0);
	CHECK_EQ(page_alloc_free(alloc), 4096 - 1100);
	CHECK_EQ(page_alloc_free_cma(alloc), 3072 - 1100);
	page_alloc_give_range(alloc, 1030, 1100);
	CHECK_EQ(page_alloc_free_cma(alloc), 3072);
	CHECK_EQ(count(alloc, 10), 4);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(a_range_with_a_page_in_use_is_busy_and_stays_as_it_was)
{
	struct page_alloc *alloc = with_cma(2048, 512, 2048, 0);

	CHECK_EQ(take_as(alloc, movable, 0), 512);
	CHECK_EQ(take_range(alloc, 512, 600), -EBUSY);
	CHECK_EQ(page_alloc_free(alloc), 2047);
	CHECK_EQ(page_alloc_type(alloc, 512), cma);
	CHECK_EQ(page_alloc_type(alloc, 1024), cma);
	CHECK_EQ(take_range(alloc, 513, 600), 0);
	page_alloc_destroy(alloc);
}

TEST(what_is_isolated_is_nobodys_and_not_counted)
{
	struct page_alloc *alloc = with_cma(2048, 1024, 2048, 0);

	page_alloc_isolate(alloc, 1024, 513);
	CHECK_EQ(page_alloc_free(alloc), 1024);
	CHECK_EQ(page_alloc_free_cma(alloc), 0);
	CHECK_EQ(take_as(alloc, movable, 10), 0);
	CHECK_EQ(take_as(alloc, movable, 0), nowhere);
	page_alloc_undo_isolate(alloc, 1024, 513);
	CHECK_EQ(take_as(alloc, movable, 10), 1024);
	page_alloc_destroy(alloc);
}

TEST(isolating_a_pageblock_splits_the_block_that_is_larger)
{
	struct page_alloc *alloc = with_cma(4096, 2048, 4096, 0);

	page_alloc_isolate(alloc, 2048, 1);
	CHECK_EQ(page_alloc_free_cma(alloc), 1536);
	CHECK_EQ(count(alloc, 9), 2);
	// The other half was freed anew: at the head, before 3072.
	page_alloc_give(alloc, take_as(alloc, movable, 10), 10);
	page_alloc_undo_isolate(alloc, 2048, 1);
	CHECK_EQ(count(alloc, 9), 0);
	check(alloc);
	page_alloc_destroy(alloc);
}
