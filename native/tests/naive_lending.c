// SPDX-License-Identifier: MIT
#include "naive_lending.h"

#include <stdlib.h>
#include <string.h>

#include "../src/order.h"

enum { BATCH = 32 };

static const struct hk_heap_spec *spec_of(const struct naive_lending *model,
					  uint32_t heap)
{
	return &model->bench->heap[heap];
}

static uint32_t opb_of(const struct hk_heap_spec *spec)
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
			heap_ranges(spec_of(model, h));

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
	const struct hk_heap_spec *spec = spec_of(model, heap);
	const struct heap_ranges ranges = heap_ranges(spec);

	for (uint32_t i = 0; i < ranges.n; i++) {
		const uint64_t pages = ranges.at[i].size >> HK_PAGE_SHIFT;

		naive_clear(&model->map[heap][i],
			    (uint32_t)(pages >> opb_of(spec)));
		model->available[heap] += pages;
		naive_buddy_add_cma(&model->zone,
				    ranges.at[i].base >> HK_PAGE_SHIFT, pages);
	}
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

static int take_load(struct naive_lending *model, struct naive_buffer *buffer,
		     uint64_t pages)
{
	const struct hk_heap_spec *spec = spec_of(model, buffer->heap);
	const uint64_t block = UINT64_C(1) << spec->order[0];

	for (uint64_t got = 0; got < pages; got += block)
		if (!take_one(model, buffer, spec->order[0],
			      (enum naive_type)spec->migratetype))
			return -ENOMEM;
	return 0;
}

static int take_system(struct naive_lending *model, struct naive_buffer *buffer,
		       uint64_t pages)
{
	const struct hk_heap_spec *spec = spec_of(model, buffer->heap);
	uint32_t slot = 0;

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

// --- CMA ---

// The live buffer of a load that has the page, and which of its entries.
static struct naive_buffer *find_owner(struct naive_lending *model,
				       uint64_t pfn, uint32_t *entry)
{
	for (uint32_t b = 0; b < NAIVE_BUFFERS; b++) {
		struct naive_buffer *buffer = &model->buffer[b];

		if (!buffer->live ||
		    spec_of(model, buffer->heap)->kind != HK_HEAP_PAGES)
			continue;
		for (*entry = 0; *entry < buffer->n; ++*entry)
			if (buffer->pfn[*entry] == pfn)
				return buffer;
	}
	return NULL;
}

static int move(struct naive_lending *model, uint64_t pfn)
{
	uint32_t entry;
	struct naive_buffer *owner = find_owner(model, pfn, &entry);
	uint64_t to;

	if (spec_of(model, owner->heap)->flags & HK_HEAP_PINNED)
		return -EBUSY;
	if (!naive_buddy_take(&model->zone, 0, NAIVE_MOVABLE, &to))
		return -ENOMEM;
	naive_buddy_give(&model->zone, pfn, 0);
	owner->pfn[entry] = to;
	model->moves.pages_migrated++;
	return 0;
}

// Pages that somebody has, 32 at a time; of these the last first.
static int move_all(struct naive_lending *model, uint64_t pfn, uint64_t end)
{
	while (pfn < end) {
		uint64_t batch[BATCH];
		uint32_t n = 0, entry;
		bool busy = false;

		for (; pfn < end && n < BATCH; pfn++)
			if (find_owner(model, pfn, &entry))
				batch[n++] = pfn;
		while (n) {
			const int err = move(model, batch[--n]);

			if (err == -ENOMEM)
				return err;
			busy |= err == -EBUSY;
		}
		if (busy)
			return -EBUSY;
	}
	return 0;
}

static int claim(struct naive_lending *model, uint64_t pfn, uint64_t pages)
{
	int err;

	naive_buddy_isolate(&model->zone, pfn, pages);
	err = move_all(model, pfn, pfn + pages);
	if (!err)
		CHECK(naive_buddy_take_range(&model->zone, pfn, pages));
	naive_buddy_undo_isolate(&model->zone, pfn, pages);
	model->moves.busy_retries += err == -EBUSY;
	model->moves.no_target += err == -ENOMEM;
	return err;
}

static int take_in_range(struct naive_lending *model, uint32_t heap,
			 uint32_t range, uint64_t pages, uint64_t *pfn)
{
	const struct hk_heap_spec *spec = spec_of(model, heap);
	const struct heap_ranges ranges = heap_ranges(spec);
	struct naive_bitmap *map = &model->map[heap][range];
	const uint64_t base = ranges.at[range].base >> HK_PAGE_SHIFT;
	const uint32_t opb = opb_of(spec);
	const uint64_t bits = (pages + (UINT64_C(1) << opb) - 1) >> opb;
	const uint32_t wanted = order_of(pages);
	const uint32_t align =
		wanted < spec->alignment_order ? wanted : spec->alignment_order;
	const uint64_t mask =
		align > opb ? (UINT64_C(1) << (align - opb)) - 1 : 0;
	const uint64_t offset = (base & ((UINT64_C(1) << align) - 1)) >> opb;
	uint64_t start = 0;

	for (;;) {
		const uint64_t at = naive_find(map, start, bits, mask, offset);
		int err;

		if (at + bits > map->bits)
			return -EBUSY;
		*pfn = base + (at << opb);
		err = claim(model, *pfn, pages);
		if (!err)
			naive_set(map, (uint32_t)at, (uint32_t)bits, true);
		if (err != -EBUSY)
			return err;
		start = at + mask + 1;
	}
}

static int take_cma(struct naive_lending *model, struct naive_buffer *buffer,
		    uint64_t pages)
{
	const uint32_t heap = buffer->heap;
	const uint32_t n = heap_ranges(spec_of(model, heap)).n;
	int err = -EBUSY;

	if (pages > model->available[heap])
		return -ENOMEM;
	for (uint32_t i = 0; err == -EBUSY && i < n; i++)
		err = take_in_range(model, heap, i, pages, &buffer->pfn[0]);
	if (err)
		return -ENOMEM;
	model->available[heap] -= pages;
	buffer->n = 1;
	buffer->pages = pages;
	return 0;
}

static void give_cma(struct naive_lending *model, struct naive_buffer *buffer)
{
	const struct hk_heap_spec *spec = spec_of(model, buffer->heap);
	const struct heap_ranges ranges = heap_ranges(spec);
	const uint32_t opb = opb_of(spec);
	const uint64_t pfn = buffer->pfn[0];
	uint32_t i = 0;

	while (pfn - (ranges.at[i].base >> HK_PAGE_SHIFT) >=
	       ranges.at[i].size >> HK_PAGE_SHIFT)
		i++;
	naive_set(
		&model->map[buffer->heap][i],
		(uint32_t)((pfn - (ranges.at[i].base >> HK_PAGE_SHIFT)) >> opb),
		(uint32_t)((buffer->pages + (UINT64_C(1) << opb) - 1) >> opb),
		false);
	model->available[buffer->heap] += buffer->pages;
	naive_buddy_give_range(&model->zone, pfn, buffer->pages);
	buffer->n = 0;
}

// --- Any heap ---

int naive_lending_alloc(struct naive_lending *model, uint32_t id,
			uint64_t pages, uint32_t heap)
{
	struct naive_buffer *buffer = &model->buffer[id];
	const uint32_t kind = spec_of(model, heap)->kind;
	int err;

	model->moves = (struct hk_moves){0};
	buffer->heap = heap;
	if (kind == HK_HEAP_CMA) {
		err = take_cma(model, buffer, pages);
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
	if (spec_of(model, buffer->heap)->kind == HK_HEAP_CMA)
		give_cma(model, buffer);
	else
		give_all(model, buffer);
	buffer->live = false;
}
