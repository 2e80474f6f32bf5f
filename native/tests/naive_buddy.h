// SPDX-License-Identifier: MIT
//
// What page_alloc*.c is measured against, written from the rules alone: free
// lists are arrays of pfns, head first; every page says what it is; whatever
// can be counted is counted anew each time, and ranges go page by page.
#ifndef HK_NAIVE_BUDDY_H
#define HK_NAIVE_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	NAIVE_ORDERS = 11,
	NAIVE_PAGEBLOCK = 512,
	NAIVE_PAGES = 12288, // from the zone's first pageblock on, at most
	NAIVE_BLOCKS = 8192, // on a list, at most
};

enum naive_type {
	NAIVE_UNMOVABLE,
	NAIVE_MOVABLE,
	NAIVE_RECLAIMABLE,
	NAIVE_CMA,
	NAIVE_ISOLATE,
	NAIVE_TYPES,
};

enum naive_page { NAIVE_HELD, NAIVE_HELD_MOVABLE, NAIVE_FREE };

struct naive_list {
	uint32_t count;
	uint64_t pfn[NAIVE_BLOCKS];
};

struct naive_buddy {
	uint64_t origin; // where the tables below begin
	uint64_t start, end; // the zone
	uint64_t min_free;
	enum naive_type type[NAIVE_PAGES / NAIVE_PAGEBLOCK];
	enum naive_type was[NAIVE_PAGES / NAIVE_PAGEBLOCK]; // before isolation
	enum naive_page page[NAIVE_PAGES];
	uint8_t block[NAIVE_PAGES]; // order + 1 of the free block that starts
	struct naive_list list[NAIVE_TYPES][NAIVE_ORDERS];
};

// A zone in which every page is held.
void naive_buddy_init(struct naive_buddy *buddy, uint64_t start, uint64_t end,
		      uint64_t min_free);
// Free blocks for [start, end), at the tail, as at boot.
void naive_buddy_add(struct naive_buddy *buddy, uint64_t start, uint64_t end);
void naive_buddy_add_cma(struct naive_buddy *buddy, uint64_t pfn,
			 uint64_t pages);

bool naive_buddy_take(struct naive_buddy *buddy, uint32_t order,
		      enum naive_type type, uint64_t *pfn);
// Movable, of order 0, but nothing that an area lends.
bool naive_buddy_take_pinned(struct naive_buddy *buddy, uint64_t *pfn);
void naive_buddy_give(struct naive_buddy *buddy, uint64_t pfn, uint32_t order);

void naive_buddy_isolate(struct naive_buddy *buddy, uint64_t pfn,
			 uint64_t pages);
bool naive_buddy_take_range(struct naive_buddy *buddy, uint64_t pfn,
			    uint64_t pages);
void naive_buddy_give_range(struct naive_buddy *buddy, uint64_t pfn,
			    uint64_t pages);
void naive_buddy_undo_isolate(struct naive_buddy *buddy, uint64_t pfn,
			      uint64_t pages);

uint64_t naive_buddy_free_of(const struct naive_buddy *buddy,
			     enum naive_type type);
// Of all types but the isolated.
uint64_t naive_buddy_free(const struct naive_buddy *buddy);
uint64_t naive_buddy_largest(const struct naive_buddy *buddy);

#endif
