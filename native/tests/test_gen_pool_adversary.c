// SPDX-License-Identifier: MIT
//
// Every placement rule, over one chunk and over several, against linear scans
// and with sequences that look for trouble.
#include "gen_pool_pair.h"

static void play(uint32_t rule, const uint32_t *bits, uint32_t n_chunks,
		 uint32_t max_size, uint32_t events)
{
	static struct gen_pool_pair pair;
	const struct subject subject = gen_pool_pair_subject(&pair, max_size);

	gen_pool_pair_start(&pair, rule, 8 << 12, bits, n_chunks);
	adversary_play(&subject, events, rule + 1);
	gen_pool_pair_end(&pair);
}

// A word less a bit and a word more, a length that is no multiple of anything,
// and three chunks of which the first is too small for most.
static void play_rule(uint32_t rule)
{
	static const uint32_t one[] = {1021}, edge[] = {129},
			      three[] = {63, 400, 65};

	play(rule, one, 1, 300, 2000);
	play(rule, edge, 1, 129, 1000);
	play(rule, three, 3, 128, 1000);
}

TEST(no_sequence_parts_first_fit_from_a_linear_scan)
{
	play_rule(HK_FIT_FIRST);
}

TEST(no_sequence_parts_best_fit_from_a_linear_scan)
{
	play_rule(HK_FIT_BEST);
}

TEST(no_sequence_parts_first_align_from_a_linear_scan)
{
	play_rule(HK_FIT_FIRST_ALIGN);
}

TEST(no_sequence_parts_order_align_from_a_linear_scan)
{
	play_rule(HK_FIT_ORDER_ALIGN);
}

TEST(no_sequence_parts_the_fixed_rule_from_a_linear_scan)
{
	play_rule(PAIR_FIXED);
}
