// SPDX-License-Identifier: MIT
//
// Open addressing with linear probing; removal shifts back what follows, so
// that no tombstones gather in a map that is used for hours (Knuth, TAOCP
// 3, 6.4, algorithm R).

#include "id_map.h"

#include "broken.h"
#include "internal.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 64 };

// The finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA 2014): ids are
// often consecutive, or addresses, and only their high bits differ.
static uint32_t id_hash(uint64_t id)
{
	id = (id ^ id >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	id = (id ^ id >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(id >> 32);
}

int id_map_init(struct id_map *map)
{
	*map = (struct id_map){.spare = ID_NONE, .mask = FIRST_BUCKETS - 1};
	map->bucket = calloc(FIRST_BUCKETS, sizeof(*map->bucket));
	return map->bucket ? 0 : OUT_OF_CORE;
}

void id_map_destroy(struct id_map *map)
{
	free(map->bucket);
	free(map->slot);
}

// Where @id is, or the empty bucket where it would be.
static uint32_t probe(const struct id_map *map, uint64_t id)
{
	uint32_t at = id_hash(id) & map->mask;

	while (map->bucket[at] && map->slot[map->bucket[at] - 1].id != id)
		at = (at + 1) & map->mask;
	return at;
}

uint32_t id_map_find(const struct id_map *map, uint64_t id)
{
	const uint32_t found = map->bucket[probe(map, id)];

	return found ? found - 1 : ID_NONE;
}

static int reserve_slot(struct id_map *map)
{
	const uint32_t wanted = map->capacity ? 2 * map->capacity : 32;
	struct id_slot *slot;

	if (map->spare != ID_NONE || map->n_slots < map->capacity)
		return 0;
	// A quarter of what 32 bits count: a bucket array must be twice that.
	if (map->capacity > UINT32_MAX / 8)
		return OUT_OF_CORE;
	slot = realloc(map->slot, wanted * sizeof(*slot));
	if (!slot)
		return OUT_OF_CORE;
	map->slot = slot;
	map->capacity = wanted;
	return 0;
}

static int reserve_bucket(struct id_map *map)
{
	const uint32_t wanted = 2 * (map->mask + 1);
	uint32_t *bucket;

	if (map->held < wanted / 4)
		return 0;
	bucket = calloc(wanted, sizeof(*bucket));
	if (!bucket)
		return OUT_OF_CORE;
	free(map->bucket);
	map->bucket = bucket;
	map->mask = wanted - 1;
	for (uint32_t i = 0; i < map->n_slots; i++)
		if (map->slot[i].next == ID_HELD)
			bucket[probe(map, map->slot[i].id)] = i + 1;
	return 0;
}

int id_map_add(struct id_map *map, uint64_t id, uint32_t *number)
{
	if (reserve_slot(map) || reserve_bucket(map))
		return OUT_OF_CORE;
	if (map->spare != ID_NONE) {
		*number = map->spare;
		map->spare = map->slot[*number].next;
	} else {
		*number = map->n_slots++;
	}
	map->slot[*number] = (struct id_slot){.id = id, .next = ID_HELD};
	map->bucket[probe(map, id)] = *number + 1;
	map->held++;
	return 0;
}

void id_map_remove(struct id_map *map, uint64_t id)
{
	uint32_t hole = probe(map, id);
	const uint32_t number = map->bucket[hole] - 1;

	for (uint32_t at = (hole + 1) & map->mask; map->bucket[at];
	     at = (at + 1) & map->mask) {
		const uint64_t other = map->slot[map->bucket[at] - 1].id;
		const uint32_t home = id_hash(other) & map->mask;

		// It may move to the hole unless its home lies between them.
		if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
			map->bucket[hole] = map->bucket[at];
			hole = at;
		}
	}
	map->bucket[hole] = 0;
	map->slot[number].next = map->spare;
	map->spare = number;
	map->held--;
}

int id_map_check(const struct id_map *map, const char **rule)
{
	uint32_t held = 0, spare = 0;

	for (uint32_t i = 0; i < map->n_slots; i++) {
		if (map->slot[i].next != ID_HELD)
			continue;
		held++;
		if (id_map_find(map, map->slot[i].id) != i)
			return broken(rule,
				      "an id has the number it is found by");
	}
	for (uint32_t i = map->spare; i != ID_NONE; i = map->slot[i].next)
		if (i >= map->n_slots || map->slot[i].next == ID_HELD ||
		    ++spare > map->n_slots)
			return broken(rule, "what is spare is not held");
	if (held != map->held || held + spare != map->n_slots)
		return broken(rule, "a number is either held or spare");
	for (uint32_t i = 0; i <= map->mask; i++)
		held -= map->bucket[i] != 0;
	return held ? broken(rule, "a bucket for each id, and no other") : 0;
}
