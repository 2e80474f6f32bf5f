// SPDX-License-Identifier: MIT
#include "board.h"

#include <string.h>

#include "harness.h"

enum { STEP = 64 << 10, MAX_MEMORY = 64 << 20 };

static void read_orders(struct hk_heap_spec *heap, struct bytes *bytes)
{
	static const uint32_t mainline[] = {8, 4, 0};

	heap->n_orders = 3;
	memcpy(heap->order, mainline, sizeof(mainline));
	if (bytes_below(bytes, 4) == 0) {
		heap->n_orders = bytes_below(bytes, HK_MAX_ORDERS + 2);
		for (uint32_t i = 0; i < HK_MAX_ORDERS; i++)
			heap->order[i] = bytes_below(bytes, 13);
	}
	for (uint32_t i = 0; i < 3; i++) {
		heap->pool_fill[i] = (uint64_t)STEP * bytes_below(bytes, 40);
		heap->pool_low[i] = (uint64_t)STEP * bytes_below(bytes, 40);
	}
	heap->pool_limit = (uint64_t)STEP * bytes_u8(bytes);
	heap->refill_defer_ns = bytes_size(bytes);
	if (bytes_below(bytes, 4) == 0)
		heap->size_limit = (uint64_t)STEP * bytes_u8(bytes);
}

static void make_memfd(struct hk_heap_spec *heap)
{
	heap->flags = HK_HEAP_MEMFD;
	heap->n_orders = 1;
	heap->order[0] = 0;
}

// Mostly flags that go together.
static void read_system(struct hk_heap_spec *heap, struct bytes *bytes)
{
	read_orders(heap, bytes);
	switch (bytes_below(bytes, 8)) {
	case 0:
		break;
	case 1:
		make_memfd(heap);
		break;
	case 2:
	case 3:
		heap->flags &= HK_HEAP_UNCACHED | HK_HEAP_PROTECTED;
		break;
	default:
		heap->flags &= HK_HEAP_DEFERRED_FREE | HK_HEAP_UNCACHED |
			       HK_HEAP_UNWIND_TO_POOL | HK_HEAP_SHRINK_LARGEST;
		heap->flags |= HK_HEAP_POOLED;
	}
}

static void read_ranges(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->n_ranges = bytes_below(bytes, 5);
	if (heap->n_ranges == 4)
		heap->n_ranges = bytes_u8(bytes);
	for (uint32_t i = 0; i < 3; i++) {
		heap->range[i].base = (uint64_t)STEP * bytes_u16(bytes);
		heap->range[i].size = (uint64_t)STEP * bytes_u8(bytes);
	}
}

// So that the area can be lent.
static void align_to_pageblocks(struct hk_heap_spec *heap)
{
	const uint64_t mask = ((uint64_t)PAGE_BYTES << HK_PAGEBLOCK_ORDER) - 1;

	heap->base &= ~mask;
	heap->size = (heap->size + mask) & ~mask;
	for (uint32_t i = 0; i < 3; i++) {
		heap->range[i].base &= ~mask;
		heap->range[i].size = (heap->range[i].size + mask) & ~mask;
	}
}

static void read_load(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->flags &= HK_HEAP_PINNED | HK_HEAP_CLEAN | HK_HEAP_DIRTY;
	heap->mapcount = bytes_u8(bytes);
	heap->n_orders = 1;
	heap->migratetype = bytes_below(bytes, HK_MIGRATE_CMA + 1);
	if (heap->migratetype != HK_MIGRATE_MOVABLE)
		heap->order[0] = bytes_below(bytes, HK_NR_PAGE_ORDERS + 1);
}

static void read_region(struct hk_heap_spec *heap, struct bytes *bytes)
{
	static const uint32_t flags[HK_NR_HEAP_KINDS + 1] = {
		[HK_HEAP_CMA] = HK_HEAP_UNCACHED | HK_HEAP_DISCARD,
		[HK_HEAP_CARVEOUT] = HK_HEAP_DEFERRED_FREE | HK_HEAP_UNCACHED |
				     HK_HEAP_ZERO_AT_FREE |
				     HK_HEAP_RETRY_DRAINED,
		[HK_HEAP_CHUNK] = HK_HEAP_UNCACHED | HK_HEAP_ZERO_AT_FREE,
		[HK_HEAP_SECURE] = HK_HEAP_PROTECTED,
	};

	if (bytes_below(bytes, 16))
		heap->flags &= flags[heap->kind];
	heap->alignment_order = bytes_below(bytes, 14);
	// Mostly where there may be memory.
	heap->base = (uint64_t)STEP * bytes_u16(bytes);
	if (bytes_below(bytes, 2))
		heap->base %= MAX_MEMORY;
	heap->size = (uint64_t)STEP * bytes_u8(bytes);
	heap->granule = (uint64_t)PAGE_BYTES << bytes_below(bytes, 6);
	heap->align = (uint64_t)1 << bytes_below(bytes, 24);
}

static void read_area(struct hk_heap_spec *heap, struct bytes *bytes)
{
	read_region(heap, bytes);
	read_ranges(heap, bytes);
	if (bytes_below(bytes, 2))
		heap->chunk = (uint64_t)PAGE_BYTES << bytes_below(bytes, 12);
	if (bytes_below(bytes, 4))
		align_to_pageblocks(heap);
}

static void read_heap(struct hk_heap_spec *heap, struct bytes *bytes)
{
	heap->kind = bytes_below(bytes, HK_NR_HEAP_KINDS + 1);
	heap->fit = bytes_below(bytes, HK_NR_FITS + 1);
	heap->flags = bytes_u16(bytes);
	if (heap->kind == HK_HEAP_SYSTEM)
		read_system(heap, bytes);
	else if (heap->kind == HK_HEAP_PAGES)
		read_load(heap, bytes);
	else if (heap->kind == HK_HEAP_CMA)
		read_area(heap, bytes);
	else
		read_region(heap, bytes);
	if (heap->flags & HK_HEAP_PROTECTED)
		heap->failures = UINT32_MAX / 8 * bytes_below(bytes, 9);
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
		read_heap(&board->heap[i], bytes);
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
