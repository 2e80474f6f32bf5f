// SPDX-License-Identifier: MIT
//
// Looking at a page allocator by address, and counting by type.
#include "page_alloc_internal.h"

#include <string.h>

// Which of a slot's two blocks is free: the one its neighbour in the list, or
// the list, calls by number.
static uint64_t number_in(const struct page_alloc *alloc, uint32_t order,
			  uint64_t slot)
{
	const struct block_link *own = &alloc->area[order].link[slot];
	uint64_t first = slot << (order < HK_PAGEBLOCK_ORDER);
	enum hk_migratetype type = type_of(alloc, first << order);
	uint32_t link = own->prev == END_OF_LIST
				? alloc->list[type][order].head
				: link_of(alloc, order, own->prev)->next;

	return (uint64_t)link - FIRST_LINK;
}

bool page_alloc_is_free(const struct page_alloc *alloc, uint32_t order,
			uint64_t number)
{
	uint64_t slot = slot_of(order, number);

	return test_bit(alloc->area[order].is_free, slot) &&
	       number_in(alloc, order, slot) == number;
}

// The slots of one order in a pageblock: 256 bits or fewer, in whole words or
// inside one.
static void orders_of(const struct page_alloc *alloc, uint64_t pageblock,
		      uint32_t order, uint8_t *orders)
{
	uint64_t slots = slot_of(order, PAGEBLOCK_PAGES >> order);
	uint64_t first = pageblock * slots;
	uint64_t mask = slots < 64 ? (UINT64_C(1) << slots) - 1 : UINT64_MAX;

	for (uint64_t at = first; at < first + slots; at += 64) {
		uint64_t word = alloc->area[order].is_free[at / 64] >> at % 64;

		for (word &= mask; word; word &= word - 1) {
			uint64_t slot = at + (uint64_t)__builtin_ctzll(word);
			uint64_t page = number_in(alloc, order, slot) << order;

			orders[page % PAGEBLOCK_PAGES] = (uint8_t)(order + 1);
		}
	}
}

void page_alloc_orders_in(const struct page_alloc *alloc, uint64_t pageblock,
			  uint8_t orders[PAGEBLOCK_PAGES])
{
	memset(orders, 0, PAGEBLOCK_PAGES);
	for (uint32_t order = 0; order <= HK_PAGEBLOCK_ORDER; order++)
		orders_of(alloc, pageblock, order, orders);
}

// Free blocks of one order, none above a pageblock's, in a pageblock.
static uint32_t count_in(const struct page_alloc *alloc, uint64_t pageblock,
			 uint32_t order)
{
	const uint64_t *bits = alloc->area[order].is_free;
	uint64_t slots = slot_of(order, PAGEBLOCK_PAGES >> order);
	uint64_t first = pageblock * slots;
	int count = 0;

	if (slots < 64)
		return (uint32_t)__builtin_popcountll(
			bits[first / 64] >> first % 64 &
			((UINT64_C(1) << slots) - 1));
	for (uint64_t i = 0; i < slots / 64; i++)
		count += __builtin_popcountll(bits[first / 64 + i]);
	return (uint32_t)count;
}

static bool in_largest(const struct page_alloc *alloc, uint64_t pageblock)
{
	return test_bit(alloc->area[HK_MAX_PAGE_ORDER].is_free, pageblock / 2);
}

uint32_t page_alloc_free_in(const struct page_alloc *alloc, uint64_t pageblock)
{
	uint32_t pages = 0;

	if (in_largest(alloc, pageblock))
		return PAGEBLOCK_PAGES;
	for (uint32_t order = 0; order <= HK_PAGEBLOCK_ORDER; order++)
		pages += count_in(alloc, pageblock, order) << order;
	return pages;
}

typedef void visit_block(void *context, uint64_t pfn, uint64_t pages);

static void walk_pageblock(const struct page_alloc *alloc, uint64_t pageblock,
			   visit_block *visit, void *context)
{
	uint64_t first = alloc->base + (pageblock << HK_PAGEBLOCK_ORDER);
	uint8_t orders[PAGEBLOCK_PAGES];

	page_alloc_orders_in(alloc, pageblock, orders);
	for (uint32_t page = 0; page < PAGEBLOCK_PAGES; page++)
		if (orders[page])
			visit(context, first + page,
			      UINT64_C(1) << (orders[page] - 1));
}

void page_alloc_walk_free(const struct page_alloc *alloc,
			  void (*visit)(void *context, uint64_t pfn,
					uint64_t pages),
			  void *context)
{
	for (uint64_t i = 0; i < pageblocks_of(alloc); i++) {
		if (in_largest(alloc, i)) {
			visit(context, alloc->base + (i << HK_PAGEBLOCK_ORDER),
			      UINT64_C(2) * PAGEBLOCK_PAGES);
			i++;
		} else if (page_alloc_free_in(alloc, i)) {
			walk_pageblock(alloc, i, visit, context);
		}
	}
}

void page_alloc_counts_by_type(
	const struct page_alloc *alloc,
	uint64_t counts[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS],
	uint64_t pageblocks[HK_NR_MIGRATETYPES])
{
	uint64_t first = alloc->start >> HK_PAGEBLOCK_ORDER;
	uint64_t last = (alloc->end - 1) >> HK_PAGEBLOCK_ORDER;

	memset(counts, 0, HK_NR_MIGRATETYPES * sizeof(counts[0]));
	memset(pageblocks, 0, HK_NR_MIGRATETYPES * sizeof(pageblocks[0]));
	for (uint64_t i = first; i <= last; i++) {
		uint64_t *of_type = counts[alloc->pageblock[i].type];

		pageblocks[alloc->pageblock[i].type]++;
		if (in_largest(alloc, i)) {
			of_type[HK_MAX_PAGE_ORDER] += i % 2 == 0;
			continue;
		}
		for (uint32_t order = 0; order <= HK_PAGEBLOCK_ORDER; order++)
			of_type[order] += count_in(alloc, i, order);
	}
}

void page_alloc_counts(const struct page_alloc *alloc,
		       uint64_t counts[HK_NR_PAGE_ORDERS])
{
	uint64_t by_type[HK_NR_MIGRATETYPES][HK_NR_PAGE_ORDERS];
	uint64_t pageblocks[HK_NR_MIGRATETYPES];

	page_alloc_counts_by_type(alloc, by_type, pageblocks);
	for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++) {
		counts[order] = 0;
		for (uint32_t type = 0; type < HK_NR_MIGRATETYPES; type++)
			counts[order] += by_type[type][order];
	}
}

enum hk_migratetype page_alloc_type(const struct page_alloc *alloc,
				    uint64_t pfn)
{
	return type_of(alloc, pfn - alloc->base);
}
