// SPDX-License-Identifier: MIT
//
// The front door: everything a board may say wrong is refused here, once; of a
// heap alone, in heap_spec.c.

#include "spec.h"

#include <math.h>

static const uint32_t ALL_SYNC_FLAGS =
	HK_SYNC_EVERY_ATTACHMENT | HK_SYNC_BEFORE_5_19 | HK_SYNC_LAZY;

bool machine_lends(const struct hk_machine_spec *spec)
{
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		if (is_movable_load(&spec->heap[i]))
			return true;
	return false;
}

// Whether the first @n of @a meet any of @b.
static bool any_meet(const struct hk_range *a, uint32_t n,
		     const struct heap_ranges *b)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < b->n; j++)
			if (ranges_meet(a[i].base, a[i].size, b->at[j].base,
					b->at[j].size))
				return true;
	return false;
}

static bool overlaps_itself(const struct heap_ranges *ranges)
{
	for (uint32_t i = 1; i < ranges->n; i++) {
		const struct heap_ranges one = {1, {ranges->at[i]}};

		if (any_meet(ranges->at, i, &one))
			return true;
	}
	return false;
}

static int overlaps_check(const struct hk_machine_spec *spec)
{
	for (uint32_t i = 0; i < spec->n_heaps; i++) {
		const struct heap_ranges a = heap_ranges(&spec->heap[i]);

		if (overlaps_itself(&a))
			return -EINVAL;
		for (uint32_t j = 0; j < i; j++) {
			const struct heap_ranges b =
				heap_ranges(&spec->heap[j]);

			if (any_meet(a.at, a.n, &b))
				return -EINVAL;
		}
	}
	return 0;
}

// CMA_MIN_ALIGNMENT_BYTES: whole pageblocks change hands.
static int lent_areas_check(const struct hk_machine_spec *spec)
{
	const uint64_t mask = order_bytes(HK_PAGEBLOCK_ORDER) - 1;

	for (uint32_t i = 0; i < spec->n_heaps; i++) {
		const struct heap_ranges ranges = heap_ranges(&spec->heap[i]);

		if (spec->heap[i].kind != HK_HEAP_CMA)
			continue;
		for (uint32_t r = 0; r < ranges.n; r++)
			if ((ranges.at[r].base | ranges.at[r].size) & mask)
				return -EINVAL;
	}
	return 0;
}

static bool is_cost(double cost)
{
	return isfinite(cost) && cost >= 0;
}

static int costs_check(const struct hk_costs *costs)
{
	const double *all = (const double *)costs;
	const double line = costs->line_bytes;

	for (size_t i = 0; i < sizeof(*costs) / sizeof(*all); i++)
		if (!is_cost(all[i]))
			return -EINVAL;
	return line >= 1 && line <= PAGE_BYTES &&
			       power_of_two((uint64_t)line) &&
			       line == (double)(uint64_t)line
		       ? 0
		       : -EINVAL;
}

int machine_spec_check(const struct hk_machine_spec *spec)
{
	const struct hk_memory_spec *memory = &spec->memory;

	if (spec->n_heaps > HK_MAX_HEAPS || spec->n_devices > HK_MAX_DEVICES)
		return -EINVAL;
	if (!page_aligned(memory->base) || !page_aligned(memory->total) ||
	    range_wraps(memory->base, memory->total))
		return -EINVAL;
	if (costs_check(&spec->costs) || spec->sync_flags & ~ALL_SYNC_FLAGS)
		return -EINVAL;
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		if (heap_spec_check(&spec->heap[i], memory))
			return -EINVAL;
	if (machine_lends(spec) && lent_areas_check(spec))
		return -EINVAL;
	return overlaps_check(spec);
}
