// SPDX-License-Identifier: MIT
// The clock: RAW, which no time daemon speeds up or slows down.
#ifndef HKM_CLOCK_H
#define HKM_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
