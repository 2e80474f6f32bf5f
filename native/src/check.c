// SPDX-License-Identifier: MIT
//
// All invariants. The strongest is a tiling: sorted by address, what the owners
// say they have covers every region and the memory without a gap or an overlap.

#include "broken.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct sums {
	uint64_t by_state[HK_REGION_LEAKED + 1];
};

static struct sums sums_of(const struct survey *survey)
{
	struct sums sums = {0};

	for (uint64_t i = 0; i < survey->count; i++)
		sums.by_state[survey->region[i].state] +=
			survey->region[i].size;
	return sums;
}

// From region *@i of a sorted survey on; *@i is the first one beyond.
static int check_range(const struct survey *survey, uint64_t *i,
		       const struct hk_range *range, const char **rule)
{
	uint64_t next = range->base;

	for (; *i < survey->count && next < range->base + range->size; ++*i) {
		const struct hk_region *region = &survey->region[*i];

		if (region->address < next)
			return broken(rule, "two owners of the same page");
		if (region->address > next)
			return broken(rule, "a page without an owner");
		next += region->size;
	}
	return next == range->base + range->size
		       ? 0
		       : broken(rule, "the owners' pages do not add up "
				      "to the region");
}

static int compare_ranges(const void *a, const void *b)
{
	const struct hk_range *left = a, *right = b;

	return (left->base > right->base) - (left->base < right->base);
}

static int check_tiling(struct survey *survey, struct heap_ranges ranges,
			const char **rule)
{
	uint64_t i = 0;
	int ret = 0;

	survey_sort(survey);
	qsort(ranges.at, ranges.n, sizeof(ranges.at[0]), compare_ranges);
	for (uint32_t r = 0; !ret && r < ranges.n; r++)
		ret = check_range(survey, &i, &ranges.at[r], rule);
	if (!ret && i < survey->count)
		ret = broken(rule, "an owner's page outside the region");
	return ret;
}

// Run the @owners of a place twice: to count, and to write.
typedef void survey_owners(const void *place, struct survey *survey);

static int survey_twice(survey_owners *owners, const void *place,
			struct survey *survey)
{
	*survey = (struct survey){0};
	owners(place, survey);
	survey->capacity = survey->count;
	survey->count = 0;
	survey->region = calloc(survey->capacity + 1, sizeof(*survey->region));
	if (!survey->region)
		return -ENOMEM;
	owners(place, survey);
	return 0;
}

static void heap_owners(const void *place, struct survey *survey)
{
	survey_heap(place, survey);
}

static void survey_ranges(struct survey *survey,
			  const struct hk_heap_spec *spec)
{
	const struct heap_ranges ranges = heap_ranges(spec);

	for (uint32_t i = 0; i < ranges.n; i++)
		survey_add(survey, ranges.at[i].base, ranges.at[i].size,
			   UINT32_MAX, HK_REGION_USED);
}

static void memory_owners(const void *place, struct survey *survey)
{
	const struct hk_machine *machine = place;

	page_alloc_walk_free(machine->pages, survey_add_free_pages, survey);
	for (uint32_t i = 0; i < machine->n_heaps; i++) {
		const struct heap *heap = &machine->heap[i];

		if (heap_is_paged(&heap->spec))
			survey_heap(heap, survey);
		else if (heap->lent)
			survey_buffers(heap, survey);
		else if (heap_is_inside(&heap->spec, &machine->memory))
			survey_ranges(survey, &heap->spec);
	}
}

// With bits of several pages a CMA area's pages are fewer than its bits hold.
static int check_sums(const struct heap *heap, const struct survey *survey,
		      const char **rule)
{
	const struct sums sums = sums_of(survey);

	if (sums.by_state[HK_REGION_DEFERRED] != heap->deferred_bytes)
		return broken(rule, "a heap's deferred bytes are miscounted");
	if (heap->spec.kind == HK_HEAP_CMA && heap->spec.granule != PAGE_BYTES)
		return 0;
	if (sums.by_state[HK_REGION_USED] != heap->held_bytes)
		return broken(rule, "a heap's held bytes are miscounted");
	return 0;
}

// Gauges are kept from event to event as long as no memory moves.
static int check_gauges(const struct heap *heap, const char **rule)
{
	struct hk_gauges now;

	if (heap->gauged_at != heap->machine->changes)
		return 0;
	heap->ops->gauges(heap, &now);
	return memcmp(&now, &heap->gauges, sizeof(now))
		       ? broken(rule, "a heap's gauges are stale")
		       : 0;
}

static int check_heap(const struct heap *heap, const char **rule)
{
	struct survey survey;
	int ret = heap->ops->check(heap, rule);

	if (ret)
		return ret;
	ret = survey_twice(heap_owners, heap, &survey);
	if (ret)
		return ret;
	ret = check_sums(heap, &survey, rule);
	if (!ret && !heap_is_paged(&heap->spec))
		ret = check_tiling(&survey, heap_ranges(&heap->spec), rule);
	if (!ret)
		ret = check_gauges(heap, rule);
	free(survey.region);
	return ret;
}

static int check_memory(const struct hk_machine *machine, const char **rule)
{
	const struct heap_ranges memory = {
		1, {{machine->memory.base, machine->memory.total}}};
	struct survey survey;
	int ret;

	if (!machine->pages)
		return 0;
	ret = page_alloc_check(machine->pages, rule);
	if (ret)
		return ret;
	ret = survey_twice(memory_owners, machine, &survey);
	if (ret)
		return ret;
	ret = check_tiling(&survey, memory, rule);
	free(survey.region);
	return ret;
}

int hk_machine_check(const struct hk_machine *machine, const char **rule)
{
	int ret = check_memory(machine, rule);

	if (!ret)
		ret = lent_pages_check(machine, rule);

	for (uint32_t i = 0; !ret && i < machine->n_heaps; i++)
		ret = check_heap(&machine->heap[i], rule);
	return ret;
}
