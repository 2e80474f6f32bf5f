// SPDX-License-Identifier: MIT
//
// Which pages have an owner already: how loading a state makes sure that no
// page has two and, at the end, that each has one.
#ifndef HK_CLAIM_H
#define HK_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
	uint64_t start; // the pages are [start, end)
	uint64_t end;
	uint64_t left; // that nobody claimed
	uint64_t *map;
};

// -ENOMEM.
int claim_create(uint64_t start, uint64_t end, struct claim *ret);
void claim_destroy(struct claim *claim);
// False if one of the pages is outside or has an owner; then some of them may
// have been claimed.
bool claim_pages(struct claim *claim, uint64_t pfn, uint64_t pages);

// Call @visit for every run of pages that nobody claimed, ascending.
void claim_walk_left(const struct claim *claim,
		     void (*visit)(void *context, uint64_t pfn, uint64_t pages),
		     void *context);

#endif
