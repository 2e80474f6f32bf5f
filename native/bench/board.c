// SPDX-License-Identifier: MIT
#include "board.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "contender.h"
#include "heapkit.h"
#include "memory.h"

// Between two events, in simulated time.
static const int64_t EVENT_NS = 100000;

// Events in one call where rows are not kept: they stay in the cache.
enum { BATCH = 1 << 14 };

struct columns {
	struct hk_trace trace;
	uint8_t *op;
	uint32_t *buffer;
	uint64_t *size;
	uint16_t *chain;
	int64_t *time_ns;
};

static const uint32_t chain_start[] = {0, 1};
static const uint16_t chain_heap[] = {0};

static void columns_destroy(struct columns *columns)
{
	free(columns->op);
	free(columns->buffer);
	free(columns->size);
	free(columns->chain);
	free(columns->time_ns);
}

static void columns_fill(struct columns *columns,
			 const struct bench_trace *trace)
{
	for (uint64_t i = 0; i < trace->n; i++) {
		const struct bench_event *event = &trace->event[i];

		columns->op[i] = (uint8_t)event->op;
		columns->buffer[i] = event->buffer;
		columns->size[i] = (uint64_t)event->pages << HK_PAGE_SHIFT;
		columns->chain[i] = 0;
		columns->time_ns[i] = (int64_t)i * EVENT_NS;
	}
	columns->trace = (struct hk_trace){
		.n = trace->n,
		.op = columns->op,
		.buffer = columns->buffer,
		.size = columns->size,
		.chain = columns->chain,
		.time_ns = columns->time_ns,
		.n_buffers = trace->n_buffers,
		.n_chains = 1,
		.n_devices = 1,
		.chain_start = chain_start,
		.chain_heap = chain_heap,
	};
}

static int columns_create(struct columns *columns,
			  const struct bench_trace *trace)
{
	columns->op = malloc(trace->n * sizeof(*columns->op));
	columns->buffer = malloc(trace->n * sizeof(*columns->buffer));
	columns->size = malloc(trace->n * sizeof(*columns->size));
	columns->chain = malloc(trace->n * sizeof(*columns->chain));
	columns->time_ns = malloc(trace->n * sizeof(*columns->time_ns));
	if (!columns->op || !columns->buffer || !columns->size ||
	    !columns->chain || !columns->time_ns) {
		columns_destroy(columns);
		return -ENOMEM;
	}
	columns_fill(columns, trace);
	return 0;
}

// One heap as large as the trace's. A system heap's pools are Android's without
// deferred free; a CMA area has the whole memory.
static int board_create(const struct bench_trace *trace, const char *heap,
			struct hk_machine **ret)
{
	uint64_t base = (uint64_t)HEAP_PFN << HK_PAGE_SHIFT;
	uint64_t size = trace->heap_pages << HK_PAGE_SHIFT;
	struct hk_heap_spec spec = {.kind = HK_HEAP_CARVEOUT,
				    .base = base,
				    .size = size,
				    .granule = UINT64_C(1) << HK_PAGE_SHIFT,
				    .align = UINT64_C(1) << HK_PAGE_SHIFT};
	struct hk_machine_spec machine = {.heap = &spec, .n_heaps = 1};

	machine.costs.line_bytes = 64;
	if (!strcmp(heap, "best-fit"))
		spec.fit = HK_FIT_BEST;
	else if (strcmp(heap, "first-fit") != 0)
		machine.memory = (struct hk_memory_spec){base, size, 0};
	if (!strcmp(heap, "cma")) {
		spec.kind = HK_HEAP_CMA;
		spec.alignment_order = 8;
	} else if (!strcmp(heap, "system")) {
		spec = (struct hk_heap_spec){.kind = HK_HEAP_SYSTEM,
					     .granule = spec.granule,
					     .flags = HK_HEAP_POOLED,
					     .n_orders = 3,
					     .order = {8, 4, 0}};
	}
	return hk_machine_create(&machine, ret);
}

// --- The same loop as Python's ---

struct rows {
	struct hk_row *row;
	struct hk_gauges *gauges;
};

// Touched, so that a page's first use is nobody's cost.
static int rows_create(struct rows *rows, uint64_t n)
{
	rows->row = malloc(n * sizeof(*rows->row));
	rows->gauges = malloc(n * sizeof(*rows->gauges));
	if (!rows->row || !rows->gauges)
		return -ENOMEM;
	memset(rows->row, 1, n * sizeof(*rows->row));
	memset(rows->gauges, 1, n * sizeof(*rows->gauges));
	return 0;
}

static void rows_destroy(struct rows *rows)
{
	free(rows->row);
	free(rows->gauges);
}

static uint64_t sum_places(const struct rows *rows, uint64_t n)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += rows->row[i].address * (i + 1);
	return sum;
}

static int time_loop(const struct columns *columns, const char *heap,
		     const struct bench_trace *trace, const struct rows *rows,
		     bool gauges, double *ns)
{
	struct hk_columns into = {
		.row = rows->row,
		.gauges = gauges ? rows->gauges : NULL,
	};
	struct hk_machine *machine;
	uint64_t done;
	double start;
	int err = board_create(trace, heap, &machine);

	if (err)
		return err;
	start = cpu_ns();
	err = hk_machine_replay(machine, &columns->trace, 0, trace->n, &into, 0,
				&done);
	*ns = (cpu_ns() - start) / (double)trace->n;
	hk_machine_destroy(machine);
	return err;
}

int board_run(const struct bench_trace *trace, const char *heap,
	      uint32_t rounds, bool gauges)
{
	struct columns columns;
	struct rows rows = {0};
	double ns = 0;
	int err = columns_create(&columns, trace);

	if (err)
		return err;
	err = rows_create(&rows, trace->n);
	if (!err)
		printf("{\"ns\": [");
	for (uint32_t r = 0; !err && r < rounds; r++) {
		err = time_loop(&columns, heap, trace, &rows, gauges, &ns);
		printf("%s%.3f", r ? ", " : "", ns);
	}
	if (!err)
		printf("], \"places\": %llu}\n",
		       (unsigned long long)sum_places(&rows, trace->n));
	rows_destroy(&rows);
	columns_destroy(&columns);
	return err;
}

// --- Cost against size ---

struct cost {
	double create_ns;
	double event_ns;
	uint64_t reserved; // bytes asked of the allocator
	uint64_t resident; // bytes that became real
	double faults; // an event, while timed: pages used for the first time
};

static int replay_batches(struct hk_machine *machine,
			  const struct columns *columns,
			  const struct rows *rows, uint64_t first, uint64_t end)
{
	int err = 0;

	for (uint64_t i = first; !err && i < end; i += BATCH) {
		uint64_t count = end - i < BATCH ? end - i : BATCH;
		struct hk_columns into = {
			.row = rows->row,
			.gauges = rows->gauges,
		};
		uint64_t done;

		err = hk_machine_replay(machine, &columns->trace, i, count,
					&into, 0, &done);
	}
	return err;
}

// The first half of the trace fills the heap, the second is timed.
static int size_once(const struct columns *columns, const char *heap,
		     const struct bench_trace *trace, const struct rows *rows,
		     struct cost *cost)
{
	uint64_t reserved = memory_reserved();
	uint64_t resident = memory_resident();
	uint64_t faults;
	double start = cpu_ns();
	struct hk_machine *machine;
	int err = board_create(trace, heap, &machine);

	if (err)
		return err;
	cost->create_ns = cpu_ns() - start;
	err = replay_batches(machine, columns, rows, 0, trace->n / 2);
	faults = memory_faults();
	start = cpu_ns();
	if (!err)
		err = replay_batches(machine, columns, rows, trace->n / 2,
				     trace->n);
	cost->event_ns = (cpu_ns() - start) / (double)(trace->n - trace->n / 2);
	cost->faults = (double)(memory_faults() - faults) /
		       (double)(trace->n - trace->n / 2);
	cost->reserved = memory_reserved() - reserved;
	cost->resident = memory_resident() - resident;
	hk_machine_destroy(machine);
	return err;
}

static void print_cost(const struct cost *cost, bool first)
{
	printf("%s{\"create_ns\": %.0f, \"ns\": %.3f, \"reserved\": %llu, "
	       "\"resident\": %llu, \"faults\": %.4f}",
	       first ? "" : ", ", cost->create_ns, cost->event_ns,
	       (unsigned long long)cost->reserved,
	       (unsigned long long)cost->resident, cost->faults);
}

int board_size(const struct bench_trace *trace, const char *heap,
	       uint32_t rounds)
{
	struct columns columns;
	struct rows rows = {0};
	struct cost cost = {0};
	int err = columns_create(&columns, trace);

	if (err)
		return err;
	err = rows_create(&rows, BATCH);
	printf("{\"pages\": %llu, \"events\": %llu, \"rounds\": [",
	       (unsigned long long)trace->heap_pages,
	       (unsigned long long)trace->n);
	for (uint32_t r = 0; !err && r < rounds; r++) {
		err = size_once(&columns, heap, trace, &rows, &cost);
		print_cost(&cost, r == 0);
	}
	printf("]}\n");
	rows_destroy(&rows);
	columns_destroy(&columns);
	return err;
}
