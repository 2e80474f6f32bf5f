// SPDX-License-Identifier: MIT
//
// From the arbitrary ids in a trace to a number for each buffer that is held
// now. A number is used again after its buffer, so that memory follows the most
// buffers held at once and not the length of the trace.
#ifndef HK_ID_MAP_H
#define HK_ID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

enum {
	ID_NONE = UINT32_MAX, // no number; also the end of the free list
	ID_HELD = UINT32_MAX - 1, // id_slot.next of a number that is in use
};

struct id_slot {
	uint64_t id;
	uint32_t next; // the next number to use again
};

struct id_map {
	struct id_slot *slot; // by number
	uint32_t n_slots; // numbers ever used at once
	uint32_t capacity;
	uint32_t spare; // the number to use next, if any was given back
	uint32_t held;
	uint32_t *bucket; // number + 1; 0: empty. Linear probing
	uint32_t mask; // buckets - 1: a power of two, at most half full
};

// OUT_OF_CORE.
int id_map_init(struct id_map *map);
void id_map_destroy(struct id_map *map);
// The number of @id, or ID_NONE.
uint32_t id_map_find(const struct id_map *map, uint64_t id);
// A number for @id, which has none. OUT_OF_CORE with nothing changed.
int id_map_add(struct id_map *map, uint64_t id, uint32_t *number);
// Of an id that has a number.
void id_map_remove(struct id_map *map, uint64_t id);
int id_map_check(const struct id_map *map, const char **rule);
void id_map_save(const struct id_map *map, struct state_writer *out);
// Into an empty map. OUT_OF_CORE; -EINVAL for what was not written so.
int id_map_load(struct id_map *map, struct state_reader *in);

#endif
