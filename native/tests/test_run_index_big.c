// SPDX-License-Identifier: MIT
//
// Maps far larger than a naive bitmap, against a sorted array of free runs.
#include <string.h>

#include "harness.h"
#include "run_index_fixture.h"

enum { MAX_RUNS = 4096, MAX_HELD = 2048 };

struct span {
	uint32_t bit;
	uint32_t end;
};

struct big {
	struct run_index *index;
	uint64_t phase;
	struct rng rng;
	uint32_t n_runs;
	struct span run[MAX_RUNS]; // by address; no two touch
	uint32_t n_held;
	struct span held[MAX_HELD];
};

static void insert(struct big *big, uint32_t which, struct span span)
{
	CHECK(big->n_runs < MAX_RUNS);
	memmove(&big->run[which + 1], &big->run[which],
		(big->n_runs++ - which) * sizeof(span));
	big->run[which] = span;
}

static void erase(struct big *big, uint32_t which)
{
	memmove(&big->run[which], &big->run[which + 1],
		(--big->n_runs - which) * sizeof(struct span));
}

// The first run and place for @bits at a multiple of 2^@order.
static bool first_place(const struct big *big, uint32_t bits, uint32_t order,
			uint32_t *which, uint32_t *at)
{
	uint64_t mask = (UINT64_C(1) << order) - 1;
	uint64_t offset = big->phase & mask;

	for (uint32_t i = 0; i < big->n_runs; i++) {
		uint64_t place =
			((big->run[i].bit + offset + mask) & ~mask) - offset;

		if (place + bits > big->run[i].end)
			continue;
		*which = i;
		*at = (uint32_t)place;
		return true;
	}
	return false;
}

static void take(struct big *big, uint32_t bits, uint32_t order)
{
	uint32_t run;
	uint32_t which;
	uint32_t expected;
	uint32_t at = run_index_find(big->index, 0, bits, order, &run);
	struct span old;

	if (!first_place(big, bits, order, &which, &expected)) {
		CHECK_EQ(at, HK_NO_RUN);
		return;
	}
	old = big->run[which];
	CHECK_EQ(at, expected);
	CHECK_EQ(run, old.bit);
	run_index_take(big->index, run, at, bits);
	erase(big, which);
	if (at + bits < old.end)
		insert(big, which, (struct span){at + bits, old.end});
	if (old.bit < at)
		insert(big, which, (struct span){old.bit, at});
	big->held[big->n_held++] = (struct span){at, at + bits};
}

static void give(struct big *big)
{
	uint32_t which = rng_below(&big->rng, big->n_held);
	struct span span = big->held[which];
	uint32_t i = 0;

	big->held[which] = big->held[--big->n_held];
	run_index_give(big->index, span.bit, span.end - span.bit);
	while (i < big->n_runs && big->run[i].bit < span.bit)
		i++;
	if (i < big->n_runs && big->run[i].bit == span.end) {
		span.end = big->run[i].end;
		erase(big, i);
	}
	if (i > 0 && big->run[i - 1].end == span.bit) {
		span.bit = big->run[--i].bit;
		erase(big, i);
	}
	insert(big, i, span);
}

static uint32_t longest(const struct big *big)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < big->n_runs; i++) {
		uint32_t length = big->run[i].end - big->run[i].bit;

		most = length > most ? length : most;
	}
	return most;
}

static void walk(const struct big *big)
{
	uint32_t run = run_index_next(big->index, 0, 1);

	for (uint32_t i = 0; i < big->n_runs; i++) {
		CHECK_EQ(run, big->run[i].bit);
		CHECK_EQ(run + run_index_length(big->index, run),
			 big->run[i].end);
		run = run_index_next(big->index, big->run[i].end, 1);
	}
	CHECK_EQ(run, HK_NO_RUN);
}

static void play(uint32_t bits, uint64_t phase, uint64_t orders,
		 uint32_t size_orders, uint32_t events)
{
	static struct big big;

	memset(&big, 0, sizeof(big));
	big.index = create(bits);
	big.phase = phase;
	big.rng.state = bits + size_orders;
	CHECK_EQ(run_index_align(big.index, phase, orders), 0);
	insert(&big, 0, (struct span){0, bits});
	for (uint32_t i = 0; i < scaled(events); i++) {
		if (big.n_held == MAX_HELD || (big.n_held && i % 9 >= 5))
			give(&big);
		else
			take(&big, rng_size(&big.rng, size_orders),
			     rng_below(&big.rng, 2) * rng_below(&big.rng, 20));
		CHECK_EQ(run_index_longest(big.index), longest(&big));
		compared(1);
		if (i % 1024 == 0)
			walk(&big);
	}
	walk(&big);
	if (bits <= 1U << 21)
		check(big.index);
	run_index_destroy(big.index);
}

// 8 GiB of pages.
TEST(a_map_of_2_to_the_21_bits_equals_a_sorted_array_of_runs)
{
	play(1U << 21, 0, 0, 14, 10000);
	play(1U << 21, 0x12345, 0x1fffe, 12, 10000);
	play((1U << 21) + 1, 0x7f, 0x184, 8, 10000);
}

// 1 TiB of pages, most of them never touched.
TEST(a_map_of_2_to_the_28_bits_equals_a_sorted_array_of_runs)
{
	play(1U << 28, 0, 0, 24, 10000);
	play(1U << 28, 0x8000, 0x1384, 22, 10000);
}

TEST(a_map_of_as_many_bits_as_there_can_be_is_taken_and_given)
{
	struct run_index *index = create(HK_MAX_BITS);
	uint32_t run;

	CHECK_EQ(run_index_align(index, 63, 1 << 3 | 1 << 9), 0);
	CHECK_EQ(run_index_longest(index), HK_MAX_BITS);
	CHECK_EQ(run_index_find(index, 0, HK_MAX_BITS - 1, 0, &run), 0);
	CHECK_EQ(run_index_find(index, 0, HK_MAX_BITS - 1, 9, &run), HK_NO_RUN);
	run_index_take(index, 0, HK_MAX_BITS - 1, 1);
	run_index_take(index, 0, 1 << 30, 1);
	CHECK_EQ(run_index_longest(index), 1 << 30);
	CHECK_EQ(run_index_length(index, (1 << 30) + 1), (1 << 30) - 3);
	run_index_give(index, HK_MAX_BITS - 1, 1);
	run_index_give(index, 1 << 30, 1);
	CHECK_EQ(run_index_longest(index), HK_MAX_BITS);
	run_index_destroy(index);
}
