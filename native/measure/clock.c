// SPDX-License-Identifier: MIT
// How fine the clock is. Without a counter of the CPU's Linux may have nothing
// but its ticks, which are milliseconds.
#include "clock.h"

#include "measure.h"

void hkm_clock(uint32_t count, int64_t *ns)
{
	for (uint32_t i = 0; i < count; i++) {
		const int64_t start = now_ns();

		do
			ns[i] = now_ns() - start;
		while (!ns[i]);
	}
}
