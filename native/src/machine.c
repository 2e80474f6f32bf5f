// SPDX-License-Identifier: MIT
//
// A machine: a page allocator with holes for the regions inside it, and heaps.

#include "internal.h"

#include <stdlib.h>
#include <string.h>

// numpy reads these in place; a hole would show as a column of garbage.
_Static_assert(sizeof(struct hk_row) == 32, "a row has no padding");
_Static_assert(sizeof(struct hk_gauges) == 32, "gauges have no padding");
_Static_assert(sizeof(struct hk_region) == 24, "a region has no padding");
_Static_assert(sizeof(struct hk_finding) == 40, "a finding has no padding");
_Static_assert(sizeof(struct hk_counts) == HK_NR_COSTS * sizeof(uint64_t),
	       "a count for each price");
_Static_assert(offsetof(struct hk_costs, line_bytes) ==
		       HK_NR_COSTS * sizeof(double),
	       "the prices come first");
_Static_assert(sizeof(struct hk_moves) == 16, "moves have no padding");
_Static_assert(sizeof(struct hk_pool_fill) == 4 * HK_MAX_ORDERS,
	       "a pool fill has a number for every order");

static const struct heap_ops *const ops_of_kind[HK_NR_HEAP_KINDS] = {
	[HK_HEAP_SYSTEM] = &system_heap_ops,
	[HK_HEAP_CMA] = &cma_heap_ops,
	[HK_HEAP_CARVEOUT] = &carveout_heap_ops,
	[HK_HEAP_CHUNK] = &chunk_heap_ops,
	[HK_HEAP_SECURE] = &secure_heap_ops,
	[HK_HEAP_PAGES] = &page_load_ops,
};

static int compare_ranges(const void *a, const void *b)
{
	const struct pfn_range *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

static uint32_t add_holes(const struct hk_heap_spec *spec,
			  struct pfn_range *hole)
{
	const struct heap_ranges ranges = heap_ranges(spec);

	for (uint32_t i = 0; i < ranges.n; i++) {
		const struct hk_range *range = &ranges.at[i];

		hole[i].start = range->base >> HK_PAGE_SHIFT;
		hole[i].end = (range->base + range->size) >> HK_PAGE_SHIFT;
	}
	return ranges.n;
}

static int create_pages(struct hk_machine *machine,
			const struct hk_machine_spec *spec)
{
	const struct hk_memory_spec *memory = &spec->memory;
	struct pfn_range hole[HK_MAX_HEAPS * HK_MAX_CMA_RANGES];
	uint32_t n_holes = 0;

	if (!memory->total)
		return 0;
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		if (heap_is_inside(&spec->heap[i], memory))
			n_holes += add_holes(&spec->heap[i], &hole[n_holes]);
	qsort(hole, n_holes, sizeof(hole[0]), compare_ranges);
	return page_alloc_create(memory->base >> HK_PAGE_SHIFT,
				 memory->total >> HK_PAGE_SHIFT, hole, n_holes,
				 bytes_to_pages(memory->min_free),
				 &machine->pages);
}

static int create_heap(struct hk_machine *machine,
		       const struct hk_heap_spec *spec)
{
	struct heap *heap = &machine->heap[machine->n_heaps];

	heap->ops = ops_of_kind[spec->kind];
	heap->machine = machine;
	heap->spec = *spec;
	heap->index = (uint16_t)machine->n_heaps++;
	heap->skip_cpu_sync = spec->flags & HK_HEAP_UNCACHED;
	return heap->ops->create(heap);
}

// As cma_activate_area() does at boot, when the other memory is already there.
static int lend_area(struct hk_machine *machine, struct heap *heap)
{
	const struct heap_ranges ranges = heap_ranges(&heap->spec);

	for (uint32_t i = 0; i < ranges.n; i++) {
		const uint64_t pfn = ranges.at[i].base >> HK_PAGE_SHIFT;
		const uint64_t pages = ranges.at[i].size >> HK_PAGE_SHIFT;

		if (lent_pages_add(&machine->lent, pfn, pages))
			return -ENOMEM;
		page_alloc_add_cma(machine->pages, pfn, pages);
	}
	heap->lent = true;
	if (heap->spec.flags & HK_HEAP_DISCARD)
		machine->lends_to_clean = true;
	return 0;
}

static int lend_areas(struct hk_machine *machine)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < machine->n_heaps; i++)
		if (machine->heap[i].spec.kind == HK_HEAP_CMA)
			ret = lend_area(machine, &machine->heap[i]);
	return ret;
}

static int create_parts(struct hk_machine *machine,
			const struct hk_machine_spec *spec)
{
	// One element too many: calloc(0) may return NULL.
	machine->heap = calloc(spec->n_heaps + 1, sizeof(*machine->heap));
	machine->device = calloc(spec->n_devices + 1, sizeof(*machine->device));
	if (!machine->heap || !machine->device)
		return -ENOMEM;

	machine->n_devices = spec->n_devices;
	if (spec->n_devices)
		memcpy(machine->device, spec->device,
		       spec->n_devices * sizeof(*spec->device));
	deferred_free_init(machine, &machine->system_deferred);

	int ret = create_pages(machine, spec);

	for (uint32_t i = 0; !ret && i < spec->n_heaps; i++)
		ret = create_heap(machine, &spec->heap[i]);
	if (!ret && machine_lends(spec))
		ret = lend_areas(machine);
	return ret;
}

static int begin(struct hk_machine *machine, const struct hk_machine_spec *spec)
{
	machine->memory = spec->memory;
	machine->costs = spec->costs;
	machine->line_shift =
		(uint32_t)__builtin_ctzll((uint64_t)spec->costs.line_bytes);
	machine->sync_flags = spec->sync_flags;
	machine->seed = spec->seed;
	machine->now_ns = INT64_MIN;
	machine->idle_due = NEVER;
	machine->changes = 1;
	return create_parts(machine, spec);
}

int hk_machine_create(const struct hk_machine_spec *spec,
		      struct hk_machine **ret)
{
	struct hk_machine *machine;
	int status = machine_spec_check(spec);

	if (status)
		return status;
	machine = calloc(1, sizeof(*machine));
	if (!machine)
		return -ENOMEM;

	status = begin(machine, spec);
	if (status)
		goto destroy_machine;
	*ret = machine;
	return 0;

destroy_machine:
	hk_machine_destroy(machine);
	return status;
}

// All but the table of buffers, whose own memory is in it or among its spares.
static void destroy_parts(struct hk_machine *machine)
{
	deferred_free_destroy(&machine->buffers, &machine->system_deferred);
	for (uint32_t i = 0; i < machine->n_heaps; i++)
		machine->heap[i].ops->destroy(&machine->heap[i]);
	lent_pages_destroy(&machine->lent);
	page_alloc_destroy(machine->pages);
	free(machine->device);
	free(machine->heap);
}

void hk_machine_destroy(struct hk_machine *machine)
{
	if (!machine)
		return;
	destroy_parts(machine);
	buffer_table_destroy(&machine->buffers);
	free(machine);
}

// What hk_machine_create() was given.
static int copy_spec(const struct hk_machine *machine,
		     struct hk_machine_spec *spec, struct hk_heap_spec **heap,
		     struct hk_device_spec **device)
{
	*heap = calloc(machine->n_heaps + 1, sizeof(**heap));
	*device = calloc(machine->n_devices + 1, sizeof(**device));
	if (!*heap || !*device)
		return -ENOMEM;
	for (uint32_t i = 0; i < machine->n_heaps; i++)
		(*heap)[i] = machine->heap[i].spec;
	memcpy(*device, machine->device, machine->n_devices * sizeof(**device));
	*spec = (struct hk_machine_spec){
		.memory = machine->memory,
		.heap = *heap,
		.n_heaps = machine->n_heaps,
		.device = *device,
		.n_devices = machine->n_devices,
		.costs = machine->costs,
		.sync_flags = machine->sync_flags,
		.seed = machine->seed,
	};
	return 0;
}

int machine_restart(struct hk_machine *machine)
{
	struct hk_machine_spec spec;
	struct hk_heap_spec *heap;
	struct hk_device_spec *device;
	int ret = copy_spec(machine, &spec, &heap, &device);

	if (!ret) {
		destroy_parts(machine);
		buffer_table_clear(&machine->buffers);
		*machine = (struct hk_machine){.buffers = machine->buffers};
		ret = begin(machine, &spec);
	}
	free(heap);
	free(device);
	return ret;
}

int hk_machine_advance(struct hk_machine *machine, int64_t now_ns)
{
	if (now_ns < machine->now_ns)
		return -EINVAL;
	if (worker_run_all(machine, now_ns))
		return -ENOMEM;
	machine->now_ns = now_ns;
	return 0;
}

void hk_machine_watch(struct hk_machine *machine, struct hk_counts *counts,
		      struct hk_finding *findings, uint64_t capacity)
{
	machine->count = counts ? counts->n : NULL;
	machine->findings = (struct findings){
		.at = findings,
		.capacity = capacity,
	};
}

uint64_t hk_machine_found(const struct hk_machine *machine)
{
	return machine->findings.count;
}
