// SPDX-License-Identifier: MIT
//
// Where a request goes whose own lists are empty: a whole pageblock of another
// type is claimed, else a single block of one is stolen. mm/page_alloc.c.
#include "page_alloc_internal.h"

// fallbacks[] of mm/page_alloc.c: the types to ask, in this order.
static const enum hk_migratetype fallbacks[][2] = {
	[HK_MIGRATE_UNMOVABLE] = {HK_MIGRATE_RECLAIMABLE, HK_MIGRATE_MOVABLE},
	[HK_MIGRATE_MOVABLE] = {HK_MIGRATE_RECLAIMABLE, HK_MIGRATE_UNMOVABLE},
	[HK_MIGRATE_RECLAIMABLE] = {HK_MIGRATE_UNMOVABLE, HK_MIGRATE_MOVABLE},
};

// The fallback types' orders with any block, from @lowest on.
static uint32_t fallback_orders(const struct page_alloc *alloc, uint32_t lowest,
				enum hk_migratetype type)
{
	uint32_t orders = alloc->nonempty[fallbacks[type][0]] |
			  alloc->nonempty[fallbacks[type][1]];

	return orders >> lowest << lowest;
}

static enum hk_migratetype fallback_at(const struct page_alloc *alloc,
				       uint32_t order, enum hk_migratetype type)
{
	return fallbacks[type]
			[!(alloc->nonempty[fallbacks[type][0]] >> order & 1)];
}

void page_alloc_move_pageblock(struct page_alloc *alloc, uint64_t pageblock,
			       enum hk_migratetype type)
{
	struct pageblock *moved = &alloc->pageblock[pageblock];
	enum hk_migratetype old = (enum hk_migratetype)moved->type;
	uint64_t first = pageblock << HK_PAGEBLOCK_ORDER;
	uint8_t orders[PAGEBLOCK_PAGES];
	int64_t pages = 0;

	page_alloc_orders_in(alloc, pageblock, orders);
	for (uint32_t page = 0; page < PAGEBLOCK_PAGES; page++) {
		uint32_t order = orders[page] - 1U;

		if (!orders[page])
			continue;
		unlink_block(alloc, old, order, (first + page) >> order);
		link_tail(alloc, type, order, (first + page) >> order);
		pages += INT64_C(1) << order;
	}
	account(alloc, old, -pages);
	account(alloc, type, pages);
	moved->type = (uint8_t)type;
}

// Whether at least half of the pageblock is free or as the request is: then it
// changes its type. Pages that are not movable cannot be told apart, so they
// are unlike in a pageblock that was not for movable ones.
static bool is_mostly(const struct page_alloc *alloc, uint64_t i,
		      enum hk_migratetype type)
{
	const struct pageblock *pageblock = &alloc->pageblock[i];
	uint32_t free = page_alloc_free_in(alloc, i);
	uint32_t alike = 0;

	if (type == HK_MIGRATE_MOVABLE)
		alike = pageblock->movable;
	else if (pageblock->type == HK_MIGRATE_MOVABLE)
		alike = PAGEBLOCK_PAGES - free - pageblock->movable;
	return free + alike >= PAGEBLOCK_PAGES / 2;
}

// try_to_claim_block() for the first block of a list.
static bool claim_block(struct page_alloc *alloc, const struct source *block,
			enum hk_migratetype type)
{
	uint64_t number =
		alloc->list[block->from][block->order].head - FIRST_LINK;
	uint64_t page = number << block->order;
	uint64_t pageblock = page >> HK_PAGEBLOCK_ORDER;
	uint64_t first = pageblock << HK_PAGEBLOCK_ORDER;

	if (block->order >= HK_PAGEBLOCK_ORDER) {
		for (; page < (number + 1) << block->order;
		     page += PAGEBLOCK_PAGES)
			pageblock_of(alloc, page)->type = (uint8_t)type;
		return true;
	}
	// prep_move_freepages_block(): not across the zone's ends.
	if (first < alloc->start || first + PAGEBLOCK_PAGES > alloc->end ||
	    !is_mostly(alloc, pageblock, type))
		return false;
	page_alloc_move_pageblock(alloc, pageblock, type);
	return true;
}

// Largest blocks first: they stand for the pageblocks with most free pages.
static bool claim(struct page_alloc *alloc, uint32_t order,
		  enum hk_migratetype type, struct source *source)
{
	uint32_t lowest = order, orders;

	// should_try_claim_block(): a movable request does no harm in a
	// pageblock of another type.
	if (type == HK_MIGRATE_MOVABLE && lowest < HK_PAGEBLOCK_ORDER / 2)
		lowest = HK_PAGEBLOCK_ORDER / 2;
	orders = fallback_orders(alloc, lowest, type);
	for (; orders; orders &= ~(UINT32_C(1) << source->order)) {
		source->order = 31 - (uint32_t)__builtin_clz(orders);
		source->from = fallback_at(alloc, source->order, type);
		source->to = type;
		if (!claim_block(alloc, source, type))
			continue;
		if (source->order >= HK_PAGEBLOCK_ORDER)
			return true;
		source->from = type;
		source->order = order + (uint32_t)__builtin_ctz(
						alloc->nonempty[type] >> order);
		return true;
	}
	return false;
}

bool page_alloc_fall_back(struct page_alloc *alloc, uint32_t order,
			  enum hk_migratetype type, struct source *source)
{
	uint32_t orders;

	if (claim(alloc, order, type, source))
		return true;
	orders = fallback_orders(alloc, order, type);
	if (!orders)
		return false;
	source->order = (uint32_t)__builtin_ctz(orders);
	source->from = fallback_at(alloc, source->order, type);
	source->to = source->from;
	return true;
}
