// SPDX-License-Identifier: MIT
//
// A machine's state as bytes: a bounded writer and a reader that believes
// nothing. Numbers are written seven bits to a byte, the lowest first and in no
// more bytes than they need, so that equal machines have equal bytes and small
// numbers are short.
#ifndef HK_STATE_H
#define HK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "claim.h"

struct state_writer {
	uint8_t *bytes;
	uint64_t capacity;
	uint64_t size; // may exceed capacity
	uint64_t page; // where the last pages written end
};

struct state_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad; // once set, every number reads as 0
	uint64_t page;
	struct claim memory; // pages of the zone that were read so far
	struct claim *region; // by heap: the same of one that will settle
};

void state_put(struct state_writer *out, uint64_t value);
void state_put_signed(struct state_writer *out, int64_t value);
// Eight bytes, the lowest first.
void state_put_word(struct state_writer *out, uint64_t value);
// A run of whole pages, short if it lies near the one before it.
void state_put_pages(struct state_writer *out, uint64_t address, uint64_t size);

// A naturally aligned block of 2^@order pages.
void state_put_block(struct state_writer *out, uint64_t address,
		     uint32_t order);

uint64_t state_get(struct state_reader *in);
int64_t state_get_signed(struct state_reader *in);
uint64_t state_get_word(struct state_reader *in);
// A number below @bound; else the reader is bad and 0 is returned.
uint32_t state_get_below(struct state_reader *in, uint64_t bound);
// How many things follow, each of at least one byte: no state makes its reader
// ask for more memory than it is long itself.
uint32_t state_get_count(struct state_reader *in);
// Never empty, never beyond 2^64 bytes.
void state_get_pages(struct state_reader *in, uint64_t *address,
		     uint64_t *size);

uint64_t state_get_block(struct state_reader *in, uint32_t order);

// Goes on from @sum; another word gives another sum.
uint64_t state_mix(uint64_t sum, uint64_t word);
// Another if a single word of the bytes is.
uint64_t state_sum(const uint8_t *bytes, uint64_t size);

#endif
