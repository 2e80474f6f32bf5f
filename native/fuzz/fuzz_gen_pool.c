// SPDX-License-Identifier: MIT
//
// Every placement rule over one to three chunks against linear scans.
#include "gen_pool_pair.h"
#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gen_pool_pair pair;
	struct bytes bytes = {data, size};
	const uint8_t first = bytes_u8(&bytes);
	const uint32_t rule = first % (PAIR_FIXED + 1);
	const uint64_t align = UINT64_C(1) << bytes_below(&bytes, 20);
	const uint32_t n_chunks = 1 + bytes_below(&bytes, PAIR_MAX_CHUNKS);
	uint32_t bits[PAIR_MAX_CHUNKS];
	struct subject subject;

	fuzz_portable(first >= 128);
	for (uint32_t i = 0; i < n_chunks; i++)
		bits[i] = 1 + bytes_u16(&bytes) % 1100;
	gen_pool_pair_start(&pair, rule, align, bits, n_chunks);
	subject = gen_pool_pair_subject(&pair, bits[0] + 1);
	play(&subject, &bytes);
	gen_pool_pair_end(&pair);
	return 0;
}
