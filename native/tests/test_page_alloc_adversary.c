// SPDX-License-Identifier: MIT
//
// The buddy allocator against lists searched from end to end, with sequences
// that look for trouble.
#include "page_alloc_pair.h"

static void play(uint64_t base, uint64_t pages, uint64_t min_free,
		 uint32_t max_size)
{
	static struct page_alloc_pair pair;
	const struct subject subject = page_alloc_pair_subject(&pair, max_size);

	for (uint32_t types = 1; types <= 3; types += 2) {
		page_alloc_pair_start(&pair, base, pages, min_free);
		pair.types = types;
		adversary_play(&subject, 1500, pages);
		page_alloc_pair_end(&pair);
	}
}

TEST(no_sequence_parts_the_buddies_from_lists_searched_from_end_to_end)
{
	play(0, 4096, 0, 1024);
	play(0x12345, 3000, 200, 256);
	play(1023, 1100, 16, 4);
}
