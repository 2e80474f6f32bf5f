// SPDX-License-Identifier: MIT
//
// Contenders in interleaved rounds on one trace.
//
//   window   events after the warm-up that are timed
//   warm-up  the first quarter of the trace, untimed
//
// Every replay of a contender begins with the warm-up on a new heap. A peer's
// heap is instead brought to the very state that heapkit's of the same rule has
// then, for a linear scan would take minutes. A peer's window is what it does
// in a limited time; heapkit's clock is read where each peer's window ends, so
// that a ratio compares the same events from the same state. Over that window
// both have to write the same records.
#ifndef HK_BENCH_ROUNDS_H
#define HK_BENCH_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "contender.h"

struct round_options {
	uint32_t rounds;
	double window_ns; // for a peer
	uint64_t window_events; // for a peer; 0: as many as the time allows
	const char *only; // words, one of which is in a contender's name
};

// Measure and print JSON. 0; -EUCLEAN: a placement or a gauge differs or an
// invariant is broken, said on stderr; -ENOMEM.
int rounds_run(const struct bench_trace *trace,
	       const struct round_options *options);

#endif
