// SPDX-License-Identifier: MIT
//
// The buddy allocator against lists searched from end to end.
#include "page_alloc_pair.h"
#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct page_alloc_pair pair;
	struct bytes bytes = {data, size};
	const uint64_t base = bytes_u16(&bytes);
	const uint64_t pages = 1 + bytes_u16(&bytes) % 4096;
	const uint64_t min_free = bytes_u8(&bytes);
	struct subject subject = page_alloc_pair_subject(&pair, 1100);

	page_alloc_pair_start(&pair, base, pages, min_free);
	play(&subject, &bytes);
	page_alloc_pair_end(&pair);
	return 0;
}
