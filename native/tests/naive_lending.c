// SPDX-License-Identifier: MIT
#include "naive_lending.h"

#include <stdlib.h>
#include <string.h>

const struct hk_heap_spec *naive_spec_of(const struct naive_lending *model,
					 uint32_t heap)
{
	return &model->bench->heap[heap];
}

uint32_t naive_opb_of(const struct hk_heap_spec *spec)
{
	return (uint32_t)__builtin_ctzll(spec->granule) - HK_PAGE_SHIFT;
}

// --- The board ---

static int ascending(const void *a, const void *b)
{
	const struct pfn_range *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

static void create_zone(struct naive_lending *model)
{
	const struct hk_memory_spec *memory = &model->bench->spec.memory;
	struct pfn_range hole[NAIVE_HEAPS * HK_MAX_CMA_RANGES];
	uint64_t start = memory->base >> HK_PAGE_SHIFT;
	const uint64_t end = start + (memory->total >> HK_PAGE_SHIFT);
	uint32_t n = 0;

	for (uint32_t h = 0; h < model->bench->spec.n_heaps; h++) {
		const struct heap_ranges ranges =
			heap_ranges(naive_spec_of(model, h));

		for (uint32_t i = 0; i < ranges.n; i++) {
			hole[n].start = ranges.at[i].base >> HK_PAGE_SHIFT;
			hole[n].end = hole[n].start +
				      (ranges.at[i].size >> HK_PAGE_SHIFT);
			n++;
		}
	}
	qsort(hole, n, sizeof(hole[0]), ascending);
	naive_buddy_init(&model->zone, start, end,
			 memory->min_free >> HK_PAGE_SHIFT);
	for (uint32_t i = 0; i < n; i++) {
		naive_buddy_add(&model->zone, start, hole[i].start);
		start = hole[i].end;
	}
	naive_buddy_add(&model->zone, start, end);
}

static void lend(struct naive_lending *model, uint32_t heap)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, heap);
	const struct heap_ranges ranges = heap_ranges(spec);

	for (uint32_t i = 0; i < ranges.n; i++) {
		const uint64_t pages = ranges.at[i].size >> HK_PAGE_SHIFT;

		naive_clear(&model->map[heap][i],
			    (uint32_t)(pages >> naive_opb_of(spec)));
		model->available[heap] += pages;
		naive_buddy_add_cma(&model->zone,
				    ranges.at[i].base >> HK_PAGE_SHIFT, pages);
	}
	model->discards |= (spec->flags & HK_HEAP_DISCARD) != 0;
}

struct naive_lending *naive_lending_create(const struct bench *bench)
{
	struct naive_lending *model = calloc(1, sizeof(*model));

	model->bench = bench;
	create_zone(model);
	for (uint32_t h = 0; h < bench->spec.n_heaps; h++)
		if (bench->heap[h].kind == HK_HEAP_CMA)
			lend(model, h);
	return model;
}

void naive_lending_destroy(struct naive_lending *model)
{
	free(model);
}

// --- Loads and the system heap ---

static void give_all(struct naive_lending *model, struct naive_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n; i++)
		naive_buddy_give(&model->zone, buffer->pfn[i],
				 buffer->order[i]);
	buffer->n = 0;
}

static bool take_one(struct naive_lending *model, struct naive_buffer *buffer,
		     uint32_t order, enum naive_type type)
{
	if (!naive_buddy_take(&model->zone, order, type,
			      &buffer->pfn[buffer->n]))
		return false;
	buffer->order[buffer->n++] = order;
	return true;
}

static int take_pinned(struct naive_lending *model, struct naive_buffer *buffer,
		       uint64_t pages)
{
	for (; pages; pages--) {
		if (!naive_buddy_take_pinned(&model->zone,
					     &buffer->pfn[buffer->n]))
			return -ENOMEM;
		buffer->order[buffer->n++] = 0;
	}
	return 0;
}

static int take_load(struct naive_lending *model, struct naive_buffer *buffer,
		     uint64_t pages)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, buffer->heap);
	const uint64_t block = UINT64_C(1) << spec->order[0];

	const bool pinned = model->discards && !(spec->flags & HK_HEAP_CLEAN) &&
			    spec->migratetype == HK_MIGRATE_MOVABLE;

	if (pinned)
		return take_pinned(model, buffer, pages);
	for (uint64_t got = 0; got < pages; got += block)
		if (!take_one(model, buffer, spec->order[0],
			      (enum naive_type)spec->migratetype))
			return -ENOMEM;
	return 0;
}

static int take_system(struct naive_lending *model, struct naive_buffer *buffer,
		       uint64_t pages)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, buffer->heap);
	uint32_t slot = 0;

	if (spec->flags & HK_HEAP_MEMFD)
		return take_pinned(model, buffer, pages);
	while (pages) {
		const uint64_t block = UINT64_C(1) << spec->order[slot];

		if (pages >= block &&
		    take_one(model, buffer, spec->order[slot], NAIVE_UNMOVABLE))
			pages -= block;
		else if (++slot == spec->n_orders)
			return -ENOMEM;
	}
	return 0;
}

// --- Any heap ---

int naive_lending_alloc(struct naive_lending *model, uint32_t id,
			uint64_t pages, uint32_t heap)
{
	struct naive_buffer *buffer = &model->buffer[id];
	const uint32_t kind = naive_spec_of(model, heap)->kind;
	int err;

	model->moves = (struct hk_moves){0};
	model->mappings = model->calls = 0;
	buffer->heap = heap;
	if (kind == HK_HEAP_CMA) {
		err = naive_cma_take(model, buffer, pages);
	} else {
		err = kind == HK_HEAP_PAGES ? take_load(model, buffer, pages)
					    : take_system(model, buffer, pages);
		if (err)
			give_all(model, buffer);
	}
	buffer->live = !err;
	return err;
}

void naive_lending_free(struct naive_lending *model, uint32_t id)
{
	struct naive_buffer *buffer = &model->buffer[id];

	if (!buffer->live)
		return;
	if (naive_spec_of(model, buffer->heap)->kind == HK_HEAP_CMA)
		naive_cma_give(model, buffer);
	else
		give_all(model, buffer);
	buffer->live = false;
}
