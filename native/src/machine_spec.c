// SPDX-License-Identifier: MIT
//
// The front door: everything a board may say wrong is refused here, once.

#include "internal.h"

#include <math.h>
#include <string.h>

enum {
	// CONFIG_CMA_ALIGNMENT is at most 12 (kernel/dma/Kconfig); below its
	// minimum is allowed for experiments.
	MAX_CMA_ALIGNMENT = 12,
};

static const uint32_t ALL_SYNC_FLAGS =
	HK_SYNC_EVERY_ATTACHMENT | HK_SYNC_BEFORE_5_19 | HK_SYNC_LAZY;

static const uint32_t allowed_flags[HK_NR_HEAP_KINDS] = {
	[HK_HEAP_SYSTEM] = HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE |
			   HK_HEAP_UNCACHED | HK_HEAP_PROTECTED |
			   HK_HEAP_UNWIND_TO_POOL | HK_HEAP_SHRINK_LARGEST |
			   HK_HEAP_MEMFD,
	[HK_HEAP_CMA] = HK_HEAP_UNCACHED | HK_HEAP_DISCARD,
	[HK_HEAP_CARVEOUT] = HK_HEAP_DEFERRED_FREE | HK_HEAP_UNCACHED |
			     HK_HEAP_ZERO_AT_FREE | HK_HEAP_RETRY_DRAINED,
	[HK_HEAP_CHUNK] = HK_HEAP_UNCACHED | HK_HEAP_ZERO_AT_FREE,
	[HK_HEAP_SECURE] = HK_HEAP_PROTECTED,
	[HK_HEAP_PAGES] = HK_HEAP_PINNED | HK_HEAP_CLEAN | HK_HEAP_DIRTY,
};

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static bool page_aligned(uint64_t n)
{
	return !(n & (PAGE_BYTES - 1));
}

static bool range_wraps(uint64_t base, uint64_t size)
{
	return base > UINT64_MAX - size;
}

static bool ranges_meet(uint64_t a, uint64_t a_size, uint64_t b,
			uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

bool heap_is_paged(const struct hk_heap_spec *spec)
{
	return spec->kind == HK_HEAP_SYSTEM || spec->kind == HK_HEAP_PAGES;
}

static bool is_movable_load(const struct hk_heap_spec *spec)
{
	return spec->kind == HK_HEAP_PAGES &&
	       spec->migratetype == HK_MIGRATE_MOVABLE;
}

bool machine_lends(const struct hk_machine_spec *spec)
{
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		if (is_movable_load(&spec->heap[i]))
			return true;
	return false;
}

struct heap_ranges heap_ranges(const struct hk_heap_spec *spec)
{
	struct heap_ranges ranges = {0};

	if (spec->kind == HK_HEAP_CMA && spec->n_ranges) {
		ranges.n = spec->n_ranges;
		memcpy(ranges.at, spec->range, sizeof(ranges.at));
	} else if (!heap_is_paged(spec)) {
		ranges.n = 1;
		ranges.at[0].base = spec->base;
		ranges.at[0].size = spec->size;
	}
	return ranges;
}

static bool range_is_inside(const struct hk_range *range,
			    const struct hk_memory_spec *memory)
{
	return memory->total && range->base >= memory->base &&
	       range->base + range->size <= memory->base + memory->total;
}

bool heap_is_inside(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory)
{
	const struct heap_ranges ranges = heap_ranges(spec);

	for (uint32_t i = 0; i < ranges.n; i++)
		if (!range_is_inside(&ranges.at[i], memory))
			return false;
	return ranges.n > 0;
}

static int system_spec_check(const struct hk_heap_spec *spec,
			     const struct hk_memory_spec *memory)
{
	const uint32_t flags = spec->flags;

	if (!memory->total || !spec->n_orders || spec->n_orders > HK_MAX_ORDERS)
		return -EINVAL;
	if ((flags & (HK_HEAP_DEFERRED_FREE | HK_HEAP_UNWIND_TO_POOL |
		      HK_HEAP_SHRINK_LARGEST)) &&
	    !(flags & HK_HEAP_POOLED))
		return -EINVAL;
	// A pool's pages stay in the world they are in: other rules.
	if ((flags & HK_HEAP_POOLED) &&
	    (flags & (HK_HEAP_PROTECTED | HK_HEAP_MEMFD)))
		return -EINVAL;
	if ((flags & HK_HEAP_MEMFD) && (spec->n_orders != 1 || spec->order[0]))
		return -EINVAL;
	for (uint32_t slot = 0; slot < spec->n_orders; slot++) {
		if (spec->order[slot] > HK_MAX_PAGE_ORDER)
			return -EINVAL;
		if (slot && spec->order[slot] >= spec->order[slot - 1])
			return -EINVAL;
	}
	return 0;
}

// A movable load is order 0: it stands for pages that are mapped one by one.
static int page_load_spec_check(const struct hk_heap_spec *spec,
				const struct hk_memory_spec *memory)
{
	const bool movable = is_movable_load(spec);

	if (!memory->total || spec->n_orders != 1 ||
	    spec->order[0] > (movable ? 0 : HK_MAX_PAGE_ORDER) ||
	    spec->migratetype > HK_MIGRATE_RECLAIMABLE)
		return -EINVAL;
	// At most one of the three, and only of what could move at all.
	return !spec->flags || (movable && power_of_two(spec->flags)) ? 0
								      : -EINVAL;
}

static int granule_check(const struct hk_heap_spec *spec)
{
	if (!power_of_two(spec->granule) || spec->granule < PAGE_BYTES)
		return -EINVAL;
	if (spec->kind != HK_HEAP_CMA && spec->kind != HK_HEAP_CHUNK &&
	    spec->granule != PAGE_BYTES)
		return -EINVAL;
	return 0;
}

static int range_check(const struct hk_range *range, uint64_t granule)
{
	if (!range->size || !page_aligned(range->base) ||
	    range_wraps(range->base, range->size))
		return -EINVAL;
	return range->size % granule ? -EINVAL : 0;
}

static int ranges_check(const struct hk_heap_spec *spec)
{
	struct heap_ranges ranges;

	if (granule_check(spec))
		return -EINVAL;
	ranges = heap_ranges(spec);
	for (uint32_t i = 0; i < ranges.n; i++)
		if (range_check(&ranges.at[i], spec->granule))
			return -EINVAL;
	return 0;
}

static int chunk_check(const struct hk_heap_spec *spec)
{
	if (!spec->chunk)
		return 0;
	return power_of_two(spec->chunk) && spec->chunk >= spec->granule &&
			       spec->chunk <= order_bytes(HK_MAX_PAGE_ORDER)
		       ? 0
		       : -EINVAL;
}

static int region_spec_check(const struct hk_heap_spec *spec,
			     const struct hk_memory_spec *memory)
{
	bool inside;

	if (ranges_check(spec))
		return -EINVAL;
	inside = heap_is_inside(spec, memory);
	if (spec->kind == HK_HEAP_CMA)
		return inside && spec->alignment_order <= MAX_CMA_ALIGNMENT
			       ? chunk_check(spec)
			       : -EINVAL;
	if (!inside && memory->total &&
	    ranges_meet(spec->base, spec->size, memory->base, memory->total))
		return -EINVAL;
	if (spec->fit >= HK_NR_FITS)
		return -EINVAL;
	if (spec->fit == HK_FIT_FIRST_ALIGN && !power_of_two(spec->align))
		return -EINVAL;
	return 0;
}

static int heap_spec_check(const struct hk_heap_spec *spec,
			   const struct hk_memory_spec *memory)
{
	if (spec->kind >= HK_NR_HEAP_KINDS)
		return -EINVAL;
	if (spec->flags & ~allowed_flags[spec->kind])
		return -EINVAL;
	if (spec->chunk && spec->kind != HK_HEAP_CMA)
		return -EINVAL;
	if (spec->n_ranges >
	    (spec->kind == HK_HEAP_CMA ? HK_MAX_CMA_RANGES : 0))
		return -EINVAL;
	if (spec->kind == HK_HEAP_SYSTEM)
		return system_spec_check(spec, memory);
	if (spec->kind == HK_HEAP_PAGES)
		return page_load_spec_check(spec, memory);
	return region_spec_check(spec, memory);
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
