// SPDX-License-Identifier: MIT
#include "naive_buddy.h"

#include <string.h>

// --- Pages and lists ---

static uint64_t index_of(const struct naive_buddy *buddy, uint64_t pfn)
{
	return pfn - buddy->origin;
}

static enum naive_type *type_of(struct naive_buddy *buddy, uint64_t pfn)
{
	return &buddy->type[index_of(buddy, pfn) / NAIVE_PAGEBLOCK];
}

static uint64_t size_of(uint32_t order)
{
	return UINT64_C(1) << order;
}

// PageBuddy(), of that order.
static bool is_block(const struct naive_buddy *buddy, uint64_t pfn,
		     uint32_t order)
{
	return pfn >= buddy->start && pfn < buddy->end &&
	       buddy->block[index_of(buddy, pfn)] == order + 1;
}

static void mark(struct naive_buddy *buddy, uint64_t pfn, uint64_t pages,
		 enum naive_page state)
{
	for (uint64_t i = 0; i < pages; i++)
		buddy->page[index_of(buddy, pfn) + i] = state;
}

static void insert(struct naive_buddy *buddy, enum naive_type type,
		   uint32_t order, uint64_t pfn, bool tail)
{
	struct naive_list *list = &buddy->list[type][order];
	uint32_t at = tail ? list->count : 0;

	memmove(&list->pfn[at + 1], &list->pfn[at],
		(list->count - at) * sizeof(list->pfn[0]));
	list->pfn[at] = pfn;
	list->count++;
	buddy->block[index_of(buddy, pfn)] = (uint8_t)(order + 1);
	mark(buddy, pfn, size_of(order), NAIVE_FREE);
}

static void erase(struct naive_buddy *buddy, enum naive_type type,
		  uint32_t order, uint64_t pfn)
{
	struct naive_list *list = &buddy->list[type][order];
	uint32_t at = 0;

	while (list->pfn[at] != pfn)
		at++;
	list->count--;
	memmove(&list->pfn[at], &list->pfn[at + 1],
		(list->count - at) * sizeof(list->pfn[0]));
	buddy->block[index_of(buddy, pfn)] = 0;
	mark(buddy, pfn, size_of(order), NAIVE_HELD);
}

// --- Boot ---

void naive_buddy_init(struct naive_buddy *buddy, uint64_t start, uint64_t end,
		      uint64_t min_free)
{
	memset(buddy, 0, sizeof(*buddy));
	buddy->origin = start / 1024 * 1024;
	buddy->start = start;
	buddy->end = end;
	buddy->min_free = min_free;
	for (uint32_t i = 0; i < NAIVE_PAGES / NAIVE_PAGEBLOCK; i++)
		buddy->type[i] = NAIVE_MOVABLE;
}

void naive_buddy_add(struct naive_buddy *buddy, uint64_t start, uint64_t end)
{
	while (start < end) {
		uint32_t order = NAIVE_ORDERS - 1;

		while (start % size_of(order) || start + size_of(order) > end)
			order--;
		insert(buddy, NAIVE_MOVABLE, order, start, true);
		start += size_of(order);
	}
}

// --- Free ---

static bool keeps_to_itself(enum naive_type type)
{
	return type == NAIVE_CMA || type == NAIVE_ISOLATE;
}

static bool may_merge(enum naive_type a, enum naive_type b)
{
	return a == b || (!keeps_to_itself(a) && !keeps_to_itself(b));
}

static void set_types(struct naive_buddy *buddy, uint64_t pfn, uint64_t pages,
		      enum naive_type type)
{
	for (uint64_t i = 0; i < pages; i += NAIVE_PAGEBLOCK)
		*type_of(buddy, pfn + i) = type;
}

// A block inside a pageblock, or a whole one.
static void free_one(struct naive_buddy *buddy, uint64_t pfn, uint32_t order,
		     bool to_tail)
{
	enum naive_type type = *type_of(buddy, pfn);

	for (; order < NAIVE_ORDERS - 1; order++) {
		uint64_t other = pfn ^ size_of(order);

		if (!is_block(buddy, other, order) ||
		    !may_merge(type, *type_of(buddy, other)))
			break;
		erase(buddy, *type_of(buddy, other), order, other);
		if (order >= 9)
			set_types(buddy, other, size_of(order), type);
		pfn &= other;
	}
	if (order < 9 &&
	    is_block(buddy, (pfn & ~size_of(order)) ^ size_of(order + 1),
		     order + 1))
		to_tail = true;
	insert(buddy, type, order, pfn, to_tail);
}

void naive_buddy_give(struct naive_buddy *buddy, uint64_t pfn, uint32_t order)
{
	mark(buddy, pfn, size_of(order), NAIVE_HELD);
	if (order <= 9) {
		free_one(buddy, pfn, order, false);
		return;
	}
	free_one(buddy, pfn, 9, false);
	free_one(buddy, pfn + NAIVE_PAGEBLOCK, 9, false);
}

// --- Take ---

static uint64_t take_from(struct naive_buddy *buddy, enum naive_type type,
			  uint32_t from, uint32_t order)
{
	uint64_t pfn = buddy->list[type][from].pfn[0];

	erase(buddy, type, from, pfn);
	while (from-- > order)
		insert(buddy, type, from, pfn + size_of(from), false);
	return pfn;
}

static bool smallest(struct naive_buddy *buddy, uint32_t order,
		     enum naive_type type, uint64_t *pfn)
{
	for (uint32_t from = order; from < NAIVE_ORDERS; from++) {
		if (!buddy->list[type][from].count)
			continue;
		*pfn = take_from(buddy, type, from, order);
		return true;
	}
	return false;
}

static enum naive_type fallback(enum naive_type type, uint32_t nth)
{
	if (type == NAIVE_UNMOVABLE)
		return nth ? NAIVE_MOVABLE : NAIVE_RECLAIMABLE;
	if (type == NAIVE_MOVABLE)
		return nth ? NAIVE_UNMOVABLE : NAIVE_RECLAIMABLE;
	return nth ? NAIVE_MOVABLE : NAIVE_UNMOVABLE;
}

// The first fallback type with a block of @order.
static bool fallback_with(const struct naive_buddy *buddy, uint32_t order,
			  enum naive_type type, enum naive_type *ret)
{
	for (uint32_t nth = 0; nth < 2; nth++) {
		*ret = fallback(type, nth);
		if (buddy->list[*ret][order].count)
			return true;
	}
	return false;
}

// Free blocks of a pageblock to the tail of another type's lists, ascending.
static void move_blocks(struct naive_buddy *buddy, uint64_t first,
			enum naive_type from, enum naive_type to)
{
	for (uint64_t pfn = first; pfn < first + NAIVE_PAGEBLOCK; pfn++) {
		uint32_t order = 0;

		while (order < NAIVE_ORDERS && !is_block(buddy, pfn, order))
			order++;
		if (order == NAIVE_ORDERS)
			continue;
		erase(buddy, from, order, pfn);
		insert(buddy, to, order, pfn, true);
	}
	*type_of(buddy, first) = to;
}

static uint32_t count_in(const struct naive_buddy *buddy, uint64_t first,
			 enum naive_page state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NAIVE_PAGEBLOCK; i++)
		count += buddy->page[index_of(buddy, first) + i] == state;
	return count;
}

static bool claim_pageblock(struct naive_buddy *buddy, uint64_t first,
			    enum naive_type from, enum naive_type type)
{
	uint32_t free, movable, alike = 0;

	if (first < buddy->start || first + NAIVE_PAGEBLOCK > buddy->end)
		return false;
	free = count_in(buddy, first, NAIVE_FREE);
	movable = count_in(buddy, first, NAIVE_HELD_MOVABLE);
	if (type == NAIVE_MOVABLE)
		alike = movable;
	else if (from == NAIVE_MOVABLE)
		alike = NAIVE_PAGEBLOCK - free - movable;
	if (free + alike < NAIVE_PAGEBLOCK / 2)
		return false;
	move_blocks(buddy, first, from, type);
	return true;
}

static bool claim(struct naive_buddy *buddy, uint32_t order,
		  enum naive_type type, uint64_t *pfn)
{
	for (uint32_t from = NAIVE_ORDERS; from-- > order;) {
		enum naive_type other;
		uint64_t first;

		if (type == NAIVE_MOVABLE && from < 9 / 2)
			return false;
		if (!fallback_with(buddy, from, type, &other))
			continue;
		first = buddy->list[other][from].pfn[0];
		if (from >= 9) {
			erase(buddy, other, from, first);
			set_types(buddy, first, size_of(from), type);
			insert(buddy, type, from, first, false);
			*pfn = take_from(buddy, type, from, order);
			return true;
		}
		first = first / NAIVE_PAGEBLOCK * NAIVE_PAGEBLOCK;
		if (claim_pageblock(buddy, first, other, type))
			return smallest(buddy, order, type, pfn);
	}
	return false;
}

static bool steal(struct naive_buddy *buddy, uint32_t order,
		  enum naive_type type, uint64_t *pfn)
{
	for (uint32_t from = order; from < NAIVE_ORDERS; from++) {
		enum naive_type other;

		if (!fallback_with(buddy, from, type, &other))
			continue;
		*pfn = take_from(buddy, other, from, order);
		return true;
	}
	return false;
}

static bool above_mark(const struct naive_buddy *buddy, uint32_t order,
		       enum naive_type type)
{
	int64_t usable = (int64_t)naive_buddy_free(buddy) -
			 ((int64_t)size_of(order) - 1);

	if (type != NAIVE_MOVABLE)
		usable -= (int64_t)naive_buddy_free_of(buddy, NAIVE_CMA);
	return order == 0 || usable > (int64_t)buddy->min_free;
}

static bool take(struct naive_buddy *buddy, uint32_t order,
		 enum naive_type type, uint64_t *pfn)
{
	bool movable = type == NAIVE_MOVABLE;

	if (!above_mark(buddy, order, type))
		return false;
	if (movable &&
	    naive_buddy_free_of(buddy, NAIVE_CMA) >
		    naive_buddy_free(buddy) / 2 &&
	    smallest(buddy, order, NAIVE_CMA, pfn))
		return true;
	return smallest(buddy, order, type, pfn) ||
	       (movable && smallest(buddy, order, NAIVE_CMA, pfn)) ||
	       claim(buddy, order, type, pfn) || steal(buddy, order, type, pfn);
}

bool naive_buddy_take(struct naive_buddy *buddy, uint32_t order,
		      enum naive_type type, uint64_t *pfn)
{
	if (!take(buddy, order, type, pfn))
		return false;
	mark(buddy, *pfn, size_of(order),
	     type == NAIVE_MOVABLE ? NAIVE_HELD_MOVABLE : NAIVE_HELD);
	return true;
}

bool naive_buddy_take_pinned(struct naive_buddy *buddy, uint64_t *pfn)
{
	if (!smallest(buddy, 0, NAIVE_MOVABLE, pfn) &&
	    !claim(buddy, 0, NAIVE_MOVABLE, pfn) &&
	    !steal(buddy, 0, NAIVE_MOVABLE, pfn))
		return false;
	mark(buddy, *pfn, 1, NAIVE_HELD_MOVABLE);
	return true;
}

// --- Ranges ---

void naive_buddy_add_cma(struct naive_buddy *buddy, uint64_t pfn,
			 uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i += NAIVE_PAGEBLOCK) {
		*type_of(buddy, pfn + i) = NAIVE_CMA;
		naive_buddy_give(buddy, pfn + i, 9);
	}
}

// A pageblock and its free blocks become @type. One block over two pageblocks
// is freed anew as two.
static void retype(struct naive_buddy *buddy, uint64_t first,
		   enum naive_type type)
{
	uint64_t pair = first / 1024 * 1024;

	if (!is_block(buddy, pair, 10)) {
		move_blocks(buddy, first, *type_of(buddy, first), type);
		return;
	}
	erase(buddy, *type_of(buddy, pair), 10, pair);
	*type_of(buddy, first) = type;
	naive_buddy_give(buddy, pair, 10);
}

static void isolate(struct naive_buddy *buddy, uint64_t first)
{
	buddy->was[index_of(buddy, first) / NAIVE_PAGEBLOCK] =
		*type_of(buddy, first);
	retype(buddy, first, NAIVE_ISOLATE);
}

static void undo(struct naive_buddy *buddy, uint64_t first)
{
	enum naive_type type =
		buddy->was[index_of(buddy, first) / NAIVE_PAGEBLOCK];
	uint64_t other = first ^ NAIVE_PAGEBLOCK;

	if (is_block(buddy, first, 9) && is_block(buddy, other, 9) &&
	    *type_of(buddy, other) != NAIVE_ISOLATE) {
		erase(buddy, NAIVE_ISOLATE, 9, first);
		*type_of(buddy, first) = type;
		free_one(buddy, first, 9, true);
	} else {
		retype(buddy, first, type);
	}
}

void naive_buddy_isolate(struct naive_buddy *buddy, uint64_t pfn,
			 uint64_t pages)
{
	uint64_t first = pfn / NAIVE_PAGEBLOCK * NAIVE_PAGEBLOCK;
	uint64_t last = (pfn + pages - 1) / NAIVE_PAGEBLOCK * NAIVE_PAGEBLOCK;

	isolate(buddy, first);
	if (last > first)
		isolate(buddy, last);
	for (first += NAIVE_PAGEBLOCK; first < last; first += NAIVE_PAGEBLOCK)
		isolate(buddy, first);
}

void naive_buddy_undo_isolate(struct naive_buddy *buddy, uint64_t pfn,
			      uint64_t pages)
{
	uint64_t first = pfn / NAIVE_PAGEBLOCK * NAIVE_PAGEBLOCK;

	for (; first < pfn + pages; first += NAIVE_PAGEBLOCK)
		if (*type_of(buddy, first) == NAIVE_ISOLATE)
			undo(buddy, first);
}

// The free block with @pfn in it.
static uint64_t block_with(const struct naive_buddy *buddy, uint64_t pfn,
			   uint32_t *order)
{
	for (*order = 0; *order < NAIVE_ORDERS; ++*order) {
		uint64_t first = pfn & ~(size_of(*order) - 1);

		if (is_block(buddy, first, *order))
			return first;
	}
	return 0;
}

bool naive_buddy_take_range(struct naive_buddy *buddy, uint64_t pfn,
			    uint64_t pages)
{
	uint64_t at, outer;
	uint32_t order;

	for (uint64_t i = 0; i < pages; i++)
		if (buddy->page[index_of(buddy, pfn) + i] != NAIVE_FREE ||
		    *type_of(buddy, pfn + i) != NAIVE_ISOLATE)
			return false;
	outer = block_with(buddy, pfn, &order);
	for (at = outer; at < pfn + pages; at += size_of(order)) {
		block_with(buddy, at, &order);
		erase(buddy, NAIVE_ISOLATE, order, at);
	}
	naive_buddy_give_range(buddy, outer, pfn - outer);
	naive_buddy_give_range(buddy, pfn + pages, at - pfn - pages);
	return true;
}

void naive_buddy_give_range(struct naive_buddy *buddy, uint64_t pfn,
			    uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		naive_buddy_give(buddy, pfn + i, 0);
}

// --- Counting ---

uint64_t naive_buddy_free_of(const struct naive_buddy *buddy,
			     enum naive_type type)
{
	uint64_t free = 0;

	for (uint32_t order = 0; order < NAIVE_ORDERS; order++)
		free += buddy->list[type][order].count * size_of(order);
	return free;
}

uint64_t naive_buddy_free(const struct naive_buddy *buddy)
{
	return naive_buddy_free_of(buddy, NAIVE_UNMOVABLE) +
	       naive_buddy_free_of(buddy, NAIVE_MOVABLE) +
	       naive_buddy_free_of(buddy, NAIVE_RECLAIMABLE) +
	       naive_buddy_free_of(buddy, NAIVE_CMA);
}

uint64_t naive_buddy_largest(const struct naive_buddy *buddy)
{
	for (uint32_t order = NAIVE_ORDERS; order-- > 0;)
		for (uint32_t type = 0; type < NAIVE_TYPES; type++)
			if (buddy->list[type][order].count)
				return size_of(order);
	return 0;
}
