// SPDX-License-Identifier: MIT
//
// Who borrows which page of a lent CMA area: what mm/rmap.c finds out by
// walking page tables. Kept for lent areas only, some 12 bytes a page.
#ifndef HK_LENT_PAGES_H
#define HK_LENT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct claim;

// One range of an area.
struct lent_range {
	uint64_t base_pfn;
	uint64_t count; // pages
	uint64_t n_borrowed;
	uint64_t *borrowed; // a bit a page
	struct buffer **buffer; // by page; meaningless where not borrowed
	uint32_t *entry; // its index in the buffer
};

struct lent_pages {
	struct lent_range *range;
	uint32_t n_ranges;
};

// One more range, of which nothing is borrowed. -ENOMEM.
int lent_pages_add(struct lent_pages *lent, uint64_t base_pfn, uint64_t count);
void lent_pages_destroy(struct lent_pages *lent);

// The range that has the page, or NULL.
struct lent_range *lent_pages_find(const struct lent_pages *lent, uint64_t pfn);
// Both do nothing for a page of no range.
void lent_pages_borrow(struct lent_pages *lent, uint64_t pfn,
		       struct buffer *buffer, uint32_t entry);
void lent_pages_return(struct lent_pages *lent, uint64_t pfn);

// The first borrowed page from @pfn on; @end, which is inside or one past the
// range, if there is none before it.
uint64_t lent_range_next(const struct lent_range *range, uint64_t pfn,
			 uint64_t end);

// For a state: claim a block that cannot move, of at most two pageblocks.
// False: it has an owner, or lies in a range, where only movable pages are.
bool claim_fixed(const struct lent_pages *lent, struct claim *memory,
		 uint64_t pfn, uint64_t pages);

#endif
