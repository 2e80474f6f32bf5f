// SPDX-License-Identifier: MIT
//
// Pageblocks and migratetypes, a rule at a time.
#include <errno.h>

#include "page_alloc_fixture.h"

static const enum hk_migratetype unmovable = HK_MIGRATE_UNMOVABLE,
				 movable = HK_MIGRATE_MOVABLE,
				 reclaimable = HK_MIGRATE_RECLAIMABLE;

static uint64_t free_blocks(const struct page_alloc *alloc,
			    enum hk_migratetype type, uint32_t order)
{
	uint64_t counts[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS];
	uint64_t pageblocks[HK_NR_MIGRATETYPES];

	page_alloc_counts_by_type(alloc, counts, pageblocks);
	return counts[type][order];
}

static uint64_t pageblocks(const struct page_alloc *alloc,
			   enum hk_migratetype type)
{
	uint64_t counts[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS];
	uint64_t of_type[HK_NR_MIGRATETYPES];

	page_alloc_counts_by_type(alloc, counts, of_type);
	return of_type[type];
}

static void give_all(struct page_alloc *alloc, uint64_t start, uint64_t end,
		     uint64_t step)
{
	for (uint64_t pfn = start; pfn < end; pfn += step)
		page_alloc_give(alloc, pfn, 0);
}

// Every page of a new zone taken as @type, one by one.
static struct page_alloc *full_of(enum hk_migratetype type, uint64_t pages)
{
	struct page_alloc *alloc = create(0, pages, 0);

	for (uint64_t pfn = 0; pfn < pages; pfn++)
		CHECK_EQ(take_as(alloc, type, 0), pfn);
	return alloc;
}

static void end(struct page_alloc *alloc)
{
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(every_pageblock_is_movable_at_boot)
{
	struct page_alloc *alloc = create(0, 8192, 0);

	CHECK_EQ(pageblocks(alloc, movable), 16);
	CHECK_EQ(free_blocks(alloc, movable, 10), 8);
	end(alloc);
}

TEST(the_first_unmovable_page_claims_one_of_the_largest_blocks)
{
	struct page_alloc *alloc = create(0, 8192, 0);

	CHECK_EQ(take_as(alloc, unmovable, 0), 0);
	CHECK_EQ(pageblocks(alloc, unmovable), 2);
	CHECK_EQ(free_blocks(alloc, movable, 10), 7);
	CHECK_EQ(free_blocks(alloc, unmovable, 9), 1);
	CHECK_EQ(free_blocks(alloc, unmovable, 0), 1);
	// A movable page does not go there, nor the next unmovable elsewhere.
	CHECK_EQ(take_as(alloc, movable, 0), 1024);
	CHECK_EQ(take_as(alloc, unmovable, 8), 256);
	end(alloc);
}

TEST(a_claim_begins_with_the_largest_block_of_any_type)
{
	// Blocks of 1 (at 3), 4 … 256 pages and of 512 … 1023 before 1024.
	struct page_alloc *alloc = create(3, 2045, 0);

	CHECK_EQ(take_as(alloc, unmovable, 0), 1024);
	CHECK_EQ(take_as(alloc, movable, 0), 3);
	end(alloc);
}

TEST(a_pageblock_of_which_half_is_free_is_claimed)
{
	struct page_alloc *alloc = full_of(movable, 1024);

	give_all(alloc, 0, 512, 2);
	CHECK_EQ(take_as(alloc, unmovable, 0), 0);
	CHECK_EQ(page_alloc_type(alloc, 0), unmovable);
	CHECK_EQ(page_alloc_type(alloc, 512), movable);
	// The rest was moved to the tail in the order of addresses.
	CHECK_EQ(take_as(alloc, unmovable, 0), 2);
	CHECK_EQ(take_as(alloc, unmovable, 0), 4);
	end(alloc);
}

TEST(from_a_pageblock_of_which_less_is_free_a_page_is_stolen)
{
	struct page_alloc *alloc = full_of(movable, 1024);

	give_all(alloc, 0, 510, 2);
	CHECK_EQ(take_as(alloc, unmovable, 0), 508);
	CHECK_EQ(page_alloc_type(alloc, 0), movable);
	CHECK_EQ(free_blocks(alloc, movable, 0), 254);
	CHECK_EQ(free_blocks(alloc, unmovable, 0), 0);
	end(alloc);
}

TEST(pages_held_as_unmovable_help_to_claim_a_movable_pageblock)
{
	struct page_alloc *alloc = full_of(movable, 1024);

	give_all(alloc, 0, 510, 2);
	for (uint32_t i = 0; i < 255; i++)
		CHECK_EQ(take_as(alloc, unmovable, 0), 508 - 2 * i);
	// 255 stolen ones and one free one are half of it.
	CHECK_EQ(page_alloc_type(alloc, 0), movable);
	page_alloc_give(alloc, 1, 0);
	CHECK_EQ(take_as(alloc, unmovable, 0), 1);
	CHECK_EQ(page_alloc_type(alloc, 0), unmovable);
	end(alloc);
}

TEST(a_claim_looks_at_the_first_block_of_each_order_only)
{
	struct page_alloc *alloc = full_of(movable, 1024);

	give_all(alloc, 0, 512, 2); // half of the first pageblock
	page_alloc_give(alloc, 513, 0); // but this is first in the list
	CHECK_EQ(take_as(alloc, unmovable, 0), 513);
	CHECK_EQ(page_alloc_type(alloc, 0), movable);
	CHECK_EQ(page_alloc_type(alloc, 512), movable);
	end(alloc);
}

TEST(a_pageblock_across_the_end_of_the_zone_is_not_claimed)
{
	struct page_alloc *alloc = create(256, 700, 0);

	// 512 … 955 in blocks of 256 to 4; 256 … 511 is one of 256 as well.
	CHECK_EQ(take_as(alloc, unmovable, 0), 952);
	CHECK_EQ(pageblocks(alloc, unmovable), 0);
	CHECK_EQ(free_blocks(alloc, movable, 1), 1);
	end(alloc);
}

TEST(movable_requests_claim_no_pageblock_for_small_blocks)
{
	struct page_alloc *alloc = full_of(unmovable, 1024);

	give_all(alloc, 0, 256, 1);
	for (uint64_t pfn = 256; pfn < 504; pfn += 16)
		give_all(alloc, pfn, pfn + 8, 1);
	// A block of 256 pages is claimed for, and all that is free moves:
	// then the smallest block of the lowest address is first.
	CHECK_EQ(take_as(alloc, movable, 0), 256);
	CHECK_EQ(page_alloc_type(alloc, 0), movable);
	page_alloc_destroy(alloc);

	alloc = full_of(unmovable, 1024);
	for (uint64_t pfn = 0; pfn < 512; pfn += 16)
		give_all(alloc, pfn, pfn + 8, 1);
	// Half is free, but nowhere 16 pages in one block.
	CHECK_EQ(take_as(alloc, movable, 0), 496);
	CHECK_EQ(page_alloc_type(alloc, 0), unmovable);
	CHECK_EQ(free_blocks(alloc, unmovable, 2), 1);
	end(alloc);
}

TEST(each_type_asks_the_others_in_its_own_order)
{
	struct page_alloc *alloc = create(0, 3072, 0);

	CHECK_EQ(take_as(alloc, unmovable, 9), 0);
	CHECK_EQ(take_as(alloc, reclaimable, 9), 1024);
	CHECK_EQ(take_as(alloc, movable, 9), 2048);
	// Each type has 512 pages free, one block. They run out in turns.
	CHECK_EQ(take_as(alloc, unmovable, 9), 512);
	CHECK_EQ(take_as(alloc, unmovable, 9), 1536); // reclaimable before
	CHECK_EQ(take_as(alloc, reclaimable, 9), 2560);
	page_alloc_give(alloc, 0, 9); // unmovable
	page_alloc_give(alloc, 2048, 9); // movable
	CHECK_EQ(take_as(alloc, reclaimable, 9), 0);
	page_alloc_give(alloc, 1024, 9); // reclaimable
	page_alloc_give(alloc, 1536, 9); // unmovable: both become order 10
	end(alloc);
}

TEST(a_freed_pageblock_gives_its_type_to_the_buddy_it_merges_with)
{
	struct page_alloc *alloc = create(0, 1024, 0);

	CHECK_EQ(take_as(alloc, movable, 9), 0);
	CHECK_EQ(take_as(alloc, unmovable, 9), 512);
	CHECK_EQ(page_alloc_type(alloc, 512), unmovable);
	page_alloc_give(alloc, 512, 9);
	page_alloc_give(alloc, 0, 9);
	CHECK_EQ(page_alloc_type(alloc, 512), movable);
	CHECK_EQ(free_blocks(alloc, movable, 10), 1);
	end(alloc);
}

TEST(an_order_10_block_of_two_types_is_freed_a_pageblock_at_a_time)
{
	struct page_alloc *alloc = create(0, 2048, 0);

	CHECK_EQ(take_as(alloc, movable, 10), 0);
	page_alloc_isolate(alloc, 512, 1);
	page_alloc_give(alloc, 0, 10);
	CHECK_EQ(free_blocks(alloc, movable, 9), 1);
	CHECK_EQ(free_blocks(alloc, HK_MIGRATE_ISOLATE, 9), 1);
	CHECK_EQ(page_alloc_free(alloc), 1536);
	page_alloc_undo_isolate(alloc, 512, 1);
	CHECK_EQ(free_blocks(alloc, movable, 10), 2);
	// Joined again at the tail.
	CHECK_EQ(take_as(alloc, movable, 10), 1024);
	end(alloc);
}

TEST(a_zone_tells_its_free_blocks_and_pageblocks_by_type)
{
	struct page_alloc *alloc = create(0, 5120, 0);

	take_as(alloc, unmovable, 0);
	take_as(alloc, reclaimable, 9);
	CHECK_EQ(pageblocks(alloc, unmovable), 2);
	CHECK_EQ(pageblocks(alloc, reclaimable), 2);
	CHECK_EQ(pageblocks(alloc, movable), 6);
	CHECK_EQ(free_blocks(alloc, reclaimable, 9), 1);
	CHECK_EQ(count(alloc, 9), 2);
	CHECK_EQ(count(alloc, 10), 3);
	end(alloc);
}
