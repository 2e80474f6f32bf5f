// SPDX-License-Identifier: MIT
#include "claim.h"

#include <errno.h>
#include <stdlib.h>

enum { WORD_SHIFT = 6, WORD_BITS = 1 << WORD_SHIFT };

int claim_create(uint64_t start, uint64_t end, struct claim *ret)
{
	ret->start = start;
	ret->end = end;
	ret->left = end - start;
	ret->map = calloc((ret->left >> WORD_SHIFT) + 1, sizeof(*ret->map));
	return ret->map ? 0 : -ENOMEM;
}

void claim_destroy(struct claim *claim)
{
	free(claim->map);
}

static bool claim_word(uint64_t *word, uint64_t bits)
{
	if (*word & bits)
		return false;
	*word |= bits;
	return true;
}

bool claim_pages(struct claim *claim, uint64_t pfn, uint64_t pages)
{
	uint64_t bit = pfn - claim->start;

	if (pfn < claim->start || pfn > claim->end || pages > claim->end - pfn)
		return false;
	claim->left -= pages;
	while (pages) {
		const uint64_t offset = bit & (WORD_BITS - 1);
		const uint64_t room = WORD_BITS - offset;
		const uint64_t n = pages < room ? pages : room;
		const uint64_t bits = (~UINT64_C(0) >> (WORD_BITS - n))
				      << offset;

		if (!claim_word(&claim->map[bit >> WORD_SHIFT], bits))
			return false;
		bit += n;
		pages -= n;
	}
	return true;
}

// The first page at or after @page that is claimed, or is not; ->end if none.
static uint64_t find(const struct claim *claim, uint64_t page, bool claimed)
{
	const uint64_t flip = claimed ? 0 : ~UINT64_C(0);
	const uint64_t pages = claim->end - claim->start;
	uint64_t bit = page - claim->start;

	while (bit < pages) {
		const uint64_t word = (claim->map[bit >> WORD_SHIFT] ^ flip) >>
				      (bit & (WORD_BITS - 1));

		if (word)
			bit += (uint64_t)__builtin_ctzll(word);
		if (word)
			break;
		bit = (bit | (WORD_BITS - 1)) + 1;
	}
	return bit < pages ? claim->start + bit : claim->end;
}

void claim_walk_left(const struct claim *claim,
		     void (*visit)(void *context, uint64_t pfn, uint64_t pages),
		     void *context)
{
	uint64_t end;

	for (uint64_t page = find(claim, claim->start, false);
	     page < claim->end; page = find(claim, end, false)) {
		end = find(claim, page, true);
		visit(context, page, end - page);
	}
}
