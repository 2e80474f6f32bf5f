// SPDX-License-Identifier: MIT
//
// The bins of a latency histogram.
#include "../src/tally.h"

#include "harness.h"

TEST(small_latencies_have_a_bin_each)
{
	for (uint64_t ns = 0; ns < 2 * HK_LATENCY_STEPS; ns++)
		CHECK_EQ(tally_bin(ns), ns);
}

TEST(the_last_bin_holds_the_longest_latency)
{
	CHECK_EQ(tally_bin(UINT64_MAX), HK_LATENCY_BINS - 1);
}

TEST(a_bin_is_never_wider_than_its_values_over_the_steps)
{
	struct rng rng = {6};

	for (uint32_t i = scaled(20000); i; i--) {
		const uint64_t ns = rng_next(&rng) >> rng_below(&rng, 64);
		const uint64_t step = ns / HK_LATENCY_STEPS + 1;
		const uint32_t bin = tally_bin(ns);

		CHECK(ns > UINT64_MAX - step || tally_bin(ns + step) > bin);
		CHECK(ns == UINT64_MAX || tally_bin(ns + 1) - bin <= 1);
	}
}
