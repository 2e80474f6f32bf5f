// SPDX-License-Identifier: MIT
#include "lent_pages.h"

#include "claim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { WORD_BITS = 64 };

static uint64_t bit_of(uint64_t i)
{
	return UINT64_C(1) << (i % WORD_BITS);
}

int lent_pages_add(struct lent_pages *lent, uint64_t base_pfn, uint64_t count)
{
	struct lent_range *range = realloc(
		lent->range, (lent->n_ranges + 1) * sizeof(lent->range[0]));

	if (!range)
		return -ENOMEM;
	lent->range = range;
	range += lent->n_ranges++;
	*range = (struct lent_range){.base_pfn = base_pfn, .count = count};
	// Zeroed by calloc(), but not touched: a page that nobody ever borrows
	// costs its bit.
	range->borrowed = calloc((count + WORD_BITS - 1) / WORD_BITS,
				 sizeof(range->borrowed[0]));
	range->buffer = calloc(count, sizeof(range->buffer[0]));
	range->entry = calloc(count, sizeof(range->entry[0]));
	return range->borrowed && range->buffer && range->entry ? 0 : -ENOMEM;
}

void lent_pages_destroy(struct lent_pages *lent)
{
	for (uint32_t i = 0; i < lent->n_ranges; i++) {
		free(lent->range[i].borrowed);
		free(lent->range[i].buffer);
		free(lent->range[i].entry);
	}
	free(lent->range);
}

struct lent_range *lent_pages_find(const struct lent_pages *lent, uint64_t pfn)
{
	for (uint32_t i = 0; i < lent->n_ranges; i++)
		if (pfn - lent->range[i].base_pfn < lent->range[i].count)
			return &lent->range[i];
	return NULL;
}

void lent_pages_borrow(struct lent_pages *lent, uint64_t pfn,
		       struct buffer *buffer, uint32_t entry)
{
	struct lent_range *range = lent_pages_find(lent, pfn);
	uint64_t i;

	if (!range)
		return;
	i = pfn - range->base_pfn;
	assert(!(range->borrowed[i / WORD_BITS] & bit_of(i)));
	range->borrowed[i / WORD_BITS] |= bit_of(i);
	range->buffer[i] = buffer;
	range->entry[i] = entry;
	range->n_borrowed++;
}

void lent_pages_return(struct lent_pages *lent, uint64_t pfn)
{
	struct lent_range *range = lent_pages_find(lent, pfn);
	uint64_t i;

	if (!range)
		return;
	i = pfn - range->base_pfn;
	assert(range->borrowed[i / WORD_BITS] & bit_of(i));
	range->borrowed[i / WORD_BITS] &= ~bit_of(i);
	range->n_borrowed--;
}

uint64_t lent_range_next(const struct lent_range *range, uint64_t pfn,
			 uint64_t end)
{
	uint64_t i = pfn - range->base_pfn;
	const uint64_t stop = end - range->base_pfn;

	while (i < stop) {
		const uint64_t rest =
			range->borrowed[i / WORD_BITS] & (0 - bit_of(i));

		if (rest) {
			i = i / WORD_BITS * WORD_BITS +
			    (uint64_t)__builtin_ctzll(rest);
			break;
		}
		i = (i / WORD_BITS + 1) * WORD_BITS;
	}
	return i < stop ? range->base_pfn + i : end;
}

bool claim_fixed(const struct lent_pages *lent, struct claim *memory,
		 uint64_t pfn, uint64_t pages)
{
	return claim_pages(memory, pfn, pages) && !lent_pages_find(lent, pfn) &&
	       !lent_pages_find(lent, pfn + pages - 1);
}
