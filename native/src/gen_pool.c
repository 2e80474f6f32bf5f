// SPDX-License-Identifier: MIT
#include "gen_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "run_index.h"

struct gen_pool_chunk {
	struct gen_pool_chunk *next;
	uint64_t base;
	uint64_t size;
	uint64_t avail; // bytes, with the remainder that no granule covers
	uint32_t granules;
	struct run_index *index;
};

struct gen_pool {
	struct gen_pool_chunk *chunks; // the last added first
	uint32_t shift;
	enum hk_fit fit;
	uint64_t align;
};

// A place in a chunk: granule @at of the free run @run.
struct place {
	uint32_t run;
	uint32_t at;
};

int gen_pool_create(uint32_t granule_shift, enum hk_fit fit, uint64_t align,
		    struct gen_pool **ret)
{
	struct gen_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->shift = granule_shift;
	pool->fit = fit;
	pool->align = align ? align : 1;
	*ret = pool;
	return 0;
}

static void chunk_destroy(struct gen_pool_chunk *chunk)
{
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

int gen_pool_add(struct gen_pool *pool, uint64_t base, uint64_t size)
{
	uint64_t granules = size >> pool->shift;
	struct gen_pool_chunk *chunk;
	int err;

	if (granules == 0 || granules >= HK_NO_RUN || base + (size - 1) < base)
		return -EINVAL;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	err = run_index_create((uint32_t)granules, &chunk->index);
	if (err)
		goto free_chunk;
	chunk->base = base;
	chunk->size = size;
	chunk->avail = size;
	chunk->granules = (uint32_t)granules;
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	return 0;

free_chunk:
	free(chunk);
	return err;
}

// Granules that @size needs; at most 2^32 - 1 for a size that a chunk has.
static uint32_t granules_of(const struct gen_pool *pool, uint64_t size)
{
	uint64_t whole = size >> pool->shift;

	return (uint32_t)(whole + (size > whole << pool->shift));
}

// One less than the smallest power of two that is at least @granules.
static uint64_t order_mask(uint32_t granules)
{
	if (granules <= 1)
		return 0;
	return (UINT64_C(2) << (31 - __builtin_clz(granules - 1))) - 1;
}

static bool fit_aligned(const struct gen_pool_chunk *chunk, uint32_t granules,
			uint64_t mask, uint64_t offset, struct place *ret)
{
	ret->at = run_index_find(chunk->index, 0, granules, mask, offset,
				 &ret->run);
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
	uint32_t best = UINT32_MAX;
	uint32_t run = run_index_next(chunk->index, 0, granules);

	ret->at = HK_NO_RUN;
	while (run != HK_NO_RUN && best != granules) {
		if (run_index_length(chunk->index, run) < best) {
			best = run_index_length(chunk->index, run);
			ret->at = run;
		}
		run = run_index_next(chunk->index, run + 1, granules);
	}
	ret->run = ret->at;
	return ret->at != HK_NO_RUN;
}

static bool fit(const struct gen_pool *pool, const struct gen_pool_chunk *chunk,
		uint32_t granules, struct place *ret)
{
	uint64_t low;

	switch (pool->fit) {
	case HK_FIT_BEST:
		return fit_best(chunk, granules, ret);
	case HK_FIT_FIRST_ALIGN:
		low = pool->align - 1;
		// The address is aligned, not its distance from the chunk.
		return fit_aligned(chunk, granules, low >> pool->shift,
				   (chunk->base & low) >> pool->shift, ret);
	case HK_FIT_ORDER_ALIGN:
		return fit_aligned(chunk, granules, order_mask(granules), 0,
				   ret);
	default:
		return fit_first(chunk, granules, ret);
	}
}

static uint64_t chunk_take(const struct gen_pool *pool,
			   struct gen_pool_chunk *chunk, struct place place,
			   uint32_t granules)
{
	run_index_take(chunk->index, place.run, place.at, granules);
	chunk->avail -= (uint64_t)granules << pool->shift;
	return chunk->base + ((uint64_t)place.at << pool->shift);
}

int gen_pool_alloc(struct gen_pool *pool, uint64_t size, uint64_t *ret)
{
	struct gen_pool_chunk *chunk = pool->chunks;
	struct place place;

	if (size == 0)
		return -ENOMEM;
	for (; chunk; chunk = chunk->next) {
		uint32_t granules;

		if (size > chunk->avail)
			continue;
		granules = granules_of(pool, size);
		if (!fit(pool, chunk, granules, &place))
			continue;
		*ret = chunk_take(pool, chunk, place, granules);
		return 0;
	}
	return -ENOMEM;
}

static bool fit_fixed(const struct gen_pool_chunk *chunk, uint64_t at,
		      uint32_t granules, struct place *ret)
{
	if (at >= chunk->granules)
		return false;
	ret->at = run_index_find(chunk->index, (uint32_t)at, granules, 0, 0,
				 &ret->run);
	return ret->at == at;
}

int gen_pool_alloc_at(struct gen_pool *pool, uint64_t offset, uint64_t size,
		      uint64_t *ret)
{
	struct gen_pool_chunk *chunk = pool->chunks;
	uint64_t at = offset >> pool->shift;
	struct place place;

	if (offset != at << pool->shift)
		return -EINVAL;
	if (size == 0)
		return -ENOMEM;
	for (; chunk; chunk = chunk->next) {
		uint32_t granules;

		if (size > chunk->avail)
			continue;
		granules = granules_of(pool, size);
		if (!fit_fixed(chunk, at, granules, &place))
			continue;
		*ret = chunk_take(pool, chunk, place, granules);
		return 0;
	}
	return -ENOMEM;
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
	run_index_give(chunk->index, at, granules);
	chunk->avail += (uint64_t)granules << pool->shift;
}

uint64_t gen_pool_avail(const struct gen_pool *pool)
{
	const struct gen_pool_chunk *chunk = pool->chunks;
	uint64_t avail = 0;

	for (; chunk; chunk = chunk->next)
		avail += chunk->avail;
	return avail;
}

uint64_t gen_pool_largest(const struct gen_pool *pool)
{
	const struct gen_pool_chunk *chunk = pool->chunks;
	uint32_t largest = 0;

	for (; chunk; chunk = chunk->next) {
		uint32_t longest = run_index_longest(chunk->index);

		largest = longest > largest ? longest : largest;
	}
	return (uint64_t)largest << pool->shift;
}

static void
chunk_walk_free(const struct gen_pool *pool, const struct gen_pool_chunk *chunk,
		void (*visit)(void *context, uint64_t address, uint64_t size),
		void *context)
{
	uint32_t run = run_index_next(chunk->index, 0, 1);

	while (run != HK_NO_RUN) {
		uint32_t length = run_index_length(chunk->index, run);

		visit(context, chunk->base + ((uint64_t)run << pool->shift),
		      (uint64_t)length << pool->shift);
		run = run_index_next(chunk->index, run + length, 1);
	}
}

void gen_pool_walk_free(const struct gen_pool *pool,
			void (*visit)(void *context, uint64_t address,
				      uint64_t size),
			void *context)
{
	const struct gen_pool_chunk *chunk = pool->chunks;

	for (; chunk; chunk = chunk->next)
		chunk_walk_free(pool, chunk, visit, context);
}

int gen_pool_check(const struct gen_pool *pool, const char **rule)
{
	const struct gen_pool_chunk *chunk = pool->chunks;
	uint64_t granule = UINT64_C(1) << pool->shift;

	for (; chunk; chunk = chunk->next) {
		uint64_t free_bits = run_index_free(chunk->index);
		uint64_t remainder = chunk->size & (granule - 1);
		int err = run_index_check(chunk->index, rule);

		if (err)
			return err;
		if (chunk->avail != (free_bits << pool->shift) + remainder) {
			*rule = "gen_pool: avail is not what is free";
			return -EUCLEAN;
		}
	}
	return 0;
}
