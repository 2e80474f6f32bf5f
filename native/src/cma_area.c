// SPDX-License-Identifier: MIT
#include "cma_area.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "run_index.h"

struct cma_area {
	uint64_t base_pfn;
	uint64_t count; // pages
	uint64_t available; // pages; what callers asked for, not whole bits
	uint32_t order_per_bit;
	struct run_index *index;
};

// mm/cma.c's cma_bitmap_aligned_mask() and _offset(): in bits.
struct cma_alignment {
	uint64_t mask;
	uint64_t offset;
};

int cma_area_create(uint64_t base_pfn, uint64_t count, uint32_t order_per_bit,
		    struct cma_area **ret)
{
	uint64_t bits = order_per_bit < 64 ? count >> order_per_bit : 0;
	struct cma_area *area;
	int err;

	if (bits == 0 || bits >= HK_NO_RUN || bits << order_per_bit != count)
		return -EINVAL;
	area = calloc(1, sizeof(*area));
	if (!area)
		return -ENOMEM;
	err = run_index_create((uint32_t)bits, &area->index);
	if (err)
		goto free_area;
	area->base_pfn = base_pfn;
	area->count = count;
	area->available = count;
	area->order_per_bit = order_per_bit;
	*ret = area;
	return 0;

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

static struct cma_alignment alignment(const struct cma_area *area,
				      uint32_t align_order)
{
	uint32_t opb = area->order_per_bit;
	uint64_t low = (UINT64_C(1) << align_order) - 1;

	return (struct cma_alignment){
		.mask = align_order > opb ? low >> opb : 0,
		.offset = (area->base_pfn & low) >> opb,
	};
}

static uint32_t bits_of(const struct cma_area *area, uint64_t count)
{
	uint64_t bits = count >> area->order_per_bit;

	return (uint32_t)(bits + (count > bits << area->order_per_bit));
}

// One turn of cma_alloc()'s loop: the first place from bit @start on. A model
// of pages that cannot be moved would come back with @start past the busy
// place: its bit + mask + 1.
static int alloc_from(struct cma_area *area, uint32_t start, uint64_t count,
		      struct cma_alignment align, uint64_t *pfn)
{
	uint32_t bits = bits_of(area, count);
	uint32_t run;
	uint32_t at = run_index_find(area->index, start, bits, align.mask,
				     align.offset, &run);

	if (at == HK_NO_RUN)
		return -ENOMEM;
	run_index_take(area->index, run, at, bits);
	area->available -= count;
	*pfn = area->base_pfn + ((uint64_t)at << area->order_per_bit);
	return 0;
}

int cma_area_alloc(struct cma_area *area, uint64_t count, uint32_t align_order,
		   uint64_t *pfn)
{
	if (count == 0 || align_order > 63)
		return -EINVAL;
	if (count > area->available)
		return -ENOMEM;
	// Every call starts from bit 0: CMA keeps no next-fit cursor.
	return alloc_from(area, 0, count, alignment(area, align_order), pfn);
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
	    used > used_bits << opb) {
		*rule = "cma_area: available is not what was asked for";
		return -EUCLEAN;
	}
	return 0;
}
