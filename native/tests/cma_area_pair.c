// SPDX-License-Identifier: MIT
#include "cma_area_pair.h"

#include <errno.h>

#include "cma_area_fixture.h"

static uint32_t bits_for(const struct cma_area_pair *pair, uint64_t count)
{
	const uint64_t pages = UINT64_C(1) << pair->opb;

	return (uint32_t)((count + pages - 1) / pages);
}

// What alloc_contig_range() says of @pfn in this event; one refusal in eight is
// final.
static int answer(const struct cma_area_pair *pair, uint64_t pfn)
{
	struct rng rng = {.state = pair->event << 32 ^ pfn};

	if (rng_below(&rng, 100) >= pair->busy)
		return 0;
	return rng_below(&rng, 8) ? -EBUSY : -ENOMEM;
}

static int claim(void *context, uint64_t pfn, uint64_t count)
{
	struct cma_area_pair *pair = context;

	CHECK(count > 0);
	CHECK(pair->n_claimed < pair->n_asked);
	CHECK_EQ(pfn, pair->asked[pair->n_claimed++]);
	return answer(pair, pfn);
}

// cma_range_alloc(): place after place, past a busy one by the alignment.
static int naive_range(struct cma_area_pair *pair, uint32_t which, uint32_t n,
		       uint32_t align, uint64_t *pfn)
{
	const uint64_t base = pair->range[which].base_pfn;
	const uint64_t offset =
		(base & ((UINT64_C(1) << align) - 1)) >> pair->opb;
	const uint64_t mask = align > pair->opb
				      ? (UINT64_C(1) << (align - pair->opb)) - 1
				      : 0;
	uint64_t start = 0;
	int err;

	do {
		const uint64_t at =
			naive_find(&pair->map[which], start, n, mask, offset);

		if (at + n > pair->map[which].bits)
			return -EBUSY;
		*pfn = base + (at << pair->opb);
		pair->asked[pair->n_asked++] = *pfn;
		err = answer(pair, *pfn);
		start = at + mask + 1;
	} while (err == -EBUSY);
	return err;
}

// cma_alloc(): the pages are counted as asked for, the bits rounded up.
static bool naive_take(struct cma_area_pair *pair, uint64_t count,
		       uint32_t align, uint64_t *pfn)
{
	const uint32_t n = bits_for(pair, count);
	int err = -EBUSY;

	pair->n_asked = 0;
	pair->n_claimed = 0;
	if (count > pair->available)
		return false;
	for (uint32_t i = 0; i < pair->n_ranges && err == -EBUSY; i++)
		err = naive_range(pair, i, n, align, pfn);
	return err == 0;
}

static void naive_mark(struct cma_area_pair *pair, uint64_t pfn, uint64_t count,
		       bool used)
{
	uint32_t i = 0;

	while (pfn - pair->range[i].base_pfn >= pair->range[i].count)
		i++;
	naive_set(&pair->map[i],
		  (uint32_t)((pfn - pair->range[i].base_pfn) >> pair->opb),
		  bits_for(pair, count), used);
	pair->available -= used ? count : -count;
}

// As the CMA heap asks: aligned to the size's order, up to the cap.
static bool both_take(void *context, uint32_t slot, uint32_t count)
{
	struct cma_area_pair *pair = context;
	uint32_t order = 0;
	uint64_t expected = nowhere;
	uint64_t pfn = nowhere;
	bool fits;
	int err;

	while (order < pair->cap && UINT64_C(1) << order < count)
		order++;
	pair->event++;
	fits = naive_take(pair, count, order, &expected);
	err = cma_area_alloc(pair->area, count, order,
			     pair->busy ? claim : NULL, pair, &pfn);
	CHECK_EQ(err == 0, fits);
	if (pair->busy)
		CHECK_EQ(pair->n_claimed, pair->n_asked);
	if (!fits)
		return false;
	CHECK_EQ(pfn, expected);
	naive_mark(pair, pfn, count, true);
	pair->held[slot].pfn = pfn;
	pair->held[slot].count = count;
	return true;
}

static void both_give(void *context, uint32_t slot)
{
	struct cma_area_pair *pair = context;

	cma_area_free(pair->area, pair->held[slot].pfn, pair->held[slot].count);
	naive_mark(pair, pair->held[slot].pfn, pair->held[slot].count, false);
}

static void compare(void *context)
{
	struct cma_area_pair *pair = context;
	uint64_t longest = 0;

	for (uint32_t i = 0; i < pair->n_ranges; i++) {
		const uint64_t length = naive_longest(&pair->map[i]);

		longest = length > longest ? length : longest;
	}
	CHECK_EQ(cma_area_available(pair->area), pair->available);
	CHECK_EQ(cma_area_maxchunk(pair->area), longest << pair->opb);
}

static void check_area(void *context)
{
	const struct cma_area_pair *pair = context;

	check(pair->area);
}

void cma_area_pair_start(struct cma_area_pair *pair)
{
	pair->available = 0;
	pair->event = 0;
	for (uint32_t i = 0; i < pair->n_ranges; i++) {
		naive_clear(&pair->map[i],
			    (uint32_t)(pair->range[i].count >> pair->opb));
		pair->available += pair->range[i].count;
	}
	CHECK_EQ(cma_area_create(pair->range, pair->n_ranges, pair->opb,
				 &pair->area),
		 0);
}

void cma_area_pair_end(struct cma_area_pair *pair)
{
	cma_area_destroy(pair->area);
}

struct subject cma_area_pair_subject(struct cma_area_pair *pair,
				     uint32_t max_size)
{
	return (struct subject){
		.context = pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.check = check_area,
		.max_size = max_size,
	};
}
