// SPDX-License-Identifier: MIT
//
// What the process holds: the program is linked so that its allocations are
// counted.
#ifndef HK_BENCH_MEMORY_H
#define HK_BENCH_MEMORY_H

#include <stdint.h>

uint64_t memory_reserved(void); // bytes of living allocations
uint64_t memory_resident(void); // bytes that lie in real memory
uint64_t memory_faults(void); // pages used for the first time until now

#endif
