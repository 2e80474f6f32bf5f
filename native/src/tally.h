// SPDX-License-Identifier: MIT
//
// A run of any length, counted in the caller's arrays.
#ifndef HK_TALLY_H
#define HK_TALLY_H

#include "intake.h"

// An event that was carried out, and what it did.
struct deed {
	const struct hk_trace *part;
	uint64_t i; // of the event in @part
	uint64_t event; // counted from the start of the trace
	uint64_t id; // of its buffer in the trace
	uint32_t number; // and in the machine
	const struct hk_row *row;
	const struct hk_gauges *gauges;
};

// The bin of a latency in its histogram, see struct hk_op_tally.
uint32_t tally_bin(uint64_t latency_ns);
// 0, or -EINVAL for one that is not for @n_heaps heaps.
int tally_door(const struct hk_tally *tally, uint32_t n_heaps);
void tally_add(struct hk_tally *tally, struct hk_intake *intake,
	       const struct deed *deed);

#endif
