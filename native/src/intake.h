// SPDX-License-Identifier: MIT
//
// What is known of a trace whose parts before are gone.
#ifndef HK_INTAKE_H
#define HK_INTAKE_H

#include "heapkit.h"
#include "id_map.h"

struct hk_intake {
	struct id_map ids;
	uint64_t *held; // by number: bytes that the buffer's heap gave, tally.c
	// By number: references beyond the first, as they were taken in, and as
	// tally.c has counted them, which is a block behind.
	uint32_t *shared;
	uint32_t *counted;
	uint32_t n_held;
	uint64_t events;
	int64_t time_ns; // of the last event
};

#endif
