// SPDX-License-Identifier: MIT
#include "board.h"

#include <string.h>

#include "harness.h"

// An area that has more than half of the memory, so that loads borrow from it
// at once; as many loads as a chain may name heaps.
static void read_lending(struct board *board, struct bytes *bytes)
{
	static const uint32_t movable[] = {0, HK_HEAP_CLEAN, HK_HEAP_DIRTY,
					   HK_HEAP_PINNED};
	struct hk_heap_spec *area = &board->heap[0];

	board->spec.memory = (struct hk_memory_spec){.total = 6 << 20};
	board->spec.n_heaps = BOARD_HEAPS;
	*area = (struct hk_heap_spec){
		.kind = HK_HEAP_CMA,
		.base = 2 << 20,
		.size = 4 << 20,
	};
	area->granule = (uint64_t)PAGE_BYTES << bytes_below(bytes, 3);
	area->alignment_order = bytes_below(bytes, 10);
	area->flags = bytes_below(bytes, 3) ? 0 : HK_HEAP_DISCARD;
	if (bytes_below(bytes, 2))
		area->chunk = area->granule << bytes_below(bytes, 5);
	for (uint32_t i = 1; i < BOARD_HEAPS; i++) {
		board->heap[i] = (struct hk_heap_spec){
			.kind = HK_HEAP_PAGES,
			.n_orders = 1,
			.migratetype = HK_MIGRATE_MOVABLE,
		};
		board->heap[i].mapcount = bytes_below(bytes, 4);
		board->heap[i].flags = movable[bytes_below(bytes, 4)];
	}
}

// Costs that a program could have measured; now and then any bits at all.
static void read_costs(struct hk_costs *costs, struct bytes *bytes)
{
	double *each = (double *)costs;

	for (size_t i = 0; i < sizeof(*costs) / sizeof(*each); i++)
		each[i] = 3.5 * (double)(i + 1);
	costs->line_bytes = 64;
	if (bytes_below(bytes, 16) == 0) {
		const uint64_t bits = bytes_u64(bytes);
		const uint32_t which =
			bytes_below(bytes, sizeof(*costs) / sizeof(*each));

		memcpy(&each[which], &bits, sizeof(bits));
	}
}

// One number somewhere in the board is any number.
static void spoil(struct board *board, struct bytes *bytes)
{
	const uint64_t value = bytes_size(bytes);
	uint64_t *words = (uint64_t *)board->heap;
	const size_t n = sizeof(board->heap[0]) / sizeof(*words);

	switch (bytes_below(bytes, 8)) {
	case 0:
		board->spec.memory.base = value;
		break;
	case 1:
		board->spec.memory.total = value;
		break;
	case 2:
		board->spec.memory.min_free = value;
		break;
	case 3:
		board->spec.n_heaps = (uint32_t)value;
		break;
	default:
		words[bytes_u16(bytes) % (n * BOARD_HEAPS)] = value;
	}
}

void board_read(struct board *board, struct bytes *bytes)
{
	struct hk_machine_spec *spec = &board->spec;

	memset(board, 0, sizeof(*board));
	spec->heap = board->heap;
	spec->device = board->device;
	spec->memory.base = (uint64_t)PAGE_BYTES * bytes_below(bytes, 3) << 8;
	spec->memory.total = (uint64_t)STEP * bytes_u16(bytes) % MAX_MEMORY;
	spec->memory.min_free = (uint64_t)PAGE_BYTES * bytes_u8(bytes);
	spec->n_heaps = bytes_below(bytes, BOARD_HEAPS + 1);
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		board_read_heap(&board->heap[i], bytes);
	if (bytes_below(bytes, 3) == 0)
		read_lending(board, bytes);
	spec->seed = bytes_u8(bytes);
	spec->n_devices = bytes_below(bytes, BOARD_DEVICES + 1);
	board->device[1].coherent = 1;
	read_costs(&spec->costs, bytes);
	if (bytes_below(bytes, 4) == 0)
		spoil(board, bytes);
}

static bool is_small(const struct hk_machine_spec *spec)
{
	if (spec->memory.total > MAX_MEMORY)
		return false;
	for (uint32_t i = 0; i < spec->n_heaps; i++)
		if (spec->heap[i].size > MAX_MEMORY)
			return false;
	return true;
}

struct hk_machine *board_start(const struct board *board)
{
	struct hk_machine *machine = NULL;
	const char *rule = NULL;

	if (board->spec.n_heaps > BOARD_HEAPS &&
	    board->spec.n_heaps <= HK_MAX_HEAPS)
		return NULL; // the array is not that long
	if (machine_spec_check(&board->spec) == 0 && !is_small(&board->spec))
		return NULL;
	if (hk_machine_create(&board->spec, &machine))
		return NULL;
	CHECK_EQ(hk_machine_check(machine, &rule), 0);
	return machine;
}

uint64_t board_save(const struct hk_machine *machine, uint8_t *bytes)
{
	uint64_t size;

	CHECK_EQ(hk_machine_save(machine, bytes, STATE_BYTES, &size), 0);
	return size;
}

static void read_chains(struct trace *trace, struct bytes *bytes)
{
	const uint32_t n = 1 + bytes_below(bytes, 7);
	uint32_t end = 0;

	for (uint32_t i = 0; i < 16; i++)
		trace->chain_heap[i] =
			(uint16_t)bytes_below(bytes, BOARD_HEAPS);
	for (uint32_t c = 0; c < n; c++) {
		trace->chain_start[c] = end;
		end += bytes_below(bytes, 4);
		end = end > 16 ? 16 : end;
	}
	trace->chain_start[n] = end;
	trace->columns.n_chains = n;
}

enum {
	FIRST_OPS = HK_OP_PRESSURE + 1,
	N_OPS = FIRST_OPS + HK_NR_OPS - HK_OP_CPU_READ,
};

// Mostly an op there is.
static uint8_t op_of(uint8_t n)
{
	return n < FIRST_OPS ? n : n - FIRST_OPS + HK_OP_CPU_READ;
}

static void read_event(struct trace *trace, struct bytes *bytes)
{
	const uint64_t i = trace->columns.n++;
	const uint8_t kind = bytes_u8(bytes);
	const int64_t before = i ? trace->time_ns[i - 1] : 0;

	trace->op[i] = kind < 250 ? op_of(kind % N_OPS) : kind;
	trace->buffer[i] = bytes_below(bytes, 17);
	trace->chain[i] = (uint16_t)bytes_below(bytes, 8);
	trace->size[i] = bytes_u16(bytes);
	if (trace->op[i] == HK_OP_ALLOC || trace->op[i] == HK_OP_PRESSURE)
		trace->size[i] <<= bytes_below(bytes, 12);
	trace->device[i] = (uint16_t)bytes_below(bytes, 3);
	trace->access[i] = (uint8_t)bytes_below(bytes, 5);
	trace->offset[i] = bytes_u16(bytes) * (kind & 1U);
	// Into the future, but for one in 64; at the end of time it wraps.
	trace->time_ns[i] =
		(int64_t)((uint64_t)before + ((uint64_t)bytes_u8(bytes)
					      << bytes_below(bytes, 20)));
	if (bytes_below(bytes, 64) == 63)
		trace->time_ns[i] = (int64_t)bytes_size(bytes);
}

void trace_read(struct trace *trace, struct bytes *bytes)
{
	memset(trace, 0, sizeof(*trace));
	read_chains(trace, bytes);
	trace->columns.op = trace->op;
	trace->columns.buffer = trace->buffer;
	trace->columns.size = trace->size;
	trace->columns.chain = trace->chain;
	trace->columns.time_ns = trace->time_ns;
	trace->columns.chain_start = trace->chain_start;
	trace->columns.chain_heap = trace->chain_heap;
	trace->columns.n_buffers = 1 + bytes_below(bytes, 17);
	trace->columns.n_devices = 1 + bytes_below(bytes, 3);
	trace->columns.device = bytes_below(bytes, 4) ? trace->device : NULL;
	trace->columns.access = bytes_below(bytes, 4) ? trace->access : NULL;
	trace->columns.offset = bytes_below(bytes, 4) ? trace->offset : NULL;
	while (bytes->left && trace->columns.n < TRACE_EVENTS)
		read_event(trace, bytes);
}
