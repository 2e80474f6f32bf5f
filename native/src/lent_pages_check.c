// SPDX-License-Identifier: MIT
//
// What is borrowed is in a buffer of a movable load, and the other way round.

#include "broken.h"
#include "internal.h"

static bool is_owned(const struct lent_range *range, uint64_t pfn)
{
	const struct buffer *buffer = range->buffer[pfn - range->base_pfn];
	const uint32_t entry = range->entry[pfn - range->base_pfn];

	return buffer->heap->spec.kind == HK_HEAP_PAGES &&
	       entry < buffer->n_entries &&
	       buffer->entry[entry].address == pfn << HK_PAGE_SHIFT;
}

static uint64_t count_owned(const struct lent_range *range)
{
	const uint64_t end = range->base_pfn + range->count;
	uint64_t owned = 0;

	for (uint64_t pfn = lent_range_next(range, range->base_pfn, end);
	     pfn < end; pfn = lent_range_next(range, pfn + 1, end))
		owned += is_owned(range, pfn);
	return owned;
}

static uint64_t count_lent(const struct lent_pages *lent,
			   const struct buffer *buffer)
{
	uint64_t found = 0;

	for (uint32_t i = 0; i < buffer->n_entries; i++)
		found += lent_pages_find(lent, buffer->entry[i].address >>
						       HK_PAGE_SHIFT) != NULL;
	return found;
}

int lent_pages_check(const struct hk_machine *machine, const char **rule)
{
	const struct lent_pages *lent = &machine->lent;
	uint64_t borrowed = 0, found = 0;

	for (uint32_t i = 0; i < lent->n_ranges; i++) {
		if (count_owned(&lent->range[i]) != lent->range[i].n_borrowed)
			return broken(rule, "a borrowed page's owner has it "
					    "not");
		borrowed += lent->range[i].n_borrowed;
	}
	if (!lent->n_ranges)
		return 0;
	for (uint32_t id = 0; id < machine->buffers.n_slots; id++) {
		const struct buffer *buffer = machine->buffers.slot[id];

		if (buffer && buffer->heap->spec.kind == HK_HEAP_PAGES)
			found += count_lent(lent, buffer);
	}
	return found == borrowed
		       ? 0
		       : broken(rule, "a page of a lent area is not known as "
				      "borrowed");
}
