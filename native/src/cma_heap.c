// SPDX-License-Identifier: MIT
//
// One contiguous run of a CMA area: mainline's cma_heap.c. The area's pages are
// idle, so that an attempt costs no migration.

#include "broken.h"
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

// Whatever cma_alloc() says, the heap answers -ENOMEM.
static int cma_heap_allocate(struct heap *heap, struct buffer *buffer,
			     double *cost)
{
	const struct hk_costs *costs = &heap->machine->costs;
	const uint64_t pages = buffer->size >> HK_PAGE_SHIFT;
	uint32_t align = order_of(pages);
	uint64_t pfn;

	if (align > heap->spec.alignment_order)
		align = heap->spec.alignment_order;
	*cost += costs->cma_call;
	if (cma_area_alloc(heap->cma, pages, align, NULL, NULL, &pfn))
		return -ENOMEM;
	*cost += times(costs->cma_page, pages) + times(costs->zero_page, pages);
	buffer_add_entry(buffer, pfn << HK_PAGE_SHIFT, buffer->size);
	return 0;
}

static int cma_heap_release(struct heap *heap, struct buffer *buffer,
			    enum free_reason reason, double *cost)
{
	(void)reason;
	(void)cost;
	cma_area_free(heap->cma, buffer->entry[0].address >> HK_PAGE_SHIFT,
		      buffer->entry[0].size >> HK_PAGE_SHIFT);
	buffer_drop_entries(buffer);
	return 0;
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

static int cma_heap_check(const struct heap *heap, const char **rule)
{
	const struct heap_ranges ranges = heap_ranges(&heap->spec);
	const uint64_t available = cma_area_available(heap->cma);
	uint64_t size = 0;

	for (uint32_t i = 0; i < ranges.n; i++)
		size += ranges.at[i].size;
	if ((available << HK_PAGE_SHIFT) + heap->held_bytes != size)
		return broken(rule, "a CMA area's free and held pages do not "
				    "add up");
	return cma_area_check(heap->cma, rule);
}

static int cma_heap_hold(struct heap *heap, const struct buffer *buffer,
			 struct state_reader *in)
{
	const struct sg_entry *run = buffer->entry;

	(void)in;
	if (buffer->n_entries != 1 || buffer->bytes != buffer->size)
		return -EINVAL;
	return cma_area_take_at(heap->cma, run->address >> HK_PAGE_SHIFT,
				run->size >> HK_PAGE_SHIFT)
		       ? -EINVAL
		       : 0;
}

const struct heap_ops cma_heap_ops = {
	.create = cma_heap_create,
	.destroy = cma_heap_destroy,
	.allocate = cma_heap_allocate,
	.release = cma_heap_release,
	.gauges = cma_heap_gauges,
	.survey = cma_heap_survey,
	.check = cma_heap_check,
	.hold = cma_heap_hold,
};
