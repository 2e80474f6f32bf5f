// SPDX-License-Identifier: MIT
//
// A CMA area against linear scans, with sequences that look for trouble.
#include "cma_area_pair.h"

static void play(struct cma_area_pair layout, uint32_t bits)
{
	static struct cma_area_pair pair;
	const struct subject subject =
		cma_area_pair_subject(&pair, bits / 2 << layout.opb);

	pair = layout;
	cma_area_pair_start(&pair);
	adversary_play(&subject, 1500, bits + layout.cap);
	cma_area_pair_end(&pair);
}

static void play_one(uint64_t base, uint32_t opb, uint32_t cap, uint32_t bits)
{
	play((struct cma_area_pair){.range = {{base, (uint64_t)bits << opb}},
				    .n_ranges = 1,
				    .opb = opb,
				    .cap = cap},
	     bits);
}

TEST(no_sequence_parts_an_aligned_area_from_a_linear_scan)
{
	play_one(0x10000, 0, 8, 1024);
	play_one(0x10000, 0, 0, 257);
}

TEST(no_sequence_parts_an_area_off_its_alignment_from_a_linear_scan)
{
	play_one(0x12345, 0, 8, 1000);
	play_one(0x7ff, 0, 12, 2047);
}

TEST(no_sequence_parts_an_area_of_coarse_bits_from_a_linear_scan)
{
	play_one(0x12344, 2, 8, 511);
	play_one(0x400, 10, 9, 65);
}

TEST(no_sequence_parts_ranges_with_busy_places_from_linear_scans)
{
	play((struct cma_area_pair){.range = {{0x10000, 300}, {0x8001, 64}},
				    .n_ranges = 2,
				    .cap = 4,
				    .busy = 30},
	     128);
	play(
		(struct cma_area_pair){
			.range = {{0x1000, 512}, {0x2200, 768}, {0x400, 256}},
			.n_ranges = 3,
			.opb = 2,
			.cap = 8,
			.busy = 70},
		256);
}
