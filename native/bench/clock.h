// SPDX-License-Identifier: MIT
#ifndef HK_BENCH_CLOCK_H
#define HK_BENCH_CLOCK_H

#include <time.h>

// CPU time of this thread: other programs on the machine take wall time away,
// and caches, but not this.
static inline double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

#endif
