// SPDX-License-Identifier: MIT
//
// What carveout, chunk and secure heap share: a region handed out by a
// gen_pool.

#include "broken.h"
#include "internal.h"

int region_heap_create(struct heap *heap, enum hk_fit fit)
{
	const struct hk_heap_spec *spec = &heap->spec;
	int ret = gen_pool_create((uint32_t)__builtin_ctzll(spec->granule), fit,
				  spec->align, &heap->gen_pool);

	if (ret)
		return ret;
	return gen_pool_add(heap->gen_pool, spec->base, spec->size);
}

void region_heap_destroy(struct heap *heap)
{
	gen_pool_destroy(heap->gen_pool);
	leaks_destroy(&heap->leaks);
}

int region_heap_place(struct heap *heap, struct buffer *buffer, uint64_t size,
		      struct bill *bill)
{
	uint64_t address;

	charge(bill, HK_COST_GEN_POOL_CALL, 1);
	if (gen_pool_alloc(heap->gen_pool, size, &address))
		return -ENOMEM;
	buffer_add_entry(buffer, address, size);
	return 0;
}

int region_heap_release(struct heap *heap, struct buffer *buffer,
			enum free_reason reason, struct bill *bill)
{
	if (leaks_hand_back(heap, buffer, bill))
		return OUT_OF_CORE;
	if (heap->zero_at_free && reason == FREE_NORMAL)
		charge_each_zeroing(bill, buffer);
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		gen_pool_free(heap->gen_pool, buffer->entry[i].address,
			      buffer->entry[i].size);
	buffer_drop_entries(buffer);
	return 0;
}

void region_heap_gauges(const struct heap *heap, struct hk_gauges *ret)
{
	ret->free_bytes = gen_pool_avail(heap->gen_pool);
	ret->largest_free_bytes = gen_pool_largest(heap->gen_pool);
	ret->pool_bytes = 0;
	ret->deferred_bytes = heap->deferred_bytes;
}

void region_heap_survey(const struct heap *heap, struct survey *survey)
{
	gen_pool_walk_free(heap->gen_pool, survey_add_free, survey);
	leaks_survey(&heap->leaks, survey);
}

int region_heap_check(const struct heap *heap, const char **rule)
{
	if (gen_pool_avail(heap->gen_pool) + heap->held_bytes +
		    heap->deferred_bytes + heap->leaks.bytes !=
	    heap->spec.size)
		return broken(rule, "a region's free, held, deferred and "
				    "leaked bytes do not add up");
	return gen_pool_check(heap->gen_pool, rule);
}

int region_heap_claim(struct heap *heap, const struct sg_entry *entry,
		      struct state_reader *in)
{
	struct claim *claim = &in->region[heap->index];

	if ((entry->address - heap->spec.base) % heap->spec.granule ||
	    !claim_pages(claim, entry->address >> HK_PAGE_SHIFT,
			 entry->size >> HK_PAGE_SHIFT))
		return -EINVAL;
	return 0;
}

int region_heap_load_leaks(struct heap *heap, struct state_reader *in)
{
	int ret = leaks_load(heap, in);

	for (uint64_t i = 0; !ret && i < heap->leaks.n; i++)
		ret = region_heap_claim(heap, &heap->leaks.entry[i], in);
	return ret;
}

int region_heap_hold(struct heap *heap, struct buffer *buffer,
		     struct state_reader *in)
{
	if (buffer->n_entries != 1 || buffer->bytes != buffer->size)
		return -EINVAL;
	return region_heap_claim(heap, buffer->entry, in);
}

static void give_back(void *heap, uint64_t pfn, uint64_t pages)
{
	const struct heap *of = heap;

	gen_pool_free(of->gen_pool, pfn << HK_PAGE_SHIFT,
		      pages << HK_PAGE_SHIFT);
}

// All at once and in order of address: for 100 000 buffers several times as
// fast as placing each.
void region_heap_settle(struct heap *heap, const struct state_reader *in)
{
	const struct claim *claim = &in->region[heap->index];
	uint64_t address;

	if (claim->left == claim->end - claim->start)
		return;
	gen_pool_alloc_at(heap->gen_pool, 0, heap->spec.size, &address);
	claim_walk_left(claim, give_back, heap);
}
