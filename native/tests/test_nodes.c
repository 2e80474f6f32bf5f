// SPDX-License-Identifier: MIT
#include "nodes_cases.h"

TEST(lanes_are_compared_as_a_loop_compares_them)
{
	compare_lanes();
}

TEST(usable_lanes_are_compared_as_a_loop_compares_them)
{
	compare_usable_lanes();
}

TEST(usable_bytes_of_a_word_are_what_a_loop_finds)
{
	compare_usable_bytes();
}

TEST(usable_bytes_of_a_run_are_what_a_loop_finds)
{
	compare_usable_runs();
}
