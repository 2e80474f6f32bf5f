// SPDX-License-Identifier: MIT
#include "naive_buddy.h"

#include <string.h>

static void insert(struct naive_buddy *buddy, uint32_t order, uint32_t at,
		   uint64_t pfn)
{
	uint64_t *list = buddy->list[order];

	memmove(&list[at + 1], &list[at],
		(buddy->count[order] - at) * sizeof(*list));
	list[at] = pfn;
	buddy->count[order]++;
}

static void erase(struct naive_buddy *buddy, uint32_t order, uint32_t at)
{
	uint64_t *list = buddy->list[order];

	buddy->count[order]--;
	memmove(&list[at], &list[at + 1],
		(buddy->count[order] - at) * sizeof(*list));
}

// Where @pfn is in the list, or the list's length.
static uint32_t position(const struct naive_buddy *buddy, uint32_t order,
			 uint64_t pfn)
{
	uint32_t at = 0;

	while (at < buddy->count[order] && buddy->list[order][at] != pfn)
		at++;
	return at;
}

static bool holds(const struct naive_buddy *buddy, uint32_t order, uint64_t pfn)
{
	return position(buddy, order, pfn) < buddy->count[order];
}

void naive_buddy_add(struct naive_buddy *buddy, uint64_t start, uint64_t end)
{
	buddy->free += end - start;
	while (start < end) {
		uint32_t order = NAIVE_ORDERS - 1;

		while (start % (UINT64_C(1) << order) ||
		       start + (UINT64_C(1) << order) > end)
			order--;
		insert(buddy, order, buddy->count[order], start);
		start += UINT64_C(1) << order;
	}
}

bool naive_buddy_take(struct naive_buddy *buddy, uint32_t order, uint64_t *pfn)
{
	int64_t usable = (int64_t)buddy->free - ((INT64_C(1) << order) - 1);
	uint32_t from = order;

	if (order > 0 && usable <= (int64_t)buddy->min_free)
		return false;
	while (from < NAIVE_ORDERS && buddy->count[from] == 0)
		from++;
	if (from == NAIVE_ORDERS)
		return false;
	*pfn = buddy->list[from][0];
	erase(buddy, from, 0);
	while (from-- > order)
		insert(buddy, from, 0, *pfn + (UINT64_C(1) << from));
	buddy->free -= UINT64_C(1) << order;
	return true;
}

void naive_buddy_give(struct naive_buddy *buddy, uint64_t pfn, uint32_t order)
{
	bool tail;

	buddy->free += UINT64_C(1) << order;
	for (; order < NAIVE_ORDERS - 1; order++) {
		uint64_t other = pfn ^ (UINT64_C(1) << order);

		if (!holds(buddy, order, other))
			break;
		erase(buddy, order, position(buddy, order, other));
		pfn &= other;
	}
	tail = order < 9 &&
	       holds(buddy, order + 1,
		     (pfn & ~(UINT64_C(1) << order)) ^ (UINT64_C(2) << order));
	insert(buddy, order, tail ? buddy->count[order] : 0, pfn);
}

uint64_t naive_buddy_largest(const struct naive_buddy *buddy)
{
	for (uint32_t order = NAIVE_ORDERS; order-- > 0;)
		if (buddy->count[order])
			return UINT64_C(1) << order;
	return 0;
}
