// SPDX-License-Identifier: MIT
#include "cma_area.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "broken.h"
#include "run_index.h"

struct cma_area {
	uint64_t base_pfn;
	uint64_t count; // pages
	uint64_t available; // pages; what callers asked for, not whole bits
	uint32_t order_per_bit;
	struct run_index *index;
};

// Alignments that are searched for directly; those between take a few steps.
// Each costs a little at every change, and the CMA heap asks for at most
// CONFIG_CMA_ALIGNMENT, 8 unless configured otherwise.
static const uint64_t fast_orders = 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8;

int cma_area_create(uint64_t base_pfn, uint64_t count, uint32_t order_per_bit,
		    struct cma_area **ret)
{
	uint64_t bits = order_per_bit < 64 ? count >> order_per_bit : 0;
	struct cma_area *area;
	int err;

	if (bits == 0 || bits > HK_MAX_BITS || bits << order_per_bit != count)
		return -EINVAL;
	area = calloc(1, sizeof(*area));
	if (!area)
		return -ENOMEM;
	err = run_index_create((uint32_t)bits, &area->index);
	if (err)
		goto free_area;
	err = run_index_align(area->index, base_pfn >> order_per_bit,
			      fast_orders);
	if (err)
		goto destroy_index;
	area->base_pfn = base_pfn;
	area->count = count;
	area->available = count;
	area->order_per_bit = order_per_bit;
	*ret = area;
	return 0;

destroy_index:
	run_index_destroy(area->index);
free_area:
	free(area);
	return err;
}

void cma_area_destroy(struct cma_area *area)
{
	if (!area)
		return;
	run_index_destroy(area->index);
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

int cma_area_alloc(struct cma_area *area, uint64_t count, uint32_t align_order,
		   uint64_t *pfn)
{
	uint32_t bits;
	uint32_t run;
	uint32_t at;

	if (count == 0 || align_order > 63)
		return -EINVAL;
	if (count > area->available)
		return -ENOMEM;
	bits = bits_of(area, count);
	// Every call starts from bit 0: CMA keeps no next-fit cursor.
	at = run_index_find(area->index, 0, bits, bit_order(area, align_order),
			    &run);
	if (at == HK_NO_RUN)
		return -ENOMEM;
	run_index_take(area->index, run, at, bits);
	area->available -= count;
	*pfn = area->base_pfn + ((uint64_t)at << area->order_per_bit);
	return 0;
}

void cma_area_free(struct cma_area *area, uint64_t pfn, uint64_t count)
{
	uint32_t at = (uint32_t)((pfn - area->base_pfn) >> area->order_per_bit);
	uint32_t bits = bits_of(area, count);

	assert(run_index_taken(area->index, at, bits));
	run_index_give(area->index, at, bits);
	area->available += count;
}

uint64_t cma_area_available(const struct cma_area *area)
{
	return area->available;
}

uint64_t cma_area_maxchunk(const struct cma_area *area)
{
	return (uint64_t)run_index_longest(area->index) << area->order_per_bit;
}

void cma_area_walk_free(const struct cma_area *area,
			void (*visit)(void *context, uint64_t pfn,
				      uint64_t count),
			void *context)
{
	uint32_t opb = area->order_per_bit;
	uint32_t run = run_index_next(area->index, 0, 1);

	while (run != HK_NO_RUN) {
		uint32_t length = run_index_length(area->index, run);

		visit(context, area->base_pfn + ((uint64_t)run << opb),
		      (uint64_t)length << opb);
		run = run_index_next(area->index, run + length, 1);
	}
}

int cma_area_check(const struct cma_area *area, const char **rule)
{
	uint64_t opb = area->order_per_bit;
	uint64_t free_bits = run_index_free(area->index);
	uint64_t used_bits = (area->count >> opb) - free_bits;
	uint64_t used = area->count - area->available;
	int err = run_index_check(area->index, rule);

	if (err)
		return err;
	// A used bit stands for 1 to 2^order_per_bit pages asked for.
	if (area->available > area->count || used < used_bits ||
	    used > used_bits << opb)
		return broken(rule,
			      "cma_area: available is not what was asked for");
	return 0;
}
