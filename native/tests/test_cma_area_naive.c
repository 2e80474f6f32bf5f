// SPDX-License-Identifier: MIT
//
// A CMA area against a linear scan: every place that is asked for, in order,
// and what comes of it.
#include <errno.h>
#include <string.h>

#include "cma_area_fixture.h"
#include "harness.h"
#include "naive_bitmap.h"

enum { MAX_LIVE = NAIVE_BITS, MAX_ASKED = NAIVE_BITS };

struct held {
	uint64_t pfn;
	uint64_t count;
};

// What differs between the cases.
struct layout {
	struct cma_range range[CMA_MAX_RANGES];
	uint32_t n_ranges;
	uint32_t opb;
	uint32_t orders;
	uint32_t cap; // CONFIG_CMA_ALIGNMENT
	uint32_t busy; // of 100 places
	uint32_t events;
};

struct differential {
	struct layout layout;
	struct cma_area *area;
	struct naive_bitmap map[CMA_MAX_RANGES];
	uint64_t available;
	struct rng rng;
	uint64_t event; // seeds the answers
	uint64_t asked[MAX_ASKED];
	uint32_t n_asked;
	uint32_t next_asked;
	struct held live[MAX_LIVE];
	uint32_t n_live;
};

static uint32_t bits_for(const struct differential *pair, uint64_t count)
{
	uint64_t pages = UINT64_C(1) << pair->layout.opb;

	return (uint32_t)((count + pages - 1) / pages);
}

// What is said of @pfn during this event: mostly yes, or mostly busy; of the
// refusals one in eight is final.
static int answer(const struct differential *pair, uint64_t pfn)
{
	struct rng rng = {.state = pair->event * 0x10001 + pfn};

	if (rng_below(&rng, 100) >= pair->layout.busy)
		return 0;
	return rng_below(&rng, 8) ? -EBUSY : -EINTR;
}

static int claim(void *context, uint64_t pfn, uint64_t count)
{
	struct differential *pair = context;

	CHECK(count > 0);
	CHECK(pair->next_asked < pair->n_asked);
	CHECK_EQ(pfn, pair->asked[pair->next_asked++]);
	return answer(pair, pfn);
}

// The kernel's loop over one range: -EBUSY when it has no further place.
static int naive_range(struct differential *pair, uint32_t which,
		       uint64_t count, uint32_t align)
{
	const struct naive_bitmap *map = &pair->map[which];
	const struct layout *layout = &pair->layout;
	uint64_t base = layout->range[which].base_pfn;
	uint64_t low = (UINT64_C(1) << align) - 1;
	uint64_t offset = (base & low) >> layout->opb;
	uint64_t n = bits_for(pair, count);
	uint64_t mask = 0;
	uint64_t start = 0;

	if (align > layout->opb)
		mask = (UINT64_C(1) << (align - layout->opb)) - 1;
	for (;;) {
		uint64_t at = naive_find(map, start, n, mask, offset);
		uint64_t pfn = base + (at << layout->opb);
		int err;

		if (at + n > map->bits)
			return -EBUSY;
		pair->asked[pair->n_asked++] = pfn;
		err = answer(pair, pfn);
		if (err != -EBUSY)
			return err;
		start = at + mask + 1;
	}
}

static int naive_alloc(struct differential *pair, uint64_t count,
		       uint32_t align)
{
	int err = -EBUSY;

	pair->n_asked = 0;
	pair->next_asked = 0;
	if (count > pair->available)
		return -ENOMEM;
	for (uint32_t i = 0; i < pair->layout.n_ranges && err == -EBUSY; i++)
		err = naive_range(pair, i, count, align);
	return pair->n_asked ? err : -ENOMEM;
}

static void naive_mark(struct differential *pair, struct held held, bool used)
{
	const struct layout *layout = &pair->layout;
	uint32_t i = 0;

	while (held.pfn - layout->range[i].base_pfn >= layout->range[i].count)
		i++;
	naive_set(&pair->map[i],
		  (uint32_t)((held.pfn - layout->range[i].base_pfn) >>
			     layout->opb),
		  bits_for(pair, held.count), used);
	pair->available -= used ? held.count : -held.count;
}

// As the CMA heap asks: aligned to the size's order, up to the cap.
static void allocate(struct differential *pair)
{
	uint64_t count = rng_size(&pair->rng, pair->layout.orders);
	uint32_t order = 0;
	uint64_t pfn = nowhere;
	int expected;
	int err;

	while (order < pair->layout.cap && UINT64_C(1) << order < count)
		order++;
	pair->event++;
	expected = naive_alloc(pair, count, order);
	err = cma_area_alloc(pair->area, count, order,
			     pair->layout.busy ? claim : NULL, pair, &pfn);
	CHECK_EQ((uint64_t)err, (uint64_t)expected);
	if (pair->layout.busy)
		CHECK_EQ(pair->next_asked, pair->n_asked);
	if (err)
		return;
	CHECK_EQ(pfn, pair->asked[pair->n_asked - 1]);
	pair->live[pair->n_live] = (struct held){.pfn = pfn, .count = count};
	naive_mark(pair, pair->live[pair->n_live++], true);
}

static void release(struct differential *pair)
{
	uint32_t which = rng_below(&pair->rng, pair->n_live);
	struct held held = pair->live[which];

	pair->live[which] = pair->live[--pair->n_live];
	cma_area_free(pair->area, held.pfn, held.count);
	naive_mark(pair, held, false);
}

// Free it and take it again where it was, as a loaded state does.
static void retake(struct differential *pair)
{
	struct held held = pair->live[rng_below(&pair->rng, pair->n_live)];

	CHECK_EQ(cma_area_take_at(pair->area, held.pfn, held.count),
		 (uint64_t)-EBUSY);
	cma_area_free(pair->area, held.pfn, held.count);
	CHECK_EQ(cma_area_take_at(pair->area, held.pfn, held.count), 0);
}

static void compare_gauges(const struct differential *pair)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i < pair->layout.n_ranges; i++) {
		uint32_t length = naive_longest(&pair->map[i]);

		longest = length > longest ? length : longest;
	}
	CHECK_EQ(cma_area_available(pair->area), pair->available);
	CHECK_EQ(cma_area_maxchunk(pair->area),
		 (uint64_t)longest << pair->layout.opb);
	compared(1);
}

static void start(struct differential *pair, const struct layout *layout)
{
	memset(pair, 0, sizeof(*pair));
	pair->layout = *layout;
	CHECK_EQ(cma_area_create(layout->range, layout->n_ranges, layout->opb,
				 &pair->area),
		 0);
	for (uint32_t i = 0; i < layout->n_ranges; i++) {
		uint64_t count = layout->range[i].count;

		naive_clear(&pair->map[i], (uint32_t)(count >> layout->opb));
		pair->available += count;
		pair->rng.state += count;
	}
}

static void compare_with_naive(const struct layout *layout)
{
	static struct differential pair;

	start(&pair, layout);
	for (uint32_t i = 0; i < scaled(layout->events); i++) {
		if (pair.n_live && rng_below(&pair.rng, 100) < 48)
			release(&pair);
		else
			allocate(&pair);
		if (pair.n_live && i % 16 == 0)
			retake(&pair);
		compare_gauges(&pair);
		if (i % 128 == 0)
			check(pair.area);
	}
	check(pair.area);
	cma_area_destroy(pair.area);
}

static void compare_all(const struct layout *cases, uint32_t n, uint32_t busy)
{
	for (uint32_t i = 0; i < n; i++) {
		struct layout layout = cases[i];

		layout.busy = busy;
		compare_with_naive(&layout);
	}
}

static const struct layout one_range[] = {
	{{{0x12345, 1000}}, 1, 0, 4, 8, 0, 20000},
	{{{0x12300, 4096}}, 1, 0, 9, 8, 0, 20000},
	{{{0x10000, NAIVE_BITS}}, 1, 0, 6, 4, 0, 4000},
	{{{0x12344, 500 << 2}}, 1, 2, 7, 8, 0, 20000},
	{{{0, 300 << 3}}, 1, 3, 4, 12, 0, 20000},
	{{{0x7ff, NAIVE_BITS - 1}}, 1, 0, 11, 12, 0, 4000},
};

static const struct layout several_ranges[] = {
	{{{0x9000, 512}, {0x1000, 512}}, 2, 0, 5, 8, 0, 20000},
	{{{0x1000, 64}, {0x1040, 1024}, {0x20, 7}}, 3, 0, 8, 8, 0, 20000},
	{{{0x400, 96}, {0x800, 1024}, {0x900c00, 200}}, 3, 2, 6, 8, 0, 20000},
	{{{8, 8}, {16, 8}, {32, 8}, {0, 8}, {24, 8}, {64, 8}, {40, 8}, {48, 8}},
	 8,
	 0,
	 4,
	 3,
	 0,
	 20000},
};

enum {
	N_ONE = sizeof(one_range) / sizeof(*one_range),
	N_SEVERAL = sizeof(several_ranges) / sizeof(*several_ranges),
};

TEST(aligned_first_fit_equals_a_linear_scan)
{
	compare_all(one_range, N_ONE, 0);
}

TEST(ranges_are_searched_one_after_the_other_as_a_linear_scan_does)
{
	compare_all(several_ranges, N_SEVERAL, 0);
}

TEST(busy_places_are_passed_over_as_a_linear_scan_does)
{
	compare_all(one_range, N_ONE, 20);
	compare_all(several_ranges, N_SEVERAL, 20);
}

TEST(an_area_that_is_mostly_busy_is_searched_as_a_linear_scan_does)
{
	compare_all(one_range, N_ONE, 85);
	compare_all(several_ranges, N_SEVERAL, 85);
}
