// SPDX-License-Identifier: MIT
// An area of this process's memory: its blocks are zeroed, read, flushed.
#include "measure.h"

#include "clock.h"
#include "lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE UINT64_C(4096)
// Odd, so that it visits all blocks of a power of two; far from any stride that
// a prefetcher follows (Knuth's 2^32 over the golden ratio).
#define STRIDE UINT64_C(0x9e3779b1)

struct hkm_area {
	uint64_t bytes;
	uint64_t visits;
	uint32_t line; // of the cache
	uint8_t *memory;
};

static bool power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

int hkm_area_create(uint64_t bytes, struct hkm_area **ret)
{
	struct hkm_area *area;
	void *memory;

	if (!power_of_two(bytes) || bytes < PAGE)
		return -EINVAL;
	area = malloc(sizeof(*area));
	if (!area)
		return -ENOMEM;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		goto free_area;
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 1, bytes);
	*area = (struct hkm_area){
		.bytes = bytes, .line = hkm_line_bytes(), .memory = memory};
	*ret = area;
	return 0;

free_area:
	free(area);
	return -ENOMEM;
}

void hkm_area_destroy(struct hkm_area *area)
{
	if (!area)
		return;
	munmap(area->memory, area->bytes);
	free(area);
}

// --- What is done with a block --------------------------------------------

// rep stosb is what clear_page() comes to on x86-64 CPUs that have ERMS (Linux
// arch/x86/lib/clear_page_64.S); elsewhere the C library knows best (arm64: DC
// ZVA, as clear_page() uses).
static void zero(uint8_t *block, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += PAGE) {
#if defined(__x86_64__)
		void *to = block + at;
		uint64_t n = PAGE;

		__asm__ volatile("rep stosb"
				 : "+D"(to), "+c"(n)
				 : "a"(0)
				 : "memory");
#else
		memset(block + at, 0, PAGE);
		__asm__ volatile("" : : "r"(block) : "memory");
#endif
	}
}

static void read_all(const uint8_t *block, uint64_t bytes)
{
	const uint64_t *const words = (const uint64_t *)(const void *)block;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < bytes / sizeof(*words); i++)
		sum += words[i];
	__asm__ volatile("" : : "r"(sum));
}

static void write_all(uint8_t *block, uint64_t bytes)
{
	uint64_t *const words = (uint64_t *)(void *)block;

	for (uint64_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = i | 1;
	__asm__ volatile("" : : "r"(words) : "memory");
}

static uint8_t *next_block(struct hkm_area *area, uint64_t block)
{
	const uint64_t n = area->bytes / block;

	return area->memory + (area->visits++ * STRIDE & (n - 1)) * block;
}

// Before the clock starts: lines that are in the cache, clean or dirty.
static void prepare(int32_t work, uint8_t *block, uint64_t bytes, uint32_t line)
{
	if (work == HKM_CLEAN_DIRTY || work == HKM_FLUSH_DIRTY)
		write_all(block, bytes);
	if (work == HKM_CLEAN || work == HKM_FLUSH) {
		lines_flush(block, bytes, line);
		read_all(block, bytes);
	}
}

static void carry_out(int32_t work, uint8_t *block, const uint8_t *other,
		      uint64_t bytes, uint32_t line)
{
	switch (work) {
	case HKM_ZERO:
		zero(block, bytes);
		break;
	case HKM_READ:
		read_all(block, bytes);
		break;
	case HKM_WRITE:
		write_all(block, bytes);
		break;
	case HKM_COPY:
		memcpy(block, other, bytes);
		__asm__ volatile("" : : "r"(block) : "memory");
		break;
	case HKM_CLEAN:
	case HKM_CLEAN_DIRTY:
		lines_clean(block, bytes, line);
		break;
	default:
		lines_flush(block, bytes, line);
	}
}

static int check(const struct hkm_area *area, int32_t work, uint64_t block)
{
	if (work < HKM_ZERO || work > HKM_FLUSH_DIRTY)
		return -EINVAL;
	if (!power_of_two(block) || block < PAGE || block > area->bytes / 2)
		return -EINVAL;
	if (work < HKM_CLEAN)
		return 0;
	if (!area->line || !lines_can_flush())
		return -EOPNOTSUPP;
	return work < HKM_FLUSH && !lines_can_clean() ? -EOPNOTSUPP : 0;
}

int hkm_area_work(struct hkm_area *area, int32_t work, uint64_t block,
		  uint32_t count, int64_t *ns)
{
	const int ret = check(area, work, block);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *const other = next_block(area, block);
		uint8_t *const mine = next_block(area, block);
		int64_t start;

		prepare(work, mine, block, area->line);
		start = now_ns();
		carry_out(work, mine, other, block, area->line);
		ns[i] = now_ns() - start;
	}
	return 0;
}
