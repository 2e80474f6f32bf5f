// SPDX-License-Identifier: MIT
#include "state.h"

#include "heapkit.h"

enum {
	SHIFT = 7,
	MORE = 1 << SHIFT,
	MAX_BYTES = 10, // of a number
	WORD_BYTES = 8,
	PAGE_BITS = 64 - HK_PAGE_SHIFT, // of a page's number
};

static void put_byte(struct state_writer *out, uint8_t byte)
{
	if (out->size < out->capacity)
		out->bytes[out->size] = byte;
	out->size++;
}

static uint8_t *put_number(uint8_t *at, uint64_t value)
{
	while (value >= MORE) {
		*at++ = (uint8_t)(value | MORE);
		value >>= SHIFT;
	}
	*at++ = (uint8_t)value;
	return at;
}

void state_put(struct state_writer *out, uint64_t value)
{
	uint8_t number[MAX_BYTES], *end;

	if (out->capacity >= MAX_BYTES &&
	    out->size <= out->capacity - MAX_BYTES) {
		end = put_number(out->bytes + out->size, value);
		out->size = (uint64_t)(end - out->bytes);
		return;
	}
	end = put_number(number, value);
	for (const uint8_t *at = number; at < end; at++)
		put_byte(out, *at);
}

// 0, -1, 1, -2 … as 0, 1, 2, 3 …
void state_put_signed(struct state_writer *out, int64_t value)
{
	state_put(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void state_put_word(struct state_writer *out, uint64_t value)
{
	for (uint32_t i = 0; i < WORD_BYTES; i++)
		put_byte(out, (uint8_t)(value >> 8 * i));
}

void state_put_pages(struct state_writer *out, uint64_t address, uint64_t size)
{
	const uint64_t page = address >> HK_PAGE_SHIFT;
	const uint64_t pages = size >> HK_PAGE_SHIFT;

	state_put(out, pages);
	state_put_signed(out, (int64_t)(page - out->page));
	out->page = page + pages;
}

// Blocks of one order follow each other, so that the step is in such blocks.
void state_put_block(struct state_writer *out, uint64_t address, uint32_t order)
{
	const uint64_t page = address >> HK_PAGE_SHIFT;

	state_put_signed(out,
			 (int64_t)((page >> order) - (out->page >> order)));
	out->page = page;
}

static uint64_t refuse(struct state_reader *in)
{
	in->bad = true;
	in->at = in->end;
	return 0;
}

static uint64_t get_long(struct state_reader *in)
{
	uint64_t value = 0;

	for (uint32_t shift = 0; in->at < in->end; shift += SHIFT) {
		const uint8_t byte = *in->at++;

		if (shift == 9 * SHIFT && byte > 1) // a 65th bit
			break;
		value |= (uint64_t)(byte & (MORE - 1)) << shift;
		if (byte >= MORE)
			continue;
		// One number has one spelling.
		return byte || !shift ? value : refuse(in);
	}
	return refuse(in);
}

uint64_t state_get(struct state_reader *in)
{
	if (in->at < in->end && *in->at < MORE)
		return *in->at++;
	return get_long(in);
}

int64_t state_get_signed(struct state_reader *in)
{
	const uint64_t value = state_get(in);

	return (int64_t)(value >> 1 ^ -(value & 1));
}

static uint64_t word_at(const uint8_t *bytes, uint64_t n)
{
	uint64_t word = 0;

	for (uint64_t i = 0; i < n; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	return word;
}

uint64_t state_get_word(struct state_reader *in)
{
	if (in->end - in->at < WORD_BYTES)
		return refuse(in);
	in->at += WORD_BYTES;
	return word_at(in->at - WORD_BYTES, WORD_BYTES);
}

uint32_t state_get_below(struct state_reader *in, uint64_t bound)
{
	const uint64_t value = state_get(in);

	return (uint32_t)(value < bound && value <= UINT32_MAX ? value
							       : refuse(in));
}

uint32_t state_get_count(struct state_reader *in)
{
	const uint32_t count = state_get_below(in, UINT32_MAX);

	if (count > (uint64_t)(in->end - in->at))
		return (uint32_t)refuse(in);
	return count;
}

void state_get_pages(struct state_reader *in, uint64_t *address, uint64_t *size)
{
	const uint64_t pages = state_get(in);
	const uint64_t page = in->page + (uint64_t)state_get_signed(in);

	if (!pages || page >> PAGE_BITS ||
	    pages > (UINT64_C(1) << PAGE_BITS) - page)
		refuse(in);
	*address = page << HK_PAGE_SHIFT;
	*size = pages << HK_PAGE_SHIFT;
	in->page = page + pages;
}

uint64_t state_get_block(struct state_reader *in, uint32_t order)
{
	const uint64_t number =
		(in->page >> order) + (uint64_t)state_get_signed(in);
	const uint64_t page = number << order;

	if (page >> order != number || page >> PAGE_BITS)
		return refuse(in);
	in->page = page;
	return page << HK_PAGE_SHIFT;
}

// One-to-one in the sum and in the word. The multiplier is that of
// MurmurHash3's 64-bit finalizer.
uint64_t state_mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return sum ^ sum >> 32;
}

uint64_t state_sum(const uint8_t *bytes, uint64_t size)
{
	uint64_t sum = size;
	uint64_t i;

	for (i = 0; size - i >= WORD_BYTES; i += WORD_BYTES)
		sum = state_mix(sum, word_at(bytes + i, WORD_BYTES));
	return state_mix(sum, word_at(bytes + i, size - i));
}
