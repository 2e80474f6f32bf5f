// SPDX-License-Identifier: MIT
//
// The page allocator's lists, and what a check notices when they are broken.
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "page_alloc_fixture.h"
#include "page_alloc_internal.h"

static void check_broken(struct page_alloc *alloc, const char *expected)
{
	const char *rule = "";

	CHECK_EQ(page_alloc_check(alloc, &rule), -EUCLEAN);
	if (!strstr(rule, expected))
		test_fail(__FILE__, __LINE__, rule);
	page_alloc_destroy(alloc);
}

TEST(sequential_allocations_ascend)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	for (uint64_t i = 0; i < 16; i++)
		CHECK_EQ(take(alloc, 4), i * 16);
	CHECK_EQ(take(alloc, 0), 256);
	CHECK_EQ(take(alloc, 8), 512);
	CHECK_EQ(take(alloc, 0), 257);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(a_split_leaves_one_block_in_each_lower_list)
{
	struct page_alloc *alloc = create(0, 1024, 0);

	CHECK_EQ(take(alloc, 0), 0);
	for (uint32_t order = 0; order < 10; order++)
		CHECK_EQ(count(alloc, order), 1);
	CHECK_EQ(page_alloc_largest(alloc), 512);
	CHECK_EQ(page_alloc_free(alloc), 1023);
	check(alloc);
	page_alloc_give(alloc, 0, 0);
	CHECK_EQ(page_alloc_largest(alloc), 1024);
	CHECK_EQ(count(alloc, 10), 1);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(boot_cuts_memory_into_the_largest_aligned_blocks)
{
	struct page_alloc *alloc = create(0x12345, 0x1000, 0);

	// 0x12345 … 0x12400: one block each of order 0, 1, 3, 4, 5 and 7.
	CHECK_EQ(count(alloc, 7), 1);
	CHECK_EQ(count(alloc, 10), 3);
	CHECK_EQ(take(alloc, 0), 0x12345);
	CHECK_EQ(take(alloc, 1), 0x12346);
	CHECK_EQ(take(alloc, 3), 0x12348);
	CHECK_EQ(take(alloc, 10), 0x12400);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(blocks_never_merge_beyond_order_10)
{
	struct page_alloc *alloc = create(0, 2048, 0);

	CHECK_EQ(take(alloc, 10), 0);
	CHECK_EQ(take(alloc, 10), 1024);
	page_alloc_give(alloc, 1024, 10);
	page_alloc_give(alloc, 0, 10);
	CHECK_EQ(count(alloc, 10), 2);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(a_freed_block_goes_to_the_head_and_is_taken_first)
{
	struct page_alloc *alloc = create(0, 64, 0);

	for (uint64_t i = 0; i < 64; i++)
		CHECK_EQ(take(alloc, 0), i);
	page_alloc_give(alloc, 8, 0);
	page_alloc_give(alloc, 40, 0);
	page_alloc_give(alloc, 24, 0);
	CHECK_EQ(take(alloc, 0), 24);
	CHECK_EQ(take(alloc, 0), 40);
	CHECK_EQ(take(alloc, 0), 8);
	page_alloc_destroy(alloc);
}

TEST(a_block_that_would_soon_merge_goes_to_the_tail)
{
	struct page_alloc *alloc = create(0, 64, 0);

	for (uint64_t i = 0; i < 64; i++)
		CHECK_EQ(take(alloc, 0), i);
	page_alloc_give(alloc, 8, 0);
	page_alloc_give(alloc, 2, 0);
	page_alloc_give(alloc, 3, 0); // 2 … 3 is free at order 1
	page_alloc_give(alloc, 0, 0); // so 0 waits for 1 at the tail
	CHECK_EQ(take(alloc, 0), 8);
	CHECK_EQ(take(alloc, 0), 0);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(an_order_9_block_always_goes_to_the_head)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	for (uint64_t i = 0; i < 8; i++)
		CHECK_EQ(take(alloc, 9), i * 512);
	page_alloc_give(alloc, 4 * 512, 9);
	page_alloc_give(alloc, 2 * 512, 9);
	page_alloc_give(alloc, 3 * 512, 9); // 1024 … 2047 at order 10
	page_alloc_give(alloc, 0, 9);
	CHECK_EQ(take(alloc, 9), 0);
	CHECK_EQ(take(alloc, 9), 4 * 512);
	page_alloc_destroy(alloc);
}

TEST(an_order_above_0_leaves_more_than_the_mark)
{
	struct page_alloc *alloc = create(0, 1024, 1000);

	// 1024 - 15 > 1000, and the same again from 1008 is not.
	CHECK_EQ(take(alloc, 4), 0);
	CHECK_EQ(take(alloc, 4), nowhere);
	CHECK_EQ(take(alloc, 2), 16);
	CHECK_EQ(take(alloc, 2), 20);
	CHECK_EQ(page_alloc_free(alloc), 1000);
	CHECK_EQ(take(alloc, 1), nowhere);
	CHECK_EQ(take(alloc, 0), 24);
	page_alloc_destroy(alloc);
}

TEST(order_0_may_use_every_page)
{
	struct page_alloc *alloc = create(0, 64, 1000);

	CHECK_EQ(take(alloc, 1), nowhere);
	for (uint64_t i = 0; i < 64; i++)
		CHECK_EQ(take(alloc, 0), i);
	CHECK_EQ(take(alloc, 0), nowhere);
	CHECK_EQ(page_alloc_free(alloc), 0);
	CHECK_EQ(page_alloc_largest(alloc), 0);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(the_last_block_can_be_taken_without_a_mark)
{
	struct page_alloc *alloc = create(0, 1024, 0);

	CHECK_EQ(take(alloc, 10), 0);
	CHECK_EQ(take(alloc, 10), nowhere);
	page_alloc_destroy(alloc);
}

TEST(a_free_watermark_does_not_help_a_fragmented_zone)
{
	struct page_alloc *alloc = create(0, 64, 0);

	for (uint64_t i = 0; i < 64; i++)
		take(alloc, 0);
	for (uint64_t i = 0; i < 64; i += 2)
		page_alloc_give(alloc, i, 0);
	CHECK_EQ(page_alloc_free(alloc), 32);
	CHECK_EQ(take(alloc, 1), nowhere);
	check(alloc);
	page_alloc_destroy(alloc);
}

struct seen {
	uint32_t count;
	uint64_t pfn[32];
	uint64_t pages[32];
};

static void see(void *context, uint64_t pfn, uint64_t pages)
{
	struct seen *seen = context;

	seen->pfn[seen->count] = pfn;
	seen->pages[seen->count++] = pages;
}

TEST(holes_are_left_out_and_never_merged_over)
{
	const struct pfn_range holes[] = {
		{.start = 0x100, .end = 0x180},
		{.start = 0x180, .end = 0x200},
		{.start = 0x300, .end = 0x300},
	};
	struct page_alloc *alloc = NULL;
	struct seen seen = {0};

	CHECK_EQ(page_alloc_create(0, 0x400, holes, 3, 0, &alloc), 0);
	CHECK_EQ(page_alloc_free(alloc), 0x300);
	page_alloc_walk_free(alloc, see, &seen);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.pages[0], 0x100);
	CHECK_EQ(seen.pfn[1], 0x200);
	CHECK_EQ(seen.pages[1], 0x200);
	CHECK_EQ(take(alloc, 8), 0);
	page_alloc_give(alloc, 0, 8);
	CHECK_EQ(count(alloc, 8), 1);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(a_walk_visits_blocks_by_ascending_address)
{
	struct page_alloc *alloc = create(0x12345, 0x123, 0);
	struct seen seen = {0};
	uint64_t pages = 0;

	take(alloc, 4);
	page_alloc_walk_free(alloc, see, &seen);
	for (uint32_t i = 0; i < seen.count; i++) {
		pages += seen.pages[i];
		CHECK(i == 0 ||
		      seen.pfn[i] >= seen.pfn[i - 1] + seen.pages[i - 1]);
	}
	CHECK_EQ(pages, page_alloc_free(alloc));
	page_alloc_destroy(alloc);
}

TEST(a_zone_without_pages_or_with_too_many_is_refused)
{
	struct page_alloc *alloc = NULL;

	CHECK_EQ(page_alloc_create(0, 0, NULL, 0, 0, &alloc), -EINVAL);
	CHECK_EQ(page_alloc_create(0, UINT32_MAX, NULL, 0, 0, &alloc), -EINVAL);
	CHECK_EQ(page_alloc_create(UINT64_MAX, 2, NULL, 0, 0, &alloc), -EINVAL);
}

TEST(a_zone_of_64_gib_is_usable_from_end_to_end)
{
	uint64_t pages = UINT64_C(64) << (30 - HK_PAGE_SHIFT);
	struct page_alloc *alloc = create(0x100000, pages, 0);

	CHECK_EQ(count(alloc, 10), pages >> 10);
	for (uint64_t i = 0; i < pages >> 10; i++)
		CHECK_EQ(take(alloc, 10), 0x100000 + (i << 10));
	CHECK_EQ(take(alloc, 0), nowhere);
	page_alloc_give(alloc, 0x100000 + pages - 1024, 10);
	CHECK_EQ(take(alloc, 0), 0x100000 + pages - 1024);
	check(alloc);
	page_alloc_destroy(alloc);
}

TEST(a_false_sum_of_free_pages_is_noticed)
{
	struct page_alloc *alloc = create(0, 64, 0);

	alloc->free--;
	check_broken(alloc, "add up");
}

TEST(a_mark_without_a_block_and_a_block_without_a_mark_are_noticed)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	take(alloc, 10);
	set_bit(alloc->area[10].is_free, 0);
	check_broken(alloc, "not listed");
	alloc = create(0, 4096, 0);
	clear_bit(alloc->area[10].is_free, 1);
	set_bit(alloc->area[10].is_free, 4);
	check_broken(alloc, "not marked free");
}

TEST(a_torn_list_is_noticed)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	alloc->area[10].link[2].prev = 0 + FIRST_LINK;
	check_broken(alloc, "torn");
	alloc = create(0, 4096, 0);
	alloc->area[10].link[3].next = 2 + FIRST_LINK;
	check_broken(alloc, "torn");
	alloc = create(0, 4096, 0);
	clear_bit(alloc->area[10].is_free, 3);
	check_broken(alloc, "torn");
	alloc = create(0, 4096, 0);
	alloc->area[10].link[3].next = 1000;
	check_broken(alloc, "outside");
}

TEST(a_false_tail_is_noticed)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	alloc->list[HK_MIGRATE_MOVABLE][10].tail = 1 + FIRST_LINK;
	check_broken(alloc, "end");
}

TEST(a_false_bitmask_of_orders_is_noticed)
{
	struct page_alloc *alloc = create(0, 4096, 0);

	alloc->nonempty[HK_MIGRATE_MOVABLE] |= 1;
	check_broken(alloc, "bitmask");
}

TEST(free_buddies_left_apart_are_noticed)
{
	struct page_alloc *alloc = create(0, 1024, 0);

	CHECK_EQ(take(alloc, 9), 0);
	link_head(alloc, HK_MIGRATE_MOVABLE, 9, 0);
	alloc->free += 512;
	check_broken(alloc, "buddies");
}

TEST(a_block_inside_a_free_block_is_noticed)
{
	struct page_alloc *alloc = create(0, 1024, 0);

	link_head(alloc, HK_MIGRATE_MOVABLE, 3, 5);
	alloc->free += 8;
	check_broken(alloc, "inside");
}

TEST(a_block_outside_the_zone_is_noticed)
{
	struct page_alloc *alloc = create(16, 64, 0);

	link_head(alloc, HK_MIGRATE_MOVABLE, 3, 0);
	alloc->free += 8;
	check_broken(alloc, "outside");
}

TEST(a_zone_survives_the_loss_of_any_allocation)
{
	struct page_alloc *alloc = NULL;
	uint32_t nth = 0;
	int err;

	do {
		fail_allocation(++nth);
		err = page_alloc_create(0, 64, NULL, 0, 0, &alloc);
	} while (err == -ENOMEM);
	fail_allocation(0);
	CHECK_EQ(err, 0);
	CHECK(nth > 2);
	page_alloc_destroy(alloc);
	page_alloc_destroy(NULL);
}
