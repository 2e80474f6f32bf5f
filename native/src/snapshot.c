// SPDX-License-Identifier: MIT
//
// Who owns what, by address. The owners write themselves into a survey; what
// does not fit is counted.

#include "internal.h"

void survey_add(struct survey *survey, uint64_t address, uint64_t size,
		uint32_t owner, enum hk_region_state state)
{
	struct hk_region *region;

	if (survey->count++ >= survey->capacity)
		return;
	region = &survey->region[survey->count - 1];
	region->address = address;
	region->size = size;
	region->owner = owner;
	region->state = state;
}

void survey_add_free(void *survey, uint64_t address, uint64_t size)
{
	survey_add(survey, address, size, UINT32_MAX, HK_REGION_FREE);
}

void survey_add_free_pages(void *survey, uint64_t pfn, uint64_t pages)
{
	survey_add_free(survey, pfn << HK_PAGE_SHIFT, pages << HK_PAGE_SHIFT);
}

static void survey_buffer(struct survey *survey, const struct buffer *buffer,
			  uint32_t owner, enum hk_region_state state)
{
	const uint64_t mask = survey->granule - 1;
	uint32_t next;

	for (uint32_t i = 0; i < buffer->n_entries; i = next) {
		const uint64_t start = buffer->entry[i].address;
		uint64_t end = start + buffer->entry[i].size;

		for (next = i + 1; survey->join && next < buffer->n_entries &&
				   buffer->entry[next].address == end;
		     next++)
			end += buffer->entry[next].size;
		survey_add(survey, start, (end - start + mask) & ~mask, owner,
			   state);
	}
}

static void survey_deferred(struct survey *survey, const struct heap *heap)
{
	const struct deferred_free *deferred = heap->deferred;

	if (!deferred)
		return;
	for (const struct buffer *buffer = deferred->list; buffer;
	     buffer = buffer->next)
		if (buffer->heap == heap)
			survey_buffer(survey, buffer, UINT32_MAX,
				      HK_REGION_DEFERRED);
	if (deferred->hand && deferred->hand->heap == heap)
		survey_buffer(survey, deferred->hand, UINT32_MAX,
			      HK_REGION_DEFERRED);
}

static void survey_live(const struct heap *heap, struct survey *survey)
{
	const struct buffer_table *table = &heap->machine->buffers;

	for (uint32_t id = 0; id < table->n_slots; id++) {
		const struct buffer *buffer = table->slot[id];

		buffer_table_prefetch(table, id);
		if (buffer && buffer->heap == heap)
			survey_buffer(survey, buffer, id, HK_REGION_USED);
	}
}

void survey_buffers(const struct heap *heap, struct survey *survey)
{
	survey->granule = PAGE_BYTES;
	survey->join = false;
	survey_live(heap, survey);
}

void survey_heap(const struct heap *heap, struct survey *survey)
{
	// A CMA area counts pages but takes whole bits; that is what it holds.
	survey->granule =
		heap_is_paged(&heap->spec) ? PAGE_BYTES : heap->spec.granule;
	// A load may have as many entries as there are pages.
	survey->join = heap->spec.kind == HK_HEAP_PAGES;
	survey_live(heap, survey);
	survey_deferred(survey, heap);
	heap->ops->survey(heap, survey);
}

static int survey_end(const struct survey *survey, uint64_t *count)
{
	*count = survey->count;
	return survey->count > survey->capacity ? -ENOSPC : 0;
}

int hk_machine_snapshot(const struct hk_machine *machine, uint32_t heap,
			struct hk_region *regions, uint64_t capacity,
			uint64_t *count)
{
	struct survey survey = {.region = regions, .capacity = capacity};

	if (heap >= machine->n_heaps)
		return -EINVAL;
	survey_heap(&machine->heap[heap], &survey);
	if (heap_is_paged(&machine->heap[heap].spec))
		page_alloc_walk_free(machine->pages, survey_add_free_pages,
				     &survey);
	if (survey.count <= capacity)
		survey_sort(&survey);
	return survey_end(&survey, count);
}

int hk_machine_entries(const struct hk_machine *machine, uint32_t buffer,
		       struct hk_region *regions, uint64_t capacity,
		       uint64_t *count)
{
	const struct buffer *found = buffer_find(&machine->buffers, buffer);
	struct survey survey = {
		.region = regions,
		.capacity = capacity,
		.granule = 1,
	};

	if (!found || !found->n_entries)
		return -EINVAL;
	survey_buffer(&survey, found, buffer, HK_REGION_USED);
	return survey_end(&survey, count);
}

int hk_machine_gauges(const struct hk_machine *machine, uint32_t heap,
		      struct hk_gauges *ret)
{
	if (heap >= machine->n_heaps)
		return -EINVAL;
	machine->heap[heap].ops->gauges(&machine->heap[heap], ret);
	return 0;
}

int hk_machine_buddyinfo(const struct hk_machine *machine, uint64_t *counts)
{
	if (!machine->pages)
		return -EINVAL;
	page_alloc_counts(machine->pages, counts);
	return 0;
}

int hk_machine_pagetypeinfo(const struct hk_machine *machine, uint64_t *counts,
			    uint64_t *pageblocks)
{
	if (!machine->pages)
		return -EINVAL;
	page_alloc_counts_by_type(machine->pages,
				  (uint64_t (*)[HK_NR_PAGE_ORDERS])counts,
				  pageblocks);
	return 0;
}

int hk_machine_pool_fill(const struct hk_machine *machine, uint32_t heap,
			 struct hk_pool_fill *ret)
{
	if (heap >= machine->n_heaps)
		return -EINVAL;
	for (uint32_t slot = 0; slot < HK_MAX_ORDERS; slot++)
		ret->items[slot] = machine->heap[heap].pool[slot].count;
	return 0;
}
