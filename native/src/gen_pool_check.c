// SPDX-License-Identifier: MIT
//
// Looking at a pool: what is free, a walk over its holes, and all invariants.
#include "broken.h"
#include "gen_pool_internal.h"

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

static const char not_the_runs[] =
	"gen_pool: the holes by length are not the free runs";

// Every free run is a hole of the best fit's index, and nothing else is.
static int check_holes(const struct gen_pool_chunk *chunk, const char **rule)
{
	uint32_t run = run_index_next(chunk->index, 0, 1);
	uint64_t holes = 0;

	for (; run != HK_NO_RUN; holes++) {
		uint32_t length = run_index_length(chunk->index, run);

		if (!hole_index_holds(chunk->holes, run, length))
			return broken(rule, not_the_runs);
		run = run_index_next(chunk->index, run + length, 1);
	}
	if (hole_index_check(chunk->holes, holes))
		return broken(rule, not_the_runs);
	return 0;
}

static int check_chunk(const struct gen_pool *pool,
		       const struct gen_pool_chunk *chunk, const char **rule)
{
	uint64_t free_bytes = (uint64_t)run_index_free(chunk->index)
			      << pool->shift;
	uint64_t granule = UINT64_C(1) << pool->shift;
	int err = run_index_check(chunk->index, rule);

	if (err)
		return err;
	if (chunk->avail != free_bytes + (chunk->size & (granule - 1)))
		return broken(rule, "gen_pool: avail is not what is free");
	return chunk->holes ? check_holes(chunk, rule) : 0;
}

int gen_pool_check(const struct gen_pool *pool, const char **rule)
{
	const struct gen_pool_chunk *chunk = pool->chunks;
	int err = 0;

	for (; !err && chunk; chunk = chunk->next)
		err = check_chunk(pool, chunk, rule);
	return err;
}
