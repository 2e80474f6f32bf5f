// SPDX-License-Identifier: MIT
//
// The front door for a heap: everything a board may say wrong of it alone is
// refused here, once.

#include "spec.h"

#include <string.h>

enum {
	// CONFIG_CMA_ALIGNMENT is at most 12 (kernel/dma/Kconfig); below its
	// minimum is allowed for experiments.
	MAX_CMA_ALIGNMENT = 12,
};

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

bool heap_is_paged(const struct hk_heap_spec *spec)
{
	return spec->kind == HK_HEAP_SYSTEM || spec->kind == HK_HEAP_PAGES;
}

bool is_movable_load(const struct hk_heap_spec *spec)
{
	return spec->kind == HK_HEAP_PAGES &&
	       spec->migratetype == HK_MIGRATE_MOVABLE;
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
	if ((flags & HK_HEAP_POOLED) && (flags & HK_HEAP_PROTECTED))
		return -EINVAL;
	// Of a memfd's pages tmpfs is the only owner.
	if ((flags & HK_HEAP_MEMFD) &&
	    (flags != HK_HEAP_MEMFD || spec->n_orders != 1 || spec->order[0]))
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

int heap_spec_check(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory)
{
	if (spec->kind >= HK_NR_HEAP_KINDS)
		return -EINVAL;
	if (spec->flags & ~allowed_flags[spec->kind])
		return -EINVAL;
	if ((spec->chunk && spec->kind != HK_HEAP_CMA) ||
	    (spec->size_limit && spec->kind != HK_HEAP_SYSTEM) ||
	    (spec->mapcount && spec->kind != HK_HEAP_PAGES) ||
	    (spec->failures && !(spec->flags & HK_HEAP_PROTECTED)))
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
