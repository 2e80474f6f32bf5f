// SPDX-License-Identifier: MIT
//
// A trace on a whole board, through the door that Python uses.
#ifndef HK_BENCH_BOARD_H
#define HK_BENCH_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"

// `heapkit-bench board`: the loop of hk_machine_replay() in C, for comparison
// with the same call from Python. @heap is one of "first-fit", "best-fit",
// "cma" and "system". Prints JSON. -EINVAL, -ENOMEM.
int board_run(const struct bench_trace *trace, const char *heap,
	      uint32_t rounds, bool gauges);
// `heapkit-bench size`: what a board of the trace's size costs: time to make
// it, time an event, memory. Prints JSON. -EINVAL, -ENOMEM.
int board_size(const struct bench_trace *trace, const char *heap,
	       uint32_t rounds);

#endif
