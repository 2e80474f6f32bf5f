// SPDX-License-Identifier: MIT
#include "naive_bitmap.h"

#include <string.h>

void naive_clear(struct naive_bitmap *map, uint32_t bits)
{
	memset(map, 0, sizeof(*map));
	map->bits = bits;
}

void naive_parse(struct naive_bitmap *map, const char *text)
{
	naive_clear(map, (uint32_t)strlen(text));
	for (uint32_t bit = 0; bit < map->bits; bit++)
		map->used[bit] = text[bit] == '#';
}

void naive_set(struct naive_bitmap *map, uint32_t at, uint32_t n, bool used)
{
	memset(&map->used[at], used, n);
}

// The first bit at or after @bit that is @used, or the end.
static uint64_t next_bit(const struct naive_bitmap *map, uint64_t bit,
			 bool used)
{
	while (bit < map->bits && map->used[bit] != used)
		bit++;
	return bit;
}

uint64_t naive_find(const struct naive_bitmap *map, uint64_t start, uint64_t n,
		    uint64_t mask, uint64_t offset)
{
	for (;;) {
		uint64_t at = next_bit(map, start, false);
		uint64_t used;

		at = ((at + offset + mask) & ~mask) - offset;
		if (at + n > map->bits)
			return at + n;
		used = next_bit(map, at, true);
		if (used >= at + n)
			return at;
		start = used + 1;
	}
}

uint64_t naive_best(const struct naive_bitmap *map, uint64_t n)
{
	uint64_t best = map->bits;
	uint64_t best_length = UINT64_MAX;
	uint64_t at = naive_find(map, 0, n, 0, 0);

	while (at < map->bits) {
		uint64_t end = next_bit(map, at, true);

		if (end - at == n)
			return at;
		if (end - at < best_length) {
			best_length = end - at;
			best = at;
		}
		at = naive_find(map, end, n, 0, 0);
	}
	return best;
}

uint32_t naive_longest(const struct naive_bitmap *map)
{
	uint64_t longest = 0;
	uint64_t at = next_bit(map, 0, false);

	while (at < map->bits) {
		uint64_t end = next_bit(map, at, true);

		longest = end - at > longest ? end - at : longest;
		at = next_bit(map, end, false);
	}
	return (uint32_t)longest;
}

uint32_t naive_free(const struct naive_bitmap *map)
{
	uint32_t count = 0;

	for (uint32_t bit = 0; bit < map->bits; bit++)
		count += !map->used[bit];
	return count;
}
