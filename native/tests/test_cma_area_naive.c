// SPDX-License-Identifier: MIT
//
// A CMA area against a linear scan.
#include <string.h>

#include "cma_area_fixture.h"
#include "harness.h"
#include "naive_bitmap.h"

enum { MAX_LIVE = NAIVE_BITS };

struct range {
	uint64_t pfn;
	uint64_t count;
};

struct differential {
	uint64_t base;
	uint32_t opb;
	uint32_t orders;
	uint32_t cap; // CONFIG_CMA_ALIGNMENT
	struct cma_area *area;
	struct naive_bitmap map;
	uint64_t available;
	struct rng rng;
	struct range live[MAX_LIVE];
	uint32_t n_live;
};

static uint32_t bits_for(const struct differential *pair, uint64_t count)
{
	uint64_t pages = UINT64_C(1) << pair->opb;

	return (uint32_t)((count + pages - 1) / pages);
}

static uint64_t naive_place(const struct differential *pair, uint64_t count,
			    uint32_t align)
{
	uint64_t mask = 0;
	uint64_t low = (UINT64_C(1) << align) - 1;
	uint64_t offset = (pair->base & low) >> pair->opb;

	if (align > pair->opb)
		mask = (UINT64_C(1) << (align - pair->opb)) - 1;
	if (count > pair->available)
		return pair->map.bits;
	return naive_find(&pair->map, 0, bits_for(pair, count), mask, offset);
}

// As the CMA heap asks: aligned to the size's order, up to the cap.
static void allocate(struct differential *pair)
{
	uint64_t count = rng_size(&pair->rng, pair->orders);
	uint32_t bits = bits_for(pair, count);
	uint32_t order = 0;
	uint64_t expected;
	uint64_t pfn;

	while (order < pair->cap && UINT64_C(1) << order < count)
		order++;
	expected = naive_place(pair, count, order);
	pfn = alloc(pair->area, count, order);
	if (expected + bits > pair->map.bits) {
		CHECK_EQ(pfn, nowhere);
		return;
	}
	CHECK_EQ(pfn, pair->base + (expected << pair->opb));
	naive_set(&pair->map, (uint32_t)expected, bits, true);
	pair->available -= count;
	pair->live[pair->n_live++] = (struct range){.pfn = pfn, .count = count};
}

static void release(struct differential *pair)
{
	uint32_t which = rng_below(&pair->rng, pair->n_live);
	struct range range = pair->live[which];

	pair->live[which] = pair->live[--pair->n_live];
	cma_area_free(pair->area, range.pfn, range.count);
	naive_set(&pair->map, (uint32_t)((range.pfn - pair->base) >> pair->opb),
		  bits_for(pair, range.count), false);
	pair->available += range.count;
}

static void compare_with_naive(struct differential *pair, uint32_t bits,
			       uint32_t events)
{
	pair->available = (uint64_t)bits << pair->opb;
	pair->area = create(pair->base, pair->available, pair->opb);
	pair->rng.state = bits;
	naive_clear(&pair->map, bits);
	for (uint32_t i = 0; i < scaled(events); i++) {
		if (pair->n_live && rng_below(&pair->rng, 100) < 48)
			release(pair);
		else
			allocate(pair);
		CHECK_EQ(cma_area_available(pair->area), pair->available);
		CHECK_EQ(cma_area_maxchunk(pair->area),
			 (uint64_t)naive_longest(&pair->map) << pair->opb);
		if (i % 128 == 0)
			check(pair->area);
	}
	check(pair->area);
	cma_area_destroy(pair->area);
}

TEST(aligned_first_fit_equals_a_linear_scan)
{
	static struct differential pair;
	static const struct {
		uint64_t base;
		uint32_t opb, orders, cap, bits, events;
	} cases[] = {{0x12345, 0, 4, 8, 1000, 30000},
		     {0x12300, 0, 9, 8, 4096, 30000},
		     {0x10000, 0, 6, 4, NAIVE_BITS, 6000},
		     {0x12344, 2, 7, 8, 500, 20000},
		     {0, 3, 4, 12, 300, 20000},
		     {0x7ff, 0, 11, 12, NAIVE_BITS - 1, 6000}};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memset(&pair, 0, sizeof(pair));
		pair.base = cases[i].base;
		pair.opb = cases[i].opb;
		pair.orders = cases[i].orders;
		pair.cap = cases[i].cap;
		compare_with_naive(&pair, cases[i].bits, cases[i].events);
	}
}
