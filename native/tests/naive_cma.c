// SPDX-License-Identifier: MIT
//
// The plain loops of mm/cma.c, alloc_contig_range() and Samsung's chunk_heap.c.
#include "naive_lending.h"

#include <string.h>

#include "../src/order.h"

enum { BATCH = 32 };

// The live buffer of a load that has the page, and which of its entries.
static struct naive_buffer *find_owner(struct naive_lending *model,
				       uint64_t pfn, uint32_t *entry)
{
	for (uint32_t b = 0; b < NAIVE_BUFFERS; b++) {
		struct naive_buffer *buffer = &model->buffer[b];

		if (!buffer->live ||
		    naive_spec_of(model, buffer->heap)->kind != HK_HEAP_PAGES)
			continue;
		for (*entry = 0; *entry < buffer->n; ++*entry)
			if (buffer->pfn[*entry] == pfn)
				return buffer;
	}
	return NULL;
}

// Whether the page was dropped. The owner's last one takes its number.
static bool drop(struct naive_lending *model, uint64_t pfn)
{
	uint32_t entry;
	struct naive_buffer *owner = find_owner(model, pfn, &entry);
	const struct hk_heap_spec *spec = naive_spec_of(model, owner->heap);

	if (!(spec->flags & HK_HEAP_CLEAN))
		return false;
	naive_buddy_give(&model->zone, pfn, 0);
	owner->pfn[entry] = owner->pfn[--owner->n];
	model->moves.pages_discarded++;
	model->mappings += spec->mapcount;
	return true;
}

static int move(struct naive_lending *model, uint64_t pfn)
{
	uint32_t entry;
	struct naive_buffer *owner = find_owner(model, pfn, &entry);
	const struct hk_heap_spec *spec = naive_spec_of(model, owner->heap);
	uint64_t to;

	if (spec->flags & HK_HEAP_PINNED ||
	    (spec->flags & HK_HEAP_DIRTY && model->fail_fast))
		return -EBUSY;
	if (!naive_buddy_take(&model->zone, 0, NAIVE_MOVABLE, &to))
		return -ENOMEM;
	naive_buddy_give(&model->zone, pfn, 0);
	owner->pfn[entry] = to;
	model->moves.pages_migrated++;
	model->mappings += spec->mapcount;
	return 0;
}

// Of @n pages the clean ones are dropped, the last first; those that are left
// stay in their order.
static uint32_t drop_clean(struct naive_lending *model, uint64_t *batch,
			   uint32_t n)
{
	uint32_t left = n;

	for (uint32_t i = n; i-- > 0;)
		if (drop(model, batch[i]))
			memmove(&batch[i], &batch[i + 1],
				(--left - i) * sizeof(batch[0]));
	return left;
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
		n = drop_clean(model, batch, n);
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
			 uint32_t range, uint64_t pages, uint32_t align,
			 uint64_t *pfn)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, heap);
	const struct heap_ranges ranges = heap_ranges(spec);
	struct naive_bitmap *map = &model->map[heap][range];
	const uint64_t base = ranges.at[range].base >> HK_PAGE_SHIFT;
	const uint32_t opb = naive_opb_of(spec);
	const uint64_t bits = (pages + (UINT64_C(1) << opb) - 1) >> opb;
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

// One call of cma_alloc().
static int take_run(struct naive_lending *model, struct naive_buffer *buffer,
		    uint64_t pages, uint32_t align)
{
	const uint32_t heap = buffer->heap;
	const uint32_t n = heap_ranges(naive_spec_of(model, heap)).n;
	uint64_t pfn = 0;
	int err = -EBUSY;

	if (pages > model->available[heap])
		return -ENOMEM;
	for (uint32_t i = 0; err == -EBUSY && i < n; i++)
		err = take_in_range(model, heap, i, pages, align, &pfn);
	if (err)
		return -ENOMEM;
	model->available[heap] -= pages;
	for (uint64_t at = 0; at < pages; at += buffer->pages)
		buffer->pfn[buffer->n++] = pfn + at;
	return 0;
}

static int take_whole(struct naive_lending *model, struct naive_buffer *buffer,
		      uint64_t pages)
{
	const uint32_t most =
		naive_spec_of(model, buffer->heap)->alignment_order;
	const uint32_t align = order_of(pages);

	buffer->pages = pages;
	model->calls++;
	return take_run(model, buffer, pages, align < most ? align : most);
}

// As large powers of two as there are, from a pageblock or a chunk down; the
// first that is not had at once is waited for, and so are all after it.
static int take_chunks(struct naive_lending *model, struct naive_buffer *buffer,
		       uint64_t pages)
{
	uint32_t order = buffer->pages > 512 ? order_of(buffer->pages) : 9;
	int err = 0;

	model->fail_fast = true;
	while (!err && pages) {
		while (UINT64_C(1) << order > pages)
			order--;
		err = -ENOMEM;
		if (model->fail_fast)
			err = take_run(model, buffer, UINT64_C(1) << order,
				       order);
		if (err) {
			model->fail_fast = false;
			model->calls++;
			err = take_run(model, buffer, UINT64_C(1) << order,
				       order);
		}
		pages -= UINT64_C(1) << order;
	}
	model->fail_fast = false;
	return err;
}

static uint64_t pages_of(const struct hk_heap_spec *spec)
{
	const struct heap_ranges ranges = heap_ranges(spec);
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < ranges.n; i++)
		bytes += ranges.at[i].size;
	return bytes >> HK_PAGE_SHIFT;
}

int naive_cma_take(struct naive_lending *model, struct naive_buffer *buffer,
		   uint64_t pages)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, buffer->heap);
	const uint64_t chunk = spec->chunk >> HK_PAGE_SHIFT;
	int err;

	if (!chunk)
		return take_whole(model, buffer, pages);
	pages = (pages + chunk - 1) / chunk * chunk;
	if (pages > pages_of(spec))
		return -ENOMEM;
	buffer->pages = chunk;
	err = take_chunks(model, buffer, pages);
	if (err)
		naive_cma_give(model, buffer);
	return err;
}

static void give_run(struct naive_lending *model,
		     const struct naive_buffer *buffer, uint64_t pfn)
{
	const struct hk_heap_spec *spec = naive_spec_of(model, buffer->heap);
	const struct heap_ranges ranges = heap_ranges(spec);
	const uint32_t opb = naive_opb_of(spec);
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
}

void naive_cma_give(struct naive_lending *model, struct naive_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n; i++)
		give_run(model, buffer, buffer->pfn[i]);
	buffer->n = 0;
}
