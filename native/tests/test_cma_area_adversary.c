// SPDX-License-Identifier: MIT
//
// A CMA area against a linear scan, with sequences that look for trouble.
#include <string.h>

#include "adversary.h"
#include "cma_area_fixture.h"
#include "naive_bitmap.h"

struct held {
	uint64_t pfn;
	uint64_t count;
};

struct pair {
	uint64_t base;
	uint32_t opb;
	uint32_t cap; // CONFIG_CMA_ALIGNMENT
	struct cma_area *area;
	struct naive_bitmap map;
	uint64_t available;
	struct held held[ADVERSARY_SLOTS];
	uint32_t events;
};

static uint32_t bits_for(const struct pair *pair, uint64_t count)
{
	const uint64_t pages = UINT64_C(1) << pair->opb;

	return (uint32_t)((count + pages - 1) / pages);
}

// cma_alloc(): the pages are counted as asked for, the bits rounded up.
static uint64_t naive_place(const struct pair *pair, uint64_t count,
			    uint32_t align)
{
	const uint64_t low = (UINT64_C(1) << align) - 1;
	uint64_t mask = 0;

	if (align > pair->opb)
		mask = (UINT64_C(1) << (align - pair->opb)) - 1;
	if (count > pair->available)
		return pair->map.bits;
	return naive_find(&pair->map, 0, bits_for(pair, count), mask,
			  (pair->base & low) >> pair->opb);
}

static bool both_take(void *context, uint32_t slot, uint32_t count)
{
	struct pair *pair = context;
	const uint32_t bits = bits_for(pair, count);
	uint32_t order = 0;
	uint64_t expected;
	uint64_t pfn;

	while (order < pair->cap && UINT64_C(1) << order < count)
		order++;
	expected = naive_place(pair, count, order);
	pfn = alloc(pair->area, count, order);
	if (expected + bits > pair->map.bits) {
		CHECK_EQ(pfn, nowhere);
		return false;
	}
	CHECK_EQ(pfn, pair->base + (expected << pair->opb));
	naive_set(&pair->map, (uint32_t)expected, bits, true);
	pair->available -= count;
	pair->held[slot] = (struct held){.pfn = pfn, .count = count};
	return true;
}

static void both_give(void *context, uint32_t slot)
{
	struct pair *pair = context;
	const struct held *held = &pair->held[slot];

	cma_area_free(pair->area, held->pfn, held->count);
	naive_set(&pair->map, (uint32_t)((held->pfn - pair->base) >> pair->opb),
		  bits_for(pair, held->count), false);
	pair->available += held->count;
}

static void compare(void *context)
{
	struct pair *pair = context;

	CHECK_EQ(cma_area_available(pair->area), pair->available);
	CHECK_EQ(cma_area_maxchunk(pair->area),
		 (uint64_t)naive_longest(&pair->map) << pair->opb);
	if (pair->events++ % 256 == 0)
		check(pair->area);
}

static void play(uint64_t base, uint32_t opb, uint32_t cap, uint32_t bits)
{
	static struct pair pair;
	const struct subject subject = {
		.context = &pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.max_size = bits / 2 << opb,
	};

	memset(&pair, 0, sizeof(pair));
	pair.base = base;
	pair.opb = opb;
	pair.cap = cap;
	pair.available = (uint64_t)bits << opb;
	pair.area = create(base, pair.available, opb);
	naive_clear(&pair.map, bits);
	adversary_play(&subject, 1500, base + cap);
	check(pair.area);
	cma_area_destroy(pair.area);
}

TEST(no_sequence_parts_an_aligned_area_from_a_linear_scan)
{
	play(0x10000, 0, 8, 1024);
	play(0x10000, 0, 0, 257);
}

TEST(no_sequence_parts_an_area_off_its_alignment_from_a_linear_scan)
{
	play(0x12345, 0, 8, 1000);
	play(0x7ff, 0, 12, 2047);
}

TEST(no_sequence_parts_an_area_of_coarse_bits_from_a_linear_scan)
{
	play(0x12344, 2, 8, 511);
	play(0x400, 10, 9, 65);
}
