// SPDX-License-Identifier: MIT
//
// Each placement rule against a linear scan.
#include <errno.h>
#include <string.h>

#include "gen_pool_fixture.h"
#include "harness.h"
#include "naive_bitmap.h"

enum { MAX_LIVE = NAIVE_BITS };

struct buffer {
	uint64_t address;
	uint64_t size;
};

struct differential {
	enum hk_fit fit;
	uint64_t align;
	uint64_t base;
	uint32_t orders; // sizes are 1 … 2^orders granules
	uint32_t percent; // occupancy to hover about
	struct gen_pool *pool;
	struct naive_bitmap map;
	struct rng rng;
	struct buffer live[MAX_LIVE];
	uint32_t n_live;
};

static uint64_t naive_place(const struct differential *pair, uint32_t n)
{
	uint64_t mask = 0;
	uint64_t low = pair->align - 1;

	switch (pair->fit) {
	case HK_FIT_BEST:
		return naive_best(&pair->map, n);
	case HK_FIT_ORDER_ALIGN:
		while (mask + 1 < n)
			mask = 2 * mask + 1;
		return naive_find(&pair->map, 0, n, mask, 0);
	case HK_FIT_FIRST_ALIGN:
		mask = (pair->align + PAGE - 1) / PAGE - 1;
		return naive_find(&pair->map, 0, n, mask,
				  (pair->base & low) >> SHIFT);
	default:
		return naive_find(&pair->map, 0, n, 0, 0);
	}
}

static void allocate(struct differential *pair)
{
	uint32_t n = rng_size(&pair->rng, pair->orders);
	uint64_t size = (uint64_t)n * PAGE - rng_below(&pair->rng, PAGE);
	uint64_t expected = naive_place(pair, n);
	uint64_t address;
	int err = gen_pool_alloc(pair->pool, size, &address);

	if (expected + n > pair->map.bits) {
		CHECK_EQ(err, -ENOMEM);
		return;
	}
	CHECK_EQ(err, 0);
	CHECK_EQ(address, pair->base + expected * PAGE);
	naive_set(&pair->map, (uint32_t)expected, n, true);
	pair->live[pair->n_live++] =
		(struct buffer){.address = address, .size = size};
}

static void release(struct differential *pair)
{
	uint32_t which = rng_below(&pair->rng, pair->n_live);
	struct buffer buffer = pair->live[which];
	uint32_t at = (uint32_t)((buffer.address - pair->base) / PAGE);

	pair->live[which] = pair->live[--pair->n_live];
	gen_pool_free(pair->pool, buffer.address, buffer.size);
	naive_set(&pair->map, at, (uint32_t)((buffer.size + PAGE - 1) / PAGE),
		  false);
}

static void step(struct differential *pair)
{
	uint64_t used = pair->map.bits - naive_free(&pair->map);
	bool full = used * 100 >= (uint64_t)pair->map.bits * pair->percent;

	if (pair->n_live && rng_below(&pair->rng, 10) < (full ? 6 : 3))
		release(pair);
	else
		allocate(pair);
	CHECK_EQ(gen_pool_avail(pair->pool),
		 (uint64_t)naive_free(&pair->map) * PAGE);
	CHECK_EQ(gen_pool_largest(pair->pool),
		 (uint64_t)naive_longest(&pair->map) * PAGE);
	compared(1);
}

static void compare_with_naive(struct differential *pair, uint32_t bits,
			       uint32_t events)
{
	pair->pool = create(pair->fit, pair->align);
	pair->rng.state = bits + pair->orders;
	naive_clear(&pair->map, bits);
	CHECK_EQ(gen_pool_add(pair->pool, pair->base, (uint64_t)bits * PAGE),
		 0);
	for (uint32_t i = 0; i < scaled(events); i++) {
		step(pair);
		if (i % 128 == 0)
			check(pair->pool);
	}
	while (pair->n_live)
		release(pair);
	CHECK_EQ(gen_pool_largest(pair->pool), (uint64_t)bits * PAGE);
	check(pair->pool);
	gen_pool_destroy(pair->pool);
}

// Small buffers near full, large ones half full, a tiny pool, and a base that
// is not aligned.
static void compare_fit(enum hk_fit fit, uint64_t align)
{
	static struct differential pair;
	static const struct {
		uint32_t bits, orders, percent, events;
	} cases[] = {{1000, 3, 95, 40000},
		     {2048, 9, 60, 30000},
		     {17, 4, 80, 30000},
		     {NAIVE_BITS - 3, 5, 90, 4000}};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(&pair, 0, sizeof(pair));
		pair.fit = fit;
		pair.align = align;
		pair.base = i % 2 ? 0x12345000 : 0;
		pair.orders = cases[i].orders;
		pair.percent = cases[i].percent;
		compare_with_naive(&pair, cases[i].bits, cases[i].events);
	}
}

TEST(first_fit_equals_a_linear_scan)
{
	compare_fit(HK_FIT_FIRST, 1);
}

TEST(best_fit_equals_a_linear_scan)
{
	compare_fit(HK_FIT_BEST, 1);
}

TEST(first_align_equals_a_linear_scan)
{
	compare_fit(HK_FIT_FIRST_ALIGN, 2 * PAGE);
	compare_fit(HK_FIT_FIRST_ALIGN, 64 * PAGE);
}

TEST(order_align_equals_a_linear_scan)
{
	compare_fit(HK_FIT_ORDER_ALIGN, 1);
}
