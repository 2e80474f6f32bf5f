// SPDX-License-Identifier: MIT
//
// The state of a machine, spoiled here and there under a right sum: it is
// refused, or it is the state of a machine that keeps every invariant, says the
// same bytes again and can go on.
#include <string.h>

#include "board.h"
#include "harness.h"

enum { SUM_BYTES = 8, MAX_EDITS = 8 };

struct edit {
	uint16_t at;
	uint8_t kind;
	uint8_t value;
};

static uint64_t apply(const struct edit *edit, uint8_t *state, uint64_t size)
{
	uint8_t *at = &state[edit->at % size];
	const uint64_t behind = size - edit->at % size - 1;

	switch (edit->kind % 4) {
	case 0:
		*at = edit->value;
		return size;
	case 1:
		*at = (uint8_t)(*at + edit->value % 16 - 8);
		return size;
	case 2:
		memmove(at, at + 1, behind);
		return size > 1 ? size - 1 : size;
	default:
		memmove(at + 1, at, behind + 1);
		*at = edit->value;
		return size + 1;
	}
}

static uint64_t spoil(const struct edit *edits, uint32_t n, uint8_t *state,
		      uint64_t size)
{
	struct state_writer sum = {.capacity = SUM_BYTES};

	size -= SUM_BYTES;
	for (uint32_t i = 0; i < n; i++)
		size = apply(&edits[i], state, size);
	sum.bytes = &state[size];
	state_put_word(&sum, state_sum(state, size));
	return size + SUM_BYTES;
}

static void replay(struct hk_machine *machine, const struct hk_trace *trace,
		   uint64_t first)
{
	static struct hk_row rows[TRACE_EVENTS];
	struct hk_columns columns = {.row = rows};
	uint64_t done;
	const int ret = hk_machine_replay(machine, trace, first,
					  trace->n - first, &columns, 0, &done);

	CHECK(ret == 0 || ret == -EINVAL);
}

// What was accepted is a machine.
static void go_on(struct hk_machine *machine, const struct hk_trace *trace,
		  uint64_t first, const uint8_t *state, uint64_t size)
{
	static uint8_t again[STATE_BYTES];
	const char *rule;

	CHECK_EQ(hk_machine_check(machine, &rule), 0);
	CHECK_EQ(board_save(machine, again), size);
	CHECK(!memcmp(again, state, size));
	replay(machine, trace, first);
	CHECK_EQ(hk_machine_check(machine, &rule), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace trace;
	static uint8_t state[STATE_BYTES];
	struct bytes bytes = {data, size};
	struct edit edit[MAX_EDITS];
	const uint32_t n_edits = bytes_below(&bytes, MAX_EDITS + 1);
	struct hk_machine *machine;
	struct board board;
	uint64_t length;

	for (uint32_t i = 0; i < n_edits; i++)
		edit[i] = (struct edit){.at = bytes_u16(&bytes),
					.kind = bytes_u8(&bytes),
					.value = bytes_u8(&bytes)};
	board_read(&board, &bytes);
	machine = board_start(&board);
	if (!machine)
		return 0;
	trace_read(&trace, &bytes);
	replay(machine, &trace.columns, 0);
	length = spoil(edit, n_edits, state, board_save(machine, state));
	hk_machine_destroy(machine);

	machine = board_start(&board);
	if (hk_machine_load(machine, state, length) == 0)
		go_on(machine, &trace.columns, 0, state, length);
	else
		CHECK(n_edits > 0);
	hk_machine_destroy(machine);
	return 0;
}
