// SPDX-License-Identifier: MIT
//
// Any heap, but mostly one that makes sense.
#include <string.h>

#include "board.h"

static void read_orders(struct hk_heap_spec *heap, struct bytes *bytes)
{
	static const uint32_t mainline[] = {8, 4, 0};

	heap->n_orders = 3;
	memcpy(heap->order, mainline, sizeof(mainline));
	if (bytes_below(bytes, 4) == 0) {
		heap->n_orders = bytes_below(bytes, HK_MAX_ORDERS + 2);
		for (uint32_t i = 0; i < HK_MAX_ORDERS; i++)
			heap->order[i] = bytes_below(bytes, 13);
	}
	for (uint32_t i = 0; i < 3; i++) {
		heap->pool_fill[i] = (uint64_t)STEP * bytes_below(bytes, 40);
		heap->pool_low[i] = (uint64_t)STEP * bytes_below(bytes, 40);
	}
	heap->pool_limit = (uint64_t)STEP * bytes_u8(bytes);
	heap->refill_defer_ns = bytes_size(bytes);
	if (bytes_below(bytes, 4) == 0)
		heap->size_limit = (uint64_t)STEP * bytes_u8(bytes);
}

static void make_memfd(struct hk_heap_spec *heap)
{
	heap->flags = HK_HEAP_MEMFD;
	heap->n_orders = 1;
	heap->order[0] = 0;
}

// Mostly flags that go together.
static void read_system(struct hk_heap_spec *heap, struct bytes *bytes)
{
	read_orders(heap, bytes);
	switch (bytes_below(bytes, 8)) {
	case 0:
		break;
	case 1:
		make_memfd(heap);
		break;
	case 2:
	case 3:
		heap->flags &= HK_HEAP_UNCACHED | HK_HEAP_PROTECTED;
		break;
	default:
		heap->flags &= HK_HEAP_DEFERRED_FREE | HK_HEAP_UNCACHED |
			       HK_HEAP_UNWIND_TO_POOL | HK_HEAP_SHRINK_LARGEST;
		heap->flags |= HK_HEAP_POOLED;
	}
}

static void read_ranges(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->n_ranges = bytes_below(bytes, 5);
	if (heap->n_ranges == 4)
		heap->n_ranges = bytes_u8(bytes);
	for (uint32_t i = 0; i < 3; i++) {
		heap->range[i].base = (uint64_t)STEP * bytes_u16(bytes);
		heap->range[i].size = (uint64_t)STEP * bytes_u8(bytes);
	}
}

// So that the area can be lent.
static void align_to_pageblocks(struct hk_heap_spec *heap)
{
	const uint64_t mask = ((uint64_t)PAGE_BYTES << HK_PAGEBLOCK_ORDER) - 1;

	heap->base &= ~mask;
	heap->size = (heap->size + mask) & ~mask;
	for (uint32_t i = 0; i < 3; i++) {
		heap->range[i].base &= ~mask;
		heap->range[i].size = (heap->range[i].size + mask) & ~mask;
	}
}

static void read_load(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->flags &= HK_HEAP_PINNED | HK_HEAP_CLEAN | HK_HEAP_DIRTY;
	heap->mapcount = bytes_u8(bytes);
	heap->n_orders = 1;
	heap->migratetype = bytes_below(bytes, HK_MIGRATE_CMA + 1);
	if (heap->migratetype != HK_MIGRATE_MOVABLE)
		heap->order[0] = bytes_below(bytes, HK_NR_PAGE_ORDERS + 1);
}

static void read_region(struct hk_heap_spec *heap, struct bytes *bytes)
{
	static const uint32_t flags[HK_NR_HEAP_KINDS + 1] = {
		[HK_HEAP_CMA] = HK_HEAP_UNCACHED | HK_HEAP_DISCARD,
		[HK_HEAP_CARVEOUT] = HK_HEAP_DEFERRED_FREE | HK_HEAP_UNCACHED |
				     HK_HEAP_ZERO_AT_FREE |
				     HK_HEAP_RETRY_DRAINED,
		[HK_HEAP_CHUNK] = HK_HEAP_UNCACHED | HK_HEAP_ZERO_AT_FREE,
		[HK_HEAP_SECURE] = HK_HEAP_PROTECTED,
	};

	if (bytes_below(bytes, 16))
		heap->flags &= flags[heap->kind];
	heap->alignment_order = bytes_below(bytes, 14);
	// Mostly where there may be memory.
	heap->base = (uint64_t)STEP * bytes_u16(bytes);
	if (bytes_below(bytes, 2))
		heap->base %= MAX_MEMORY;
	heap->size = (uint64_t)STEP * bytes_u8(bytes);
	heap->granule = (uint64_t)PAGE_BYTES << bytes_below(bytes, 6);
	heap->align = (uint64_t)1 << bytes_below(bytes, 24);
}

static void read_area(struct hk_heap_spec *heap, struct bytes *bytes)
{
	read_region(heap, bytes);
	read_ranges(heap, bytes);
	if (bytes_below(bytes, 2))
		heap->chunk = (uint64_t)PAGE_BYTES << bytes_below(bytes, 12);
	if (bytes_below(bytes, 4))
		align_to_pageblocks(heap);
}

void board_read_heap(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->kind = bytes_below(bytes, HK_NR_HEAP_KINDS + 1);
	heap->fit = bytes_below(bytes, HK_NR_FITS + 1);
	heap->flags = bytes_u16(bytes);
	if (heap->kind == HK_HEAP_SYSTEM)
		read_system(heap, bytes);
	else if (heap->kind == HK_HEAP_PAGES)
		read_load(heap, bytes);
	else if (heap->kind == HK_HEAP_CMA)
		read_area(heap, bytes);
	else
		read_region(heap, bytes);
	if (heap->flags & HK_HEAP_PROTECTED)
		heap->failures = UINT32_MAX / 8 * bytes_below(bytes, 9);
}
