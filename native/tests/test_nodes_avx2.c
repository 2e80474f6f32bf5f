// SPDX-License-Identifier: MIT
//
// On a CPU without AVX2, or another machine, there is nothing to compare.
#include "../src/run_index_internal.h"
#include "nodes_cases.h"

static bool can_run(void)
{
#ifdef __x86_64__
	return run_index_best_code() == &run_index_avx2;
#else
	return true;
#endif
}

TEST(lanes_are_compared_by_avx2_as_a_loop_compares_them)
{
	if (can_run())
		compare_lanes();
}

TEST(usable_lanes_are_compared_by_avx2_as_a_loop_compares_them)
{
	if (can_run())
		compare_usable_lanes();
}

TEST(usable_bytes_of_a_word_are_found_by_avx2_too)
{
	if (can_run())
		compare_usable_bytes();
}

TEST(usable_bytes_of_a_run_are_found_by_avx2_too)
{
	if (can_run())
		compare_usable_runs();
}
