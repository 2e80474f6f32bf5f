// SPDX-License-Identifier: MIT
#include "gen_pool_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "order.h"

// Not the number of any granule.
static const uint64_t ANYWHERE = UINT64_MAX;

// A place in a chunk: granule @at of the free run @run.
struct place {
	uint32_t run;
	uint32_t at;
	uint32_t length; // of the run, if the pool keeps holes
};

// Alignments that an order-aligned search finds directly; those between take a
// few steps. Each costs a little at every change.
static const uint64_t order_align_orders =
	1 << 2 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 16;

int gen_pool_create(uint32_t granule_shift, enum hk_fit fit, uint64_t align,
		    struct gen_pool **ret)
{
	struct gen_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->shift = granule_shift;
	pool->fit = fit;
	pool->align_order = order_of(align >> granule_shift);
	*ret = pool;
	return 0;
}

static void chunk_destroy(struct gen_pool_chunk *chunk)
{
	hole_index_destroy(chunk->holes);
	run_index_destroy(chunk->index);
	free(chunk);
}

void gen_pool_destroy(struct gen_pool *pool)
{
	if (!pool)
		return;
	while (pool->chunks) {
		struct gen_pool_chunk *chunk = pool->chunks;

		pool->chunks = chunk->next;
		chunk_destroy(chunk);
	}
	free(pool);
}

// What the pool's rule needs beside the free runs.
static int chunk_prepare(const struct gen_pool *pool,
			 struct gen_pool_chunk *chunk)
{
	int err;

	switch (pool->fit) {
	case HK_FIT_BEST:
		err = hole_index_create(chunk->granules, &chunk->holes);
		if (!err)
			hole_index_add(chunk->holes, 0, chunk->granules);
		return err;
	case HK_FIT_FIRST_ALIGN:
		// The address is aligned, not its distance from the chunk.
		return run_index_align(chunk->index, chunk->base >> pool->shift,
				       UINT64_C(1) << pool->align_order);
	case HK_FIT_ORDER_ALIGN:
		return run_index_align(chunk->index, 0, order_align_orders);
	default:
		return 0;
	}
}

static int chunk_create(const struct gen_pool *pool, uint64_t base,
			uint64_t size, struct gen_pool_chunk **ret)
{
	struct gen_pool_chunk *chunk = calloc(1, sizeof(*chunk));
	int err;

	if (!chunk)
		return -ENOMEM;
	chunk->base = base;
	chunk->size = size;
	chunk->avail = size;
	chunk->granules = (uint32_t)(size >> pool->shift);
	err = run_index_create(chunk->granules, &chunk->index);
	if (!err)
		err = chunk_prepare(pool, chunk);
	if (err)
		goto destroy_chunk;
	*ret = chunk;
	return 0;

destroy_chunk:
	chunk_destroy(chunk);
	return err;
}

int gen_pool_add(struct gen_pool *pool, uint64_t base, uint64_t size)
{
	uint64_t granules = size >> pool->shift;
	struct gen_pool_chunk *chunk;
	int err;

	if (granules == 0 || granules > HK_MAX_BITS || base + (size - 1) < base)
		return -EINVAL;
	err = chunk_create(pool, base, size, &chunk);
	if (err)
		return err;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	return 0;
}

// Granules that @size needs; at most 2^32 - 1 for a size that a chunk has.
static uint32_t granules_of(const struct gen_pool *pool, uint64_t size)
{
	uint64_t whole = size >> pool->shift;

	return (uint32_t)(whole + (size > whole << pool->shift));
}

static bool fit_aligned(const struct gen_pool_chunk *chunk, uint32_t granules,
			uint32_t order, struct place *ret)
{
	ret->at = run_index_find(chunk->index, 0, granules, order, &ret->run);
	return ret->at != HK_NO_RUN;
}

static bool fit_first(const struct gen_pool_chunk *chunk, uint32_t granules,
		      struct place *ret)
{
	ret->at = run_index_next(chunk->index, 0, granules);
	ret->run = ret->at;
	return ret->at != HK_NO_RUN;
}

// The shortest hole that is long enough, the lowest of equals.
static bool fit_best(const struct gen_pool_chunk *chunk, uint32_t granules,
		     struct place *ret)
{
	uint32_t length;
	uint32_t from;

	if (!hole_index_best(chunk->holes, granules, &length, &from))
		return false;
	if (length < HOLE_EXACT)
		from = run_index_near(chunk->index, from, length);
	*ret = (struct place){from, from, length};
	return true;
}

static bool fit(const struct gen_pool *pool, const struct gen_pool_chunk *chunk,
		uint32_t granules, struct place *ret)
{
	switch (pool->fit) {
	case HK_FIT_BEST:
		return fit_best(chunk, granules, ret);
	case HK_FIT_FIRST_ALIGN:
		return fit_aligned(chunk, granules, pool->align_order, ret);
	case HK_FIT_ORDER_ALIGN:
		return fit_aligned(chunk, granules, order_of(granules), ret);
	default:
		return fit_first(chunk, granules, ret);
	}
}

static void holes_take(struct gen_pool_chunk *chunk, struct place place,
		       uint32_t granules)
{
	uint32_t before = place.at - place.run;

	hole_index_remove(chunk->holes, place.run, place.length);
	hole_index_add(chunk->holes, place.run, before);
	hole_index_add(chunk->holes, place.at + granules,
		       place.length - before - granules);
}

static void holes_give(struct gen_pool_chunk *chunk, uint32_t at,
		       uint32_t granules)
{
	uint32_t left = run_index_length_before(chunk->index, at);
	uint32_t right = run_index_length(chunk->index, at + granules);

	hole_index_remove(chunk->holes, at - left, left);
	hole_index_remove(chunk->holes, at + granules, right);
	hole_index_add(chunk->holes, at - left, left + granules + right);
}

static uint64_t chunk_take(const struct gen_pool *pool,
			   struct gen_pool_chunk *chunk, struct place place,
			   uint32_t granules)
{
	if (chunk->holes)
		holes_take(chunk, place, granules);
	run_index_take(chunk->index, place.run, place.at, granules);
	chunk->avail -= (uint64_t)granules << pool->shift;
	return chunk->base + ((uint64_t)place.at << pool->shift);
}

static bool fit_fixed(const struct gen_pool_chunk *chunk, uint64_t at,
		      uint32_t granules, struct place *ret)
{
	if (at >= chunk->granules)
		return false;
	ret->at = run_index_find(chunk->index, (uint32_t)at, granules, 0,
				 &ret->run);
	if (ret->at != at)
		return false;
	ret->length = run_index_length(chunk->index, ret->run);
	return true;
}

// Place @size bytes in @chunk: at granule @at, or ANYWHERE by the pool's rule.
static bool chunk_alloc(const struct gen_pool *pool,
			struct gen_pool_chunk *chunk, uint64_t size,
			uint64_t at, uint64_t *ret)
{
	uint32_t granules = granules_of(pool, size);
	struct place place;

	if (size > chunk->avail)
		return false;
	if (at == ANYWHERE ? !fit(pool, chunk, granules, &place)
			   : !fit_fixed(chunk, at, granules, &place))
		return false;
	*ret = chunk_take(pool, chunk, place, granules);
	return true;
}

static int pool_alloc(struct gen_pool *pool, uint64_t size, uint64_t at,
		      uint64_t *ret)
{
	struct gen_pool_chunk *chunk = pool->chunks;

	if (size == 0)
		return -ENOMEM;
	while (chunk && !chunk_alloc(pool, chunk, size, at, ret))
		chunk = chunk->next;
	return chunk ? 0 : -ENOMEM;
}

int gen_pool_alloc(struct gen_pool *pool, uint64_t size, uint64_t *ret)
{
	return pool_alloc(pool, size, ANYWHERE, ret);
}

int gen_pool_alloc_at(struct gen_pool *pool, uint64_t offset, uint64_t size,
		      uint64_t *ret)
{
	uint64_t at = offset >> pool->shift;

	if (offset != at << pool->shift)
		return -EINVAL;
	return pool_alloc(pool, size, at, ret);
}

static struct gen_pool_chunk *chunk_of(const struct gen_pool *pool,
				       uint64_t address)
{
	struct gen_pool_chunk *chunk = pool->chunks;

	while (chunk &&
	       (address < chunk->base || address - chunk->base >= chunk->size))
		chunk = chunk->next;
	return chunk;
}

void gen_pool_free(struct gen_pool *pool, uint64_t address, uint64_t size)
{
	struct gen_pool_chunk *chunk = chunk_of(pool, address);
	uint32_t granules = granules_of(pool, size);
	uint32_t at;

	assert(chunk);
	at = (uint32_t)((address - chunk->base) >> pool->shift);
	assert(run_index_taken(chunk->index, at, granules));
	if (chunk->holes)
		holes_give(chunk, at, granules);
	run_index_give(chunk->index, at, granules);
	chunk->avail += (uint64_t)granules << pool->shift;
}
