// SPDX-License-Identifier: MIT
//
// A whole machine as bytes:
//
//   magic, version       what this is
//   fingerprint          of the spec, for a state means nothing elsewhere
//   time                 now
//   heaps                pools and idle threads, with the buffers these hold
//   the shared list      of buffers that system heaps freed
//   buffers              by id
//   free blocks          of the page allocator
//   sum                  of all bytes before it
//
// What follows from these is not written: how a region is taken, how many bytes
// a heap holds, which worker is due first.

#include "internal.h"

#include <string.h>

enum {
	// To be raised with every change of what the bytes mean.
	VERSION = 2,
	MAGIC_BYTES = 8,
	SUM_BYTES = 8,
};

static const char magic[MAGIC_BYTES + 1] = "hkstate\n";

// --- The spec ---

static uint64_t mix_heap(uint64_t print, const struct hk_heap_spec *heap)
{
	const uint64_t fields[] = {
		heap->kind,
		heap->fit,
		heap->flags,
		heap->alignment_order,
		heap->base,
		heap->size,
		heap->granule,
		heap->align,
		heap->n_orders,
		heap->pool_limit,
		heap->refill_defer_ns,
		heap->n_ranges,
		heap->migratetype,
		heap->mapcount,
		heap->failures,
		heap->size_limit,
		heap->chunk,
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		print = state_mix(print, fields[i]);
	for (uint32_t slot = 0; slot < HK_MAX_ORDERS; slot++) {
		print = state_mix(print, heap->order[slot]);
		print = state_mix(print, heap->pool_fill[slot]);
		print = state_mix(print, heap->pool_low[slot]);
	}
	for (uint32_t i = 0; i < heap->n_ranges; i++) {
		print = state_mix(print, heap->range[i].base);
		print = state_mix(print, heap->range[i].size);
	}
	return print;
}

static uint64_t mix_costs(uint64_t print, const struct hk_costs *costs)
{
	uint64_t word[sizeof(*costs) / sizeof(double)];

	memcpy(word, costs, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		print = state_mix(print, word[i]);
	return print;
}

static uint64_t fingerprint(const struct hk_machine *machine)
{
	const struct hk_memory_spec *memory = &machine->memory;
	uint64_t print = state_mix(VERSION, memory->base);

	print = state_mix(print, memory->total);
	print = state_mix(print, memory->min_free);
	print = state_mix(print, machine->n_heaps);
	for (uint32_t i = 0; i < machine->n_heaps; i++)
		print = mix_heap(print, &machine->heap[i].spec);
	print = state_mix(print, machine->n_devices);
	for (uint32_t i = 0; i < machine->n_devices; i++)
		print = state_mix(print, machine->device[i].coherent |
						 machine->device[i].iommu << 1);
	print = state_mix(print, machine->sync_flags);
	print = state_mix(print, machine->seed);
	return mix_costs(print, &machine->costs);
}

// --- Writing ---

static void save_header(const struct hk_machine *machine,
			struct state_writer *out)
{
	for (uint32_t i = 0; i < MAGIC_BYTES; i++)
		state_put(out, (uint8_t)magic[i]);
	state_put(out, VERSION);
	state_put_word(out, fingerprint(machine));
}

static void save_body(const struct hk_machine *machine,
		      struct state_writer *out)
{
	state_put_signed(out, machine->now_ns);
	for (uint32_t i = 0; i < machine->n_heaps; i++) {
		const struct heap *heap = &machine->heap[i];

		if (heap->ops->save)
			heap->ops->save(heap, out);
	}
	deferred_free_save(&machine->system_deferred, out);
	buffer_table_save(&machine->buffers, out);
	if (machine->pages)
		page_alloc_save(machine->pages, out);
}

int hk_machine_save(const struct hk_machine *machine, void *bytes,
		    uint64_t capacity, uint64_t *size)
{
	struct state_writer out = {.bytes = bytes, .capacity = capacity};

	save_header(machine, &out);
	save_body(machine, &out);
	if (out.size + SUM_BYTES <= capacity)
		state_put_word(&out, state_sum(bytes, out.size));
	else
		out.size += SUM_BYTES;
	*size = out.size;
	return out.size <= capacity ? 0 : -ENOSPC;
}

// --- Reading ---

static bool header_is_ours(const struct hk_machine *machine,
			   struct state_reader *in)
{
	for (uint32_t i = 0; i < MAGIC_BYTES; i++)
		if (state_get(in) != (uint8_t)magic[i])
			return false;
	return state_get(in) == VERSION &&
	       state_get_word(in) == fingerprint(machine);
}

static bool sum_is_right(const uint8_t *bytes, uint64_t size)
{
	struct state_reader sum = {
		.at = bytes + size - SUM_BYTES,
		.end = bytes + size,
	};

	return state_get_word(&sum) == state_sum(bytes, size - SUM_BYTES);
}

static bool claim_ranges(struct heap_ranges ranges, struct claim *memory)
{
	for (uint32_t i = 0; i < ranges.n; i++)
		if (!claim_pages(memory, ranges.at[i].base >> HK_PAGE_SHIFT,
				 ranges.at[i].size >> HK_PAGE_SHIFT))
			return false;
	return true;
}

// The pages that regions have are nobody's in the page allocator.
static bool claim_regions(const struct hk_machine *machine,
			  struct claim *memory)
{
	for (uint32_t i = 0; i < machine->n_heaps; i++) {
		const struct hk_heap_spec *heap = &machine->heap[i].spec;

		// A lent area's pages are the page allocator's, the load's
		// or the buffer's that has them.
		if (!machine->heap[i].lent &&
		    heap_is_inside(heap, &machine->memory) &&
		    !claim_ranges(heap_ranges(heap), memory))
			return false;
	}
	return true;
}

static int load_heaps(struct hk_machine *machine, struct state_reader *in)
{
	int ret = 0;

	for (uint32_t i = 0; !ret && i < machine->n_heaps; i++) {
		struct heap *heap = &machine->heap[i];

		if (heap->ops->load)
			ret = heap->ops->load(heap, in);
	}
	return ret;
}

static void settle_heaps(struct hk_machine *machine,
			 const struct state_reader *in)
{
	for (uint32_t i = 0; i < machine->n_heaps; i++) {
		struct heap *heap = &machine->heap[i];

		if (heap->ops->settle)
			heap->ops->settle(heap, in);
	}
}

static int load_body(struct hk_machine *machine, struct state_reader *in)
{
	int ret;

	machine->now_ns = state_get_signed(in);
	if (!claim_regions(machine, &in->memory))
		return -EINVAL;
	ret = load_heaps(machine, in);
	if (!ret)
		ret = deferred_free_load(machine, &machine->system_deferred,
					 in);
	if (!ret)
		ret = buffer_table_load(machine, in);
	if (!ret && machine->pages)
		ret = page_alloc_load(machine->pages, in);
	if (!ret && (in->bad || in->at != in->end || in->memory.left))
		ret = -EINVAL;
	if (!ret)
		settle_heaps(machine, in);
	return ret;
}

static int create_claim(uint64_t base, uint64_t size, struct claim *ret)
{
	return claim_create(base >> HK_PAGE_SHIFT,
			    (base + size) >> HK_PAGE_SHIFT, ret);
}

static int create_claims(const struct hk_machine *machine,
			 struct state_reader *in)
{
	int ret = create_claim(machine->memory.base, machine->memory.total,
			       &in->memory);

	for (uint32_t i = 0; !ret && i < machine->n_heaps; i++) {
		const struct heap *heap = &machine->heap[i];

		if (heap->ops->settle)
			ret = create_claim(heap->spec.base, heap->spec.size,
					   &in->region[i]);
	}
	return ret;
}

static void destroy_claims(const struct hk_machine *machine,
			   struct state_reader *in)
{
	claim_destroy(&in->memory);
	for (uint32_t i = 0; i < machine->n_heaps; i++)
		claim_destroy(&in->region[i]);
}

static bool is_new(const struct hk_machine *machine)
{
	return machine->now_ns == INT64_MIN && !machine->buffers.n_slots;
}

int hk_machine_load(struct hk_machine *machine, const void *bytes,
		    uint64_t size)
{
	struct claim region[HK_MAX_HEAPS] = {0};
	struct state_reader in = {.at = bytes, .region = region};
	int ret;

	if (size < MAGIC_BYTES + SUM_BYTES || !sum_is_right(bytes, size))
		return -EINVAL;
	in.end = in.at + size - SUM_BYTES;
	if (!header_is_ours(machine, &in))
		return -EINVAL;
	ret = is_new(machine) ? 0 : machine_restart(machine);
	if (!ret)
		ret = create_claims(machine, &in);
	if (!ret)
		ret = load_body(machine, &in);
	destroy_claims(machine, &in);
	return ret == OUT_OF_CORE ? -ENOMEM : ret;
}
