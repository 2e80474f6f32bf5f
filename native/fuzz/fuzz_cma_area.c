// SPDX-License-Identifier: MIT
//
// A CMA area of one to four ranges, some of its places busy, against linear
// scans.
#include <string.h>

#include "cma_area_pair.h"
#include "play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cma_area_pair pair;
	struct bytes bytes = {data, size};
	uint64_t next = 0;
	struct subject subject;

	memset(&pair, 0, sizeof(pair));
	fuzz_portable(bytes_below(&bytes, 2));
	pair.opb = bytes_below(&bytes, 5);
	pair.cap = bytes_below(&bytes, 13);
	pair.busy = bytes_below(&bytes, 2) ? bytes_below(&bytes, 100) : 0;
	pair.n_ranges = 1 + bytes_below(&bytes, 4);
	for (uint32_t i = 0; i < pair.n_ranges; i++) {
		next += bytes_u16(&bytes);
		pair.range[i].base_pfn = next;
		pair.range[i].count = (1 + bytes_u16(&bytes) % UINT64_C(700))
				      << pair.opb;
		next += pair.range[i].count;
	}
	cma_area_pair_start(&pair);
	subject = cma_area_pair_subject(&pair, 1000);
	play(&subject, &bytes);
	cma_area_pair_end(&pair);
	return 0;
}
