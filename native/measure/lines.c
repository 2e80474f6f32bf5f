// SPDX-License-Identifier: MIT
//
// x86-64: clflush is in every CPU, clwb asked for. arm64: Linux lets programs
// use DC CVAC and DC CIVAC (SCTLR_EL1.UCI), and traps and does them itself on
// a CPU with an erratum. Elsewhere nothing can be maintained.
#include "lines.h"

#include "measure.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

uint32_t hkm_line_bytes(void)
{
	uint32_t eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return 0;
	return (ebx >> 8 & 0xff) * 8;
}

void hkm_hypervisor(char *name)
{
	uint32_t eax, words[3] = {0}, ecx, edx;

	memset(name, 0, HKM_HYPERVISOR_BYTES);
	// Bit 31 is no CPU's own.
	if (__get_cpuid(1, &eax, words, &ecx, &edx) && ecx >> 31)
		__cpuid(0x40000000, eax, words[0], words[1], words[2]);
	else
		words[0] = 0;
	memcpy(name, words, sizeof(words));
}

bool lines_can_clean(void)
{
	uint32_t eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
	       ebx & bit_CLWB;
}

bool lines_can_flush(void)
{
	return true;
}

__attribute__((target("clwb"))) void lines_clean(uint8_t *from, uint64_t bytes,
						 uint32_t line)
{
	for (uint64_t at = 0; at < bytes; at += line)
		_mm_clwb(from + at);
	_mm_mfence();
}

void lines_flush(uint8_t *from, uint64_t bytes, uint32_t line)
{
	for (uint64_t at = 0; at < bytes; at += line)
		_mm_clflush(from + at);
	_mm_mfence();
}

#elif defined(__aarch64__)

uint32_t hkm_line_bytes(void)
{
	uint64_t type;

	__asm__ volatile("mrs %0, ctr_el0" : "=r"(type));
	return 4U << (type >> 16 & 0xf);
}

void hkm_hypervisor(char *name)
{
	memset(name, 0, HKM_HYPERVISOR_BYTES);
}

bool lines_can_clean(void)
{
	return true;
}

bool lines_can_flush(void)
{
	return true;
}

void lines_clean(uint8_t *from, uint64_t bytes, uint32_t line)
{
	for (uint64_t at = 0; at < bytes; at += line)
		__asm__ volatile("dc cvac, %0" : : "r"(from + at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

void lines_flush(uint8_t *from, uint64_t bytes, uint32_t line)
{
	for (uint64_t at = 0; at < bytes; at += line)
		__asm__ volatile("dc civac, %0" : : "r"(from + at) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

#else

uint32_t hkm_line_bytes(void)
{
	return 0;
}

void hkm_hypervisor(char *name)
{
	memset(name, 0, HKM_HYPERVISOR_BYTES);
}

bool lines_can_clean(void)
{
	return false;
}

bool lines_can_flush(void)
{
	return false;
}

void lines_clean(uint8_t *from, uint64_t bytes, uint32_t line)
{
	(void)from;
	(void)bytes;
	(void)line;
}

void lines_flush(uint8_t *from, uint64_t bytes, uint32_t line)
{
	(void)from;
	(void)bytes;
	(void)line;
}

#endif
