// SPDX-License-Identifier: MIT
//
// Pages that were handed to another world and did not come back: Qualcomm's
// secure pools keep what the hypervisor refuses to reassign, system_cc_shared
// what cannot be encrypted again. Which hand-backs fail is drawn from the
// machine's seed, one number for each.

#include "internal.h"

#include <stdlib.h>

// SplitMix64 (Steele, Lea, Flood 2014): number @n of the sequence that @seed
// begins.
static uint32_t draw(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 32);
}

static bool fails(struct heap *heap)
{
	const uint64_t of_heap = heap->machine->seed ^ (uint64_t)heap->index
							       << 48;

	// All of 2^32 cannot be said.
	return draw(of_heap, heap->leaks.draws++) < heap->spec.failures ||
	       heap->spec.failures == UINT32_MAX;
}

static int reserve(struct leaks *leaks, uint64_t n)
{
	struct sg_entry *entry;

	if (leaks->n + n <= leaks->capacity)
		return 0;
	n += leaks->n + leaks->capacity;
	entry = realloc(leaks->entry, n * sizeof(*entry));
	if (!entry)
		return OUT_OF_CORE;
	leaks->entry = entry;
	leaks->capacity = n;
	return 0;
}

static void add(struct leaks *leaks, const struct sg_entry *entry)
{
	leaks->entry[leaks->n++] = *entry;
	leaks->bytes += entry->size;
}

int leaks_hand_back(struct heap *heap, struct buffer *buffer, struct bill *bill)
{
	uint32_t kept = 0;

	if (!(heap->spec.flags & HK_HEAP_PROTECTED))
		return 0;
	if (reserve(&heap->leaks, buffer->n_entries))
		return OUT_OF_CORE;
	charge(bill, HK_COST_PROTECT_PAGE, bytes_to_pages(buffer->bytes));
	for (uint32_t i = 0; i < buffer->n_entries; i++) {
		if (fails(heap))
			add(&heap->leaks, &buffer->entry[i]);
		else
			buffer->entry[kept++] = buffer->entry[i];
	}
	buffer->n_entries = kept;
	return 0;
}

void leaks_hand_over(struct heap *heap, const struct buffer *buffer,
		     struct bill *bill)
{
	if (heap->spec.flags & HK_HEAP_PROTECTED)
		charge(bill, HK_COST_PROTECT_PAGE,
		       bytes_to_pages(buffer->bytes));
}

void leaks_destroy(struct leaks *leaks)
{
	free(leaks->entry);
}

void leaks_survey(const struct leaks *leaks, struct survey *survey)
{
	for (uint64_t i = 0; i < leaks->n; i++)
		survey_add(survey, leaks->entry[i].address,
			   leaks->entry[i].size, UINT32_MAX, HK_REGION_LEAKED);
}

void leaks_save(const struct leaks *leaks, struct state_writer *out)
{
	state_put(out, leaks->draws);
	state_put(out, leaks->n);
	for (uint64_t i = 0; i < leaks->n; i++)
		state_put_pages(out, leaks->entry[i].address,
				leaks->entry[i].size);
}

int leaks_load(struct heap *heap, struct state_reader *in)
{
	struct leaks *leaks = &heap->leaks;

	leaks->draws = state_get(in);
	for (uint32_t count = state_get_count(in); count; count--) {
		struct sg_entry entry;

		if (reserve(leaks, 1))
			return OUT_OF_CORE;
		state_get_pages(in, &entry.address, &entry.size);
		add(leaks, &entry);
	}
	if (in->bad || leaks->n > leaks->draws ||
	    (leaks->draws && !(heap->spec.flags & HK_HEAP_PROTECTED)))
		return -EINVAL;
	return 0;
}
