// SPDX-License-Identifier: MIT
//
// heapkit's carveout: gen_pool.c under each of its rules, a bit a page.
#include "contender.h"

#include "gen_pool.h"

static const uint64_t ALIGN = 64 << 10;

static int pool_create(enum hk_fit fit, uint64_t pages, void **ret)
{
	struct gen_pool *pool;
	int err = gen_pool_create(HK_PAGE_SHIFT, fit, ALIGN, &pool);

	if (err)
		return err;
	err = gen_pool_add(pool, (uint64_t)HEAP_PFN << HK_PAGE_SHIFT,
			   pages << HK_PAGE_SHIFT);
	if (err)
		gen_pool_destroy(pool);
	*ret = pool;
	return err;
}

static int create_first(uint64_t pages, void **ret)
{
	return pool_create(HK_FIT_FIRST, pages, ret);
}

static int create_best(uint64_t pages, void **ret)
{
	return pool_create(HK_FIT_BEST, pages, ret);
}

static int create_first_align(uint64_t pages, void **ret)
{
	return pool_create(HK_FIT_FIRST_ALIGN, pages, ret);
}

static int create_order_align(uint64_t pages, void **ret)
{
	return pool_create(HK_FIT_ORDER_ALIGN, pages, ret);
}

static void pool_destroy(void *heap)
{
	gen_pool_destroy(heap);
}

static bool pool_take(void *heap, uint32_t pages, uint64_t *pfn)
{
	uint64_t address;

	if (gen_pool_alloc(heap, (uint64_t)pages << HK_PAGE_SHIFT, &address))
		return false;
	*pfn = address >> HK_PAGE_SHIFT;
	return true;
}

static void pool_give(void *heap, uint64_t pfn, uint32_t pages)
{
	gen_pool_free(heap, pfn << HK_PAGE_SHIFT,
		      (uint64_t)pages << HK_PAGE_SHIFT);
}

static void pool_gauges(const void *heap, uint64_t *pages, uint64_t *largest)
{
	*pages = gen_pool_avail(heap) >> HK_PAGE_SHIFT;
	*largest = gen_pool_largest(heap) >> HK_PAGE_SHIFT;
}

static bool pool_check(const void *heap)
{
	const char *rule;

	return !gen_pool_check(heap, &rule);
}

static const struct verbs verbs = {pool_take, pool_give, pool_gauges};
REPLAY(pool_replay, verbs)

#define CARVEOUT(words, creator, on)                                           \
	{                                                                      \
		.name = (words),                                               \
		.rule = (words),                                               \
		.create = (creator),                                           \
		.destroy = pool_destroy,                                       \
		.replay = pool_replay,                                         \
		.check = pool_check,                                           \
		.gauges_only = (on),                                           \
	}

const struct contender first_fit = CARVEOUT("first-fit", create_first, false);
const struct contender best_fit = CARVEOUT("best-fit", create_best, false);
const struct contender first_align =
	CARVEOUT("first-align", create_first_align, true);
const struct contender order_align =
	CARVEOUT("order-align", create_order_align, true);
