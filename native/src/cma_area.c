// SPDX-License-Identifier: MIT
#include "cma_area.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "broken.h"
#include "run_index.h"

struct range {
	uint64_t base_pfn;
	uint64_t count; // pages
	struct run_index *index;
};

struct cma_area {
	uint64_t available; // pages; what callers asked for, not whole bits
	uint32_t order_per_bit;
	uint32_t n_ranges;
	struct range range[CMA_MAX_RANGES];
};

// Alignments that are searched for directly; those between take a few steps.
// Each costs a little at every change, and the CMA heap asks for at most
// CONFIG_CMA_ALIGNMENT, 8 unless configured otherwise.
static const uint64_t fast_orders = 1 << 2 | 1 << 8;

static bool range_is_valid(const struct cma_range *range,
			   uint32_t order_per_bit)
{
	uint64_t bits = range->count >> order_per_bit;

	return bits > 0 && bits <= HK_MAX_BITS &&
	       bits << order_per_bit == range->count &&
	       range->base_pfn + (range->count - 1) >= range->base_pfn;
}

static bool ranges_overlap(const struct cma_range *a, const struct cma_range *b)
{
	return a->base_pfn <= b->base_pfn + (b->count - 1) &&
	       b->base_pfn <= a->base_pfn + (a->count - 1);
}

static bool ranges_are_valid(const struct cma_range *ranges, uint32_t n_ranges,
			     uint32_t order_per_bit)
{
	if (n_ranges == 0 || n_ranges > CMA_MAX_RANGES || order_per_bit > 63)
		return false;
	for (uint32_t i = 0; i < n_ranges; i++) {
		if (!range_is_valid(&ranges[i], order_per_bit))
			return false;
		for (uint32_t j = 0; j < i; j++)
			if (ranges_overlap(&ranges[i], &ranges[j]))
				return false;
	}
	return true;
}

static int range_create(const struct cma_range *spec, uint32_t order_per_bit,
			struct range *range)
{
	int err;

	range->base_pfn = spec->base_pfn;
	range->count = spec->count;
	err = run_index_create((uint32_t)(spec->count >> order_per_bit),
			       &range->index);
	if (err)
		return err;
	return run_index_align(range->index, spec->base_pfn >> order_per_bit,
			       fast_orders);
}

int cma_area_create(const struct cma_range *ranges, uint32_t n_ranges,
		    uint32_t order_per_bit, struct cma_area **ret)
{
	struct cma_area *area;
	int err = 0;

	if (!ranges_are_valid(ranges, n_ranges, order_per_bit))
		return -EINVAL;
	area = calloc(1, sizeof(*area));
	if (!area)
		return -ENOMEM;
	area->order_per_bit = order_per_bit;
	area->n_ranges = n_ranges;
	for (uint32_t i = 0; !err && i < n_ranges; i++) {
		err = range_create(&ranges[i], order_per_bit, &area->range[i]);
		area->available += ranges[i].count;
	}
	if (err)
		goto destroy_area;
	*ret = area;
	return 0;

destroy_area:
	cma_area_destroy(area);
	return err;
}

void cma_area_destroy(struct cma_area *area)
{
	if (!area)
		return;
	for (uint32_t i = 0; i < area->n_ranges; i++)
		run_index_destroy(area->range[i].index);
	free(area);
}

// Of a bit number, so that the pfn is a multiple of 2^@align_order: mm/cma.c's
// cma_bitmap_aligned_mask() and cma_bitmap_aligned_offset().
static uint32_t bit_order(const struct cma_area *area, uint32_t align_order)
{
	return align_order > area->order_per_bit
		       ? align_order - area->order_per_bit
		       : 0;
}

static uint32_t bits_of(const struct cma_area *area, uint64_t count)
{
	uint64_t bits = count >> area->order_per_bit;

	return (uint32_t)(bits + (count > bits << area->order_per_bit));
}

static uint64_t pfn_of(const struct cma_area *area, const struct range *range,
		       uint32_t bit)
{
	return range->base_pfn + ((uint64_t)bit << area->order_per_bit);
}

struct request {
	uint64_t count; // pages
	uint32_t bits;
	uint32_t order; // of a bit number
	cma_claim *claim;
	void *context;
};

static int request_claim(const struct request *request, uint64_t pfn)
{
	return request->claim
		       ? request->claim(request->context, pfn, request->count)
		       : 0;
}

// Whether the search ends here; *@err is what the last place tried said.
static bool range_alloc(const struct cma_area *area, struct range *range,
			const struct request *request, int *err, uint64_t *pfn)
{
	// Every call starts from bit 0: CMA keeps no next-fit cursor.
	uint64_t start = 0;

	if (request->count > range->count)
		return false;
	while (start < HK_NO_RUN) {
		uint32_t run;
		uint32_t at =
			run_index_find(range->index, (uint32_t)start,
				       request->bits, request->order, &run);

		if (at == HK_NO_RUN)
			return false;
		*pfn = pfn_of(area, range, at);
		*err = request_claim(request, *pfn);
		if (!*err)
			run_index_take(range->index, run, at, request->bits);
		if (*err != -EBUSY)
			return true;
		start = at + (UINT64_C(1) << request->order);
	}
	return false;
}

int cma_area_alloc(struct cma_area *area, uint64_t count, uint32_t align_order,
		   cma_claim *claim, void *context, uint64_t *pfn)
{
	const struct request request = {
		.count = count,
		.bits = bits_of(area, count),
		.order = bit_order(area, align_order),
		.claim = claim,
		.context = context,
	};
	int err = -ENOMEM;

	if (count == 0 || align_order > 63)
		return -EINVAL;
	if (count > area->available)
		return -ENOMEM;
	for (uint32_t i = 0; i < area->n_ranges; i++)
		if (range_alloc(area, &area->range[i], &request, &err, pfn))
			break;
	if (!err)
		area->available -= count;
	return err;
}

// The range that holds all @count pages from @pfn on, or NULL.
static struct range *range_of(struct cma_area *area, uint64_t pfn,
			      uint64_t count)
{
	for (uint32_t i = 0; i < area->n_ranges; i++) {
		struct range *range = &area->range[i];
		uint64_t offset = pfn - range->base_pfn;

		if (pfn >= range->base_pfn && offset < range->count &&
		    count <= range->count - offset)
			return range;
	}
	return NULL;
}

static uint32_t bit_of(const struct cma_area *area, const struct range *range,
		       uint64_t pfn)
{
	return (uint32_t)((pfn - range->base_pfn) >> area->order_per_bit);
}

int cma_area_take_at(struct cma_area *area, uint64_t pfn, uint64_t count)
{
	struct range *range = range_of(area, pfn, count);
	uint32_t bits = bits_of(area, count);
	uint32_t run;
	uint32_t at;

	if (!range || count == 0)
		return -EINVAL;
	at = bit_of(area, range, pfn);
	if (pfn_of(area, range, at) != pfn)
		return -EINVAL;
	if (run_index_find(range->index, at, bits, 0, &run) != at)
		return -EBUSY;
	run_index_take(range->index, run, at, bits);
	area->available -= count;
	return 0;
}

void cma_area_free(struct cma_area *area, uint64_t pfn, uint64_t count)
{
	struct range *range = range_of(area, pfn, count);
	uint32_t bits = bits_of(area, count);
	uint32_t at;

	assert(range);
	at = bit_of(area, range, pfn);
	assert(run_index_taken(range->index, at, bits));
	run_index_give(range->index, at, bits);
	area->available += count;
}

uint64_t cma_area_available(const struct cma_area *area)
{
	return area->available;
}

uint64_t cma_area_maxchunk(const struct cma_area *area)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i < area->n_ranges; i++) {
		uint32_t length = run_index_longest(area->range[i].index);

		longest = length > longest ? length : longest;
	}
	return (uint64_t)longest << area->order_per_bit;
}

static void
range_walk_free(const struct cma_area *area, const struct range *range,
		void (*visit)(void *context, uint64_t pfn, uint64_t count),
		void *context)
{
	uint32_t run = run_index_next(range->index, 0, 1);

	while (run != HK_NO_RUN) {
		uint32_t length = run_index_length(range->index, run);

		visit(context, pfn_of(area, range, run),
		      (uint64_t)length << area->order_per_bit);
		run = run_index_next(range->index, run + length, 1);
	}
}

void cma_area_walk_free(const struct cma_area *area,
			void (*visit)(void *context, uint64_t pfn,
				      uint64_t count),
			void *context)
{
	for (uint32_t i = 0; i < area->n_ranges; i++)
		range_walk_free(area, &area->range[i], visit, context);
}

int cma_area_check(const struct cma_area *area, const char **rule)
{
	uint64_t count = 0;
	uint64_t used_bits = 0;
	uint64_t used;

	for (uint32_t i = 0; i < area->n_ranges; i++) {
		const struct range *range = &area->range[i];
		int err = run_index_check(range->index, rule);

		if (err)
			return err;
		count += range->count;
		used_bits += (range->count >> area->order_per_bit) -
			     run_index_free(range->index);
	}
	used = count - area->available;
	// A used bit stands for 1 to 2^order_per_bit pages asked for.
	if (area->available > count || used < used_bits ||
	    used > used_bits << area->order_per_bit)
		return broken(rule,
			      "cma_area: available is not what was asked for");
	return 0;
}
