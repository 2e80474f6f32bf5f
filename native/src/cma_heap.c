// SPDX-License-Identifier: MIT
//
// One contiguous run of a CMA area: mainline's cma_heap.c. Where no movable
// load is on the board nobody can borrow the area's pages, and a place that is
// found is had.

#include "cma_heap.h"

#include "broken.h"
#include "contig_range.h"
#include "internal.h"
#include "order.h"

static int cma_heap_create(struct heap *heap)
{
	const struct hk_heap_spec *spec = &heap->spec;
	const struct heap_ranges ranges = heap_ranges(spec);
	struct cma_range range[HK_MAX_CMA_RANGES];
	_Static_assert((int)HK_MAX_CMA_RANGES == (int)CMA_MAX_RANGES,
		       "an area takes what a board may say");

	for (uint32_t i = 0; i < ranges.n; i++) {
		range[i].base_pfn = ranges.at[i].base >> HK_PAGE_SHIFT;
		range[i].count = ranges.at[i].size >> HK_PAGE_SHIFT;
	}
	return cma_area_create(range, ranges.n,
			       (uint32_t)__builtin_ctzll(spec->granule) -
				       HK_PAGE_SHIFT,
			       &heap->cma);
}

static void cma_heap_destroy(struct heap *heap)
{
	cma_area_destroy(heap->cma);
}

int cma_heap_place(struct heap *heap, const struct cma_run *run,
		   struct bill *bill, uint64_t *pfn)
{
	struct hk_cma_counters *counters = &heap->cma_counters;
	struct contig_claim claim = {
		.heap = heap,
		.bill = bill,
		.fail_fast = run->fail_fast,
	};
	const int ret = cma_area_alloc(heap->cma, run->pages, run->align,
				       heap->lent ? contig_range_claim : NULL,
				       &claim, pfn);

	if (ret) {
		counters->alloc_fail++;
		counters->alloc_pages_fail += run->pages;
	} else {
		counters->alloc_success++;
		counters->alloc_pages_success += run->pages;
	}
	return ret;
}

static int allocate_run(struct heap *heap, struct buffer *buffer,
			struct bill *bill)
{
	struct cma_run run = {.pages = buffer->size >> HK_PAGE_SHIFT};
	uint64_t pfn;

	run.align = order_of(run.pages);
	if (run.align > heap->spec.alignment_order)
		run.align = heap->spec.alignment_order;
	charge(bill, HK_COST_CMA_CALL, 1);
	if (cma_heap_place(heap, &run, bill, &pfn))
		return -ENOMEM;
	charge(bill, HK_COST_CMA_PAGE, run.pages);
	charge_zeroing(bill, run.pages);
	buffer_add_entry(buffer, pfn << HK_PAGE_SHIFT, buffer->size);
	return 0;
}

static void give(struct heap *heap, uint64_t pfn, uint64_t pages)
{
	if (heap->lent)
		contig_range_give(heap, pfn, pages);
	cma_area_free(heap->cma, pfn, pages);
}

void cma_heap_give_entries(struct heap *heap, struct buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		give(heap, buffer->entry[i].address >> HK_PAGE_SHIFT,
		     buffer->entry[i].size >> HK_PAGE_SHIFT);
	buffer_drop_entries(buffer);
}

static int cma_heap_release(struct heap *heap, struct buffer *buffer,
			    enum free_reason reason, struct bill *bill)
{
	(void)reason;
	(void)bill;
	cma_heap_give_entries(heap, buffer);
	return 0;
}

// Whatever cma_alloc() says, the heap answers -ENOMEM.
static int cma_heap_allocate(struct heap *heap, struct buffer *buffer,
			     struct bill *bill)
{
	return heap->spec.chunk ? cma_chunks_allocate(heap, buffer, bill)
				: allocate_run(heap, buffer, bill);
}

static void cma_heap_gauges(const struct heap *heap, struct hk_gauges *ret)
{
	ret->free_bytes = cma_area_available(heap->cma) << HK_PAGE_SHIFT;
	ret->largest_free_bytes = cma_area_maxchunk(heap->cma) << HK_PAGE_SHIFT;
	ret->pool_bytes = 0;
	ret->deferred_bytes = 0;
}

static void cma_heap_survey(const struct heap *heap, struct survey *survey)
{
	cma_area_walk_free(heap->cma, survey_add_free_pages, survey);
}

uint64_t cma_heap_size(const struct heap *heap)
{
	const struct heap_ranges ranges = heap_ranges(&heap->spec);
	uint64_t size = 0;

	for (uint32_t i = 0; i < ranges.n; i++)
		size += ranges.at[i].size;
	return size;
}

static int cma_heap_check(const struct heap *heap, const char **rule)
{
	const uint64_t available = cma_area_available(heap->cma);

	if ((available << HK_PAGE_SHIFT) + heap->held_bytes !=
	    cma_heap_size(heap))
		return broken(rule, "a CMA area's free and held pages do not "
				    "add up");
	return cma_area_check(heap->cma, rule);
}

static int hold_run(struct heap *heap, const struct sg_entry *run,
		    struct state_reader *in)
{
	const uint64_t pfn = run->address >> HK_PAGE_SHIFT;
	const uint64_t pages = run->size >> HK_PAGE_SHIFT;

	if (heap->lent && !claim_pages(&in->memory, pfn, pages))
		return -EINVAL;
	return cma_area_take_at(heap->cma, pfn, pages) ? -EINVAL : 0;
}

static int cma_heap_hold(struct heap *heap, struct buffer *buffer,
			 struct state_reader *in)
{
	const bool sound = heap->spec.chunk
				   ? cma_chunks_are(heap, buffer)
				   : buffer->n_entries == 1 &&
					     buffer->bytes == buffer->size;
	int ret = sound ? 0 : -EINVAL;

	for (uint32_t i = 0; !ret && i < buffer->n_entries; i++)
		ret = hold_run(heap, &buffer->entry[i], in);
	return ret;
}

static void cma_heap_save(const struct heap *heap, struct state_writer *out)
{
	const struct hk_cma_counters *counters = &heap->cma_counters;

	state_put(out, counters->alloc_success);
	state_put(out, counters->alloc_fail);
	state_put(out, counters->alloc_pages_success);
	state_put(out, counters->alloc_pages_fail);
	state_put(out, counters->busy_retries);
	state_put(out, counters->pages_migrated);
	state_put(out, counters->pages_discarded);
}

static int cma_heap_load(struct heap *heap, struct state_reader *in)
{
	struct hk_cma_counters *counters = &heap->cma_counters;

	counters->alloc_success = state_get(in);
	counters->alloc_fail = state_get(in);
	counters->alloc_pages_success = state_get(in);
	counters->alloc_pages_fail = state_get(in);
	counters->busy_retries = state_get(in);
	counters->pages_migrated = state_get(in);
	counters->pages_discarded = state_get(in);
	return 0;
}

const struct heap_ops cma_heap_ops = {
	.create = cma_heap_create,
	.destroy = cma_heap_destroy,
	.allocate = cma_heap_allocate,
	.release = cma_heap_release,
	.gauges = cma_heap_gauges,
	.survey = cma_heap_survey,
	.check = cma_heap_check,
	.save = cma_heap_save,
	.load = cma_heap_load,
	.hold = cma_heap_hold,
};

// Of all the heap's ranges.
static uint64_t count_borrowed(const struct heap *heap)
{
	const struct heap_ranges ranges = heap_ranges(&heap->spec);
	uint64_t borrowed = 0;

	for (uint32_t i = 0; heap->lent && i < ranges.n; i++)
		borrowed += lent_pages_find(&heap->machine->lent,
					    ranges.at[i].base >> HK_PAGE_SHIFT)
				    ->n_borrowed;
	return borrowed;
}

int hk_machine_cma_counters(const struct hk_machine *machine, uint32_t heap,
			    struct hk_cma_counters *ret)
{
	if (heap >= machine->n_heaps ||
	    machine->heap[heap].spec.kind != HK_HEAP_CMA)
		return -EINVAL;
	*ret = machine->heap[heap].cma_counters;
	ret->release_pages_success =
		ret->alloc_pages_success -
		(machine->heap[heap].held_bytes >> HK_PAGE_SHIFT);
	ret->pages_lent = count_borrowed(&machine->heap[heap]);
	return 0;
}
