// SPDX-License-Identifier: MIT
//
// A page allocator and the naive one, which are told the same and compared:
// every list from head to tail, every pageblock's type, every sum.
#ifndef HK_BUDDY_PAIR_H
#define HK_BUDDY_PAIR_H

#include <errno.h>

#include "naive_buddy.h"
#include "page_alloc_fixture.h"
#include "page_alloc_internal.h"

struct buddy_pair {
	struct page_alloc *alloc;
	struct naive_buddy naive;
};

// A zone with one hole, which may be empty.
static inline void pair_start(struct buddy_pair *pair, struct pfn_range zone,
			      struct pfn_range hole, uint64_t min_free)
{
	CHECK_EQ(page_alloc_create(zone.start, zone.end - zone.start, &hole, 1,
				   min_free, &pair->alloc),
		 0);
	naive_buddy_init(&pair->naive, zone.start, zone.end, min_free);
	if (hole.start == hole.end) {
		naive_buddy_add(&pair->naive, zone.start, zone.end);
		return;
	}
	naive_buddy_add(&pair->naive, zone.start, hole.start);
	naive_buddy_add(&pair->naive, hole.end, zone.end);
}

static inline uint64_t pair_take(struct buddy_pair *pair, uint32_t order,
				 enum hk_migratetype type)
{
	uint64_t expected = nowhere;
	uint64_t pfn = take_as(pair->alloc, type, order);

	if (!naive_buddy_take(&pair->naive, order, (enum naive_type)type,
			      &expected))
		expected = nowhere;
	CHECK_EQ(pfn, expected);
	return pfn;
}

static inline void pair_give(struct buddy_pair *pair, uint64_t pfn,
			     uint32_t order)
{
	page_alloc_give(pair->alloc, pfn, order);
	naive_buddy_give(&pair->naive, pfn, order);
}

static inline void pair_compare_list(const struct buddy_pair *pair,
				     uint32_t type, uint32_t order)
{
	const struct naive_list *list = &pair->naive.list[type][order];
	uint32_t link = pair->alloc->list[type][order].head;

	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t number = (uint64_t)link - FIRST_LINK;

		CHECK(link != END_OF_LIST);
		CHECK_EQ(pair->alloc->base + (number << order), list->pfn[i]);
		link = link_of(pair->alloc, order, link)->next;
	}
	CHECK_EQ(link, END_OF_LIST);
}

static inline void pair_compare(const struct buddy_pair *pair)
{
	const struct naive_buddy *naive = &pair->naive;

	CHECK_EQ(page_alloc_free(pair->alloc), naive_buddy_free(naive));
	CHECK_EQ(page_alloc_free_cma(pair->alloc),
		 naive_buddy_free_of(naive, NAIVE_CMA));
	CHECK_EQ(page_alloc_largest(pair->alloc), naive_buddy_largest(naive));
	for (uint32_t type = 0; type < HK_NR_MIGRATETYPES; type++)
		for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
			pair_compare_list(pair, type, order);
	for (uint64_t pfn = naive->start; pfn < naive->end;
	     pfn = (pfn / NAIVE_PAGEBLOCK + 1) * NAIVE_PAGEBLOCK)
		CHECK_EQ(page_alloc_type(pair->alloc, pfn),
			 naive->type[(pfn - naive->origin) / NAIVE_PAGEBLOCK]);
}

#endif
