// SPDX-License-Identifier: MIT
//
// Which build of the hot code a new index uses.
#include "run_index_internal.h"

#ifdef __x86_64__
#include <cpuid.h>

// What CMakeLists.txt compiles run_index_avx2.c for. LZCNT is asked for by
// hand, because not every clang knows its name; where it is missing, the
// instruction means another.
static bool has_avx2(void)
{
	unsigned int eax, ebx, ecx = 0, edx;

	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") &&
	       __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) &&
	       ecx & bit_LZCNT;
}
#endif

const struct run_index_code *run_index_best_code(void)
{
#ifdef __x86_64__
	if (has_avx2())
		return &run_index_avx2;
#endif
	return &run_index_portable;
}
