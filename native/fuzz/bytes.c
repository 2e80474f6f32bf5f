// SPDX-License-Identifier: MIT
#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness.h"
#include "run_index_internal.h"

uint8_t bytes_u8(struct bytes *bytes)
{
	if (!bytes->left)
		return 0;
	bytes->left--;
	return *bytes->at++;
}

uint16_t bytes_u16(struct bytes *bytes)
{
	const uint16_t low = bytes_u8(bytes);

	return (uint16_t)(low | bytes_u8(bytes) << 8);
}

uint64_t bytes_u64(struct bytes *bytes)
{
	uint64_t value = 0;

	for (uint32_t shift = 0; shift < 64; shift += 8)
		value |= (uint64_t)bytes_u8(bytes) << shift;
	return value;
}

uint32_t bytes_below(struct bytes *bytes, uint32_t n)
{
	return bytes_u8(bytes) % n;
}

uint64_t bytes_size(struct bytes *bytes)
{
	const uint64_t power = UINT64_C(1) << bytes_below(bytes, 64);

	return power + bytes_below(bytes, 16) - 8;
}

static bool is_portable;

void fuzz_portable(bool portable)
{
	is_portable = portable;
}

const struct run_index_code *__real_run_index_best_code(void);
const struct run_index_code *__wrap_run_index_best_code(void);

const struct run_index_code *__wrap_run_index_best_code(void)
{
	return is_portable ? &run_index_portable : __real_run_index_best_code();
}

// What the harness of the C tests does for CHECK(): here a finding.
void test_fail(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, text);
	abort();
}

void test_fail_numbers(const char *file, int line, const char *text,
		       uint64_t actual, uint64_t expected)
{
	fprintf(stderr, "%s:%d: %s: %llu, not %llu\n", file, line, text,
		(unsigned long long)actual, (unsigned long long)expected);
	abort();
}

// splitmix64, as in the harness: the pairs draw answers from it.
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(((rng_next(rng) >> 32) * n) >> 32);
}
