// SPDX-License-Identifier: MIT
#include "memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static uint64_t reserved;

void *__wrap_malloc(size_t size)
{
	void *memory = __real_malloc(size);

	reserved += malloc_usable_size(memory);
	return memory;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *memory = __real_calloc(n, size);

	reserved += malloc_usable_size(memory);
	return memory;
}

void *__wrap_realloc(void *memory, size_t size)
{
	uint64_t before = malloc_usable_size(memory);
	void *moved = __real_realloc(memory, size);

	if (moved)
		reserved += malloc_usable_size(moved) - before;
	return moved;
}

void __wrap_free(void *memory)
{
	reserved -= malloc_usable_size(memory);
	__real_free(memory);
}

uint64_t memory_reserved(void)
{
	return reserved;
}

uint64_t memory_resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long pages = 0;

	if (file) {
		if (fscanf(file, "%*u %llu", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt;
}
