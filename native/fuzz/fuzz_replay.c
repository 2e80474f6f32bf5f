// SPDX-License-Identifier: MIT
//
// The front door: any board, then any trace on it. What is accepted never
// breaks an invariant (a debug build looks after each event), and in two parts
// it is what it is in one.
#include <string.h>

#include "board.h"
#include "harness.h"

struct outcome {
	int ret;
	uint64_t done;
	struct hk_row row[TRACE_EVENTS];
	struct hk_gauges gauges[TRACE_EVENTS];
	struct hk_pool_fill fill[TRACE_EVENTS];
	struct hk_moves moves[TRACE_EVENTS];
	struct hk_counts counts[TRACE_EVENTS];
	struct hk_finding findings[HK_MAX_FINDINGS * TRACE_EVENTS];
	uint64_t found;
};

static void replay(struct hk_machine *machine, const struct hk_trace *trace,
		   uint64_t first, uint64_t count, struct outcome *outcome)
{
	struct hk_columns columns = {
		.row = &outcome->row[first],
		.gauges = &outcome->gauges[first],
		.fills = machine->n_heaps ? &outcome->fill[first] : NULL,
		.moves = &outcome->moves[first],
		.counts = &outcome->counts[first],
		.findings = &outcome->findings[outcome->found],
		.n_findings = HK_MAX_FINDINGS * count,
	};

	outcome->ret = hk_machine_replay(machine, trace, first, count, &columns,
					 0, &outcome->done);
	CHECK(outcome->ret == 0 || outcome->ret == -EINVAL);
	CHECK(outcome->done >= first && outcome->done <= first + count);
	CHECK(outcome->ret || outcome->done == first + count);
	CHECK(columns.found <= HK_MAX_FINDINGS * count);
	outcome->found += columns.found;
}

// Each is of an event that was tried, and of a part of its buffer.
static void check_findings(const struct hk_trace *trace,
			   const struct outcome *outcome)
{
	for (uint64_t i = 0; i < outcome->found; i++) {
		const struct hk_finding *finding = &outcome->findings[i];

		CHECK(finding->event <= outcome->done);
		CHECK(!i || finding->event >= finding[-1].event);
		CHECK_EQ(finding->op, trace->op[finding->event]);
		CHECK_EQ(finding->buffer, trace->buffer[finding->event]);
		CHECK(finding->kind < HK_NR_FINDINGS);
		CHECK(finding->offset + finding->bytes >= finding->bytes);
	}
}

static void look_inside(const struct hk_machine *machine)
{
	struct hk_region region[64];
	struct hk_pool_fill fill;
	struct hk_gauges gauges;
	uint64_t counts[HK_NR_PAGE_ORDERS];
	uint64_t count;
	const char *rule;

	for (uint32_t heap = 0; heap <= machine->n_heaps; heap++) {
		hk_machine_gauges(machine, heap, &gauges);
		hk_machine_snapshot(machine, heap, region, 64, &count);
		hk_machine_pool_fill(machine, heap, &fill);
	}
	for (uint32_t buffer = 0; buffer < 20; buffer++)
		hk_machine_entries(machine, buffer, region, 64, &count);
	hk_machine_buddyinfo(machine, counts);
	CHECK_EQ(hk_machine_check(machine, &rule), 0);
}

// A trace that makes sense is carried out to its end where its heaps and
// devices are there; one that was carried out makes sense but for a size.
static void hold_to_check(const struct hk_machine *machine,
			  const struct hk_trace *trace,
			  const struct outcome *outcome)
{
	const uint32_t devices =
		machine->n_devices ? machine->n_devices : HK_MAX_DEVICES;
	struct hk_fault fault;
	const int ret = hk_trace_check(trace, &fault);

	if (outcome->ret == 0 && ret)
		CHECK(fault.rule == HK_TRACE_SIZE_ZERO ||
		      fault.rule == HK_TRACE_SIZE_HUGE ||
		      fault.rule == HK_TRACE_DEVICE_RANGE);
	if (ret || !trace->n || trace->n_devices > devices ||
	    trace->time_ns[0] < 0)
		return;
	for (uint32_t c = 0; c < trace->n_chains; c++) {
		if (trace->chain_start[c] == trace->chain_start[c + 1])
			return;
		for (uint32_t i = trace->chain_start[c];
		     i < trace->chain_start[c + 1]; i++)
			if (trace->chain_heap[i] >= machine->n_heaps)
				return;
	}
	CHECK_EQ(outcome->ret, 0);
}

static void compare_parts(const struct board *board,
			  const struct hk_trace *trace,
			  const struct outcome *whole)
{
	static struct outcome parts;
	static uint8_t state[STATE_BYTES];
	struct hk_machine *machine = board_start(board);
	const uint64_t half = whole->done / 2;
	uint64_t size;

	memset(&parts, 0, sizeof(parts));
	replay(machine, trace, 0, half, &parts);
	size = board_save(machine, state);
	hk_machine_destroy(machine);
	machine = board_start(board);
	CHECK_EQ(hk_machine_load(machine, state, size), 0);
	replay(machine, trace, half, whole->done - half, &parts);
	CHECK_EQ(parts.done, whole->done);
	CHECK(!memcmp(parts.row, whole->row,
		      whole->done * sizeof(*whole->row)));
	CHECK(!memcmp(parts.gauges, whole->gauges,
		      whole->done * sizeof(*whole->gauges)));
	CHECK_EQ(parts.found, whole->found);
	CHECK(!memcmp(parts.findings, whole->findings,
		      whole->found * sizeof(*whole->findings)));
	CHECK(!memcmp(parts.fill, whole->fill,
		      whole->done * sizeof(*whole->fill)));
	hk_machine_destroy(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole;
	static struct trace trace;
	struct bytes bytes = {data, size};
	struct hk_machine *machine;
	struct board board;

	board_read(&board, &bytes);
	machine = board_start(&board);
	if (!machine)
		return 0;
	trace_read(&trace, &bytes);
	memset(&whole, 0, sizeof(whole));
	replay(machine, &trace.columns, 0, trace.columns.n, &whole);
	hold_to_check(machine, &trace.columns, &whole);
	check_findings(&trace.columns, &whole);
	look_inside(machine);
	compare_parts(&board, &trace.columns, &whole);
	hk_machine_advance(machine, INT64_MAX);
	look_inside(machine);
	hk_machine_destroy(machine);
	return 0;
}
