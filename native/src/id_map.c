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

static int reserve_slots(struct id_map *map, uint32_t n_slots)
{
	uint32_t wanted = map->capacity ? 2 * map->capacity : 32;
	struct id_slot *slot;

	if (n_slots <= map->capacity)
		return 0;
	if (wanted < n_slots)
		wanted = n_slots;
	// A quarter of what 32 bits count: a bucket array must be twice that.
	if (wanted > UINT32_MAX / 4)
		return OUT_OF_CORE;
	slot = realloc(map->slot, wanted * sizeof(*slot));
	if (!slot)
		return OUT_OF_CORE;
	map->slot = slot;
	map->capacity = wanted;
	return 0;
}

// Room for @held ids at half full.
static int reserve_buckets(struct id_map *map, uint32_t held)
{
	uint32_t wanted = map->mask + 1;
	uint32_t *bucket;

	while (held > wanted / 2)
		wanted *= 2;
	if (wanted == map->mask + 1)
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
	if ((map->spare == ID_NONE && reserve_slots(map, map->n_slots + 1)) ||
	    reserve_buckets(map, map->held + 1))
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

// --- As bytes ---

void id_map_save(const struct id_map *map, struct state_writer *out)
{
	state_put(out, map->n_slots);
	for (uint32_t i = 0; i < map->n_slots; i++) {
		const bool held = map->slot[i].next == ID_HELD;

		state_put(out, held);
		if (held)
			state_put(out, map->slot[i].id);
	}
	for (uint32_t i = map->spare; i != ID_NONE; i = map->slot[i].next)
		state_put(out, i);
}

static void load_slots(struct id_map *map, uint32_t n_slots,
		       struct state_reader *in)
{
	for (uint32_t i = 0; i < n_slots; i++) {
		map->slot[i] = (struct id_slot){.next = ID_NONE};
		if (!state_get_below(in, 2))
			continue;
		map->slot[i].id = state_get(in);
		map->slot[i].next = ID_HELD;
		map->held++;
	}
}

// Each once: the last is known by its end, another by the one after it.
static void load_spare(struct id_map *map, struct state_reader *in)
{
	uint32_t *next = &map->spare;

	for (uint32_t n = map->n_slots - map->held; n; n--) {
		const uint32_t i = state_get_below(in, map->n_slots);

		if (in->bad || map->slot[i].next != ID_NONE ||
		    next == &map->slot[i].next) {
			in->bad = true;
			return;
		}
		*next = i;
		next = &map->slot[i].next;
	}
}

static void load_buckets(struct id_map *map, struct state_reader *in)
{
	for (uint32_t i = 0; i < map->n_slots && !in->bad; i++) {
		uint32_t *bucket;

		if (map->slot[i].next != ID_HELD)
			continue;
		bucket = &map->bucket[probe(map, map->slot[i].id)];
		in->bad = *bucket != 0;
		*bucket = i + 1;
	}
}

int id_map_load(struct id_map *map, struct state_reader *in)
{
	const uint32_t n_slots = state_get_count(in);

	if (reserve_slots(map, n_slots))
		return OUT_OF_CORE;
	load_slots(map, n_slots, in);
	// Before there are slots whose ids it would put into new buckets.
	if (reserve_buckets(map, map->held))
		return OUT_OF_CORE;
	map->n_slots = n_slots;
	load_spare(map, in);
	load_buckets(map, in);
	return in->bad ? -EINVAL : 0;
}
