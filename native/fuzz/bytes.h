// SPDX-License-Identifier: MIT
//
// A fuzzer's input, read piece by piece. Beyond its end there are zeros.
#ifndef HK_FUZZ_BYTES_H
#define HK_FUZZ_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t left;
};

uint8_t bytes_u8(struct bytes *bytes);
uint16_t bytes_u16(struct bytes *bytes);
uint64_t bytes_u64(struct bytes *bytes);
// 0 … @n - 1, from one byte.
uint32_t bytes_below(struct bytes *bytes, uint32_t n);
// Any power of two, and what is near it: 0, 1, …, 2^63, 2^64 - 1.
uint64_t bytes_size(struct bytes *bytes);

// Whether what is created from now on uses no code for some CPUs alone.
void fuzz_portable(bool portable);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
