// SPDX-License-Identifier: MIT
//
// The peer: a plain bitmap, a bit a page, searched from its first bit on in
// steps of 64 bits for the next one that is clear or set, as lib/bitmap.c and
// lib/genalloc.c are described to do. Its largest free run takes a scan of the
// whole map.
#include "contender.h"

#include <errno.h>
#include <stdlib.h>

#include "order.h"

enum { WORD = 64, ALIGN_PAGES = 16, CMA_ALIGNMENT = 8 };

struct bitmap {
	uint64_t bits;
	uint64_t free;
	uint64_t used[];
};

static int bitmap_create(uint64_t pages, void **ret)
{
	uint64_t words = (pages + WORD - 1) / WORD;
	struct bitmap *map = calloc(1, sizeof(*map) + words * sizeof(uint64_t));

	if (!map)
		return -ENOMEM;
	map->bits = pages;
	map->free = pages;
	*ret = map;
	return 0;
}

// The first bit at or after @bit that is set in @flip ^ used, or the end.
static inline uint64_t next_bit(const struct bitmap *map, uint64_t bit,
				uint64_t flip)
{
	uint64_t at = bit / WORD;
	uint64_t word;

	if (bit >= map->bits)
		return map->bits;
	word = (map->used[at] ^ flip) & ~UINT64_C(0) << bit % WORD;
	while (!word) {
		if (++at * WORD >= map->bits)
			return map->bits;
		word = map->used[at] ^ flip;
	}
	bit = at * WORD + (uint64_t)__builtin_ctzll(word);
	return bit < map->bits ? bit : map->bits;
}

static uint64_t next_clear(const struct bitmap *map, uint64_t bit)
{
	return next_bit(map, bit, ~UINT64_C(0));
}

static uint64_t next_set(const struct bitmap *map, uint64_t bit)
{
	return next_bit(map, bit, 0);
}

static void bitmap_fill(struct bitmap *map, uint64_t at, uint64_t n, bool used)
{
	while (n) {
		uint64_t room = WORD - at % WORD;
		uint64_t count = n < room ? n : room;
		uint64_t mask = ~UINT64_C(0) >> (WORD - count) << at % WORD;

		if (used)
			map->used[at / WORD] |= mask;
		else
			map->used[at / WORD] &= ~mask;
		at += count;
		n -= count;
	}
}

// bitmap_find_next_zero_area_off(): past the end if there is no place.
static inline uint64_t find(const struct bitmap *map, uint64_t start,
			    uint64_t n, uint64_t mask, uint64_t offset)
{
	for (;;) {
		uint64_t at = next_clear(map, start);
		uint64_t used;

		at = ((at + offset + mask) & ~mask) - offset;
		if (at + n > map->bits)
			return at + n;
		used = next_set(map, at);
		if (used >= at + n)
			return at;
		start = used + 1;
	}
}

// gen_pool_best_fit(): the shortest hole, the lowest of equals.
static uint64_t find_best(const struct bitmap *map, uint64_t n)
{
	uint64_t best = map->bits;
	uint64_t best_length = UINT64_MAX;
	uint64_t at = find(map, 0, n, 0, 0);

	while (at < map->bits) {
		uint64_t end = next_set(map, at);

		if (end - at == n)
			return at;
		if (end - at < best_length) {
			best_length = end - at;
			best = at;
		}
		at = find(map, end, n, 0, 0);
	}
	return best;
}

static bool bitmap_take(struct bitmap *map, uint64_t at, uint64_t n,
			uint64_t *pfn)
{
	if (at + n > map->bits)
		return false;
	bitmap_fill(map, at, n, true);
	map->free -= n;
	*pfn = HEAP_PFN + at;
	return true;
}

static bool take_first(void *heap, uint32_t n, uint64_t *pfn)
{
	struct bitmap *map = heap;

	return n <= map->free &&
	       bitmap_take(map, find(map, 0, n, 0, 0), n, pfn);
}

static bool take_best(void *heap, uint32_t n, uint64_t *pfn)
{
	struct bitmap *map = heap;

	return n <= map->free && bitmap_take(map, find_best(map, n), n, pfn);
}

static bool take_first_align(void *heap, uint32_t n, uint64_t *pfn)
{
	struct bitmap *map = heap;
	uint64_t mask = ALIGN_PAGES - 1;

	return n <= map->free &&
	       bitmap_take(map, find(map, 0, n, mask, HEAP_PFN & mask), n, pfn);
}

static bool take_order_align(void *heap, uint32_t n, uint64_t *pfn)
{
	struct bitmap *map = heap;
	uint64_t mask = (UINT64_C(1) << order_of(n)) - 1;

	return n <= map->free &&
	       bitmap_take(map, find(map, 0, n, mask, 0), n, pfn);
}

static bool take_cma(void *heap, uint32_t n, uint64_t *pfn)
{
	struct bitmap *map = heap;
	uint32_t order = order_of(n);
	uint64_t mask;

	mask = (UINT64_C(1)
		<< (order < CMA_ALIGNMENT ? order : CMA_ALIGNMENT)) -
	       1;
	return n <= map->free &&
	       bitmap_take(map, find(map, 0, n, mask, HEAP_PFN & mask), n, pfn);
}

static void bitmap_give(void *heap, uint64_t pfn, uint32_t pages)
{
	struct bitmap *map = heap;

	bitmap_fill(map, pfn - HEAP_PFN, pages, false);
	map->free += pages;
}

static void bitmap_occupy(void *heap, uint64_t pfn, uint32_t pages)
{
	struct bitmap *map = heap;

	bitmap_fill(map, pfn - HEAP_PFN, pages, true);
	map->free -= pages;
}

static void bitmap_gauges(const void *heap, uint64_t *pages, uint64_t *largest)
{
	const struct bitmap *map = heap;
	uint64_t at = next_clear(map, 0);

	*pages = map->free;
	*largest = 0;
	while (at < map->bits) {
		uint64_t end = next_set(map, at);

		if (end - at > *largest)
			*largest = end - at;
		at = next_clear(map, end);
	}
}

#define LINEAR(id, words, taker, on)                                           \
	static const struct verbs id##_verbs = {taker, bitmap_give,            \
						bitmap_gauges};                \
	REPLAY(id##_replay, id##_verbs)                                        \
	const struct contender id = {                                          \
		.name = "linear " words,                                       \
		.rule = (words),                                               \
		.is_peer = true,                                               \
		.gauges_only = (on),                                           \
		.create = bitmap_create,                                       \
		.destroy = free,                                               \
		.replay = id##_replay,                                         \
		.occupy = bitmap_occupy,                                       \
	}

LINEAR(linear_first_fit, "first-fit", take_first, false);
LINEAR(linear_best_fit, "best-fit", take_best, false);
LINEAR(linear_first_align, "first-align", take_first_align, true);
LINEAR(linear_order_align, "order-align", take_order_align, true);
LINEAR(linear_cma, "cma", take_cma, false);
