// SPDX-License-Identifier: MIT
//
// hk_trace_check() against the rules as heapkit_abi.h words them, event by
// event, and a trace in parts against the whole.
#include "board.h"
#include "harness.h"

enum { IDS = 32 };

static enum hk_trace_rule naive_buffer_rule(const struct hk_trace *trace,
					    uint64_t i, const bool *held)
{
	const uint32_t buffer = trace->buffer[i];
	const uint32_t device = trace->device ? trace->device[i] : 0;
	const uint32_t access = trace->access ? trace->access[i] : 3;

	if (buffer >= trace->n_buffers)
		return HK_TRACE_BUFFER_RANGE;
	if (trace->op[i] == HK_OP_ALLOC && held[buffer])
		return HK_TRACE_BUFFER_LIVE;
	if (trace->op[i] == HK_OP_ALLOC)
		return trace->chain[i] < trace->n_chains ? HK_TRACE_OK
							 : HK_TRACE_CHAIN_RANGE;
	if (!held[buffer])
		return HK_TRACE_BUFFER_UNKNOWN;
	if (trace->op[i] >= HK_OP_ATTACH && trace->op[i] <= HK_OP_UNMAP &&
	    device >= trace->n_devices)
		return HK_TRACE_DEVICE_RANGE;
	if (trace->op[i] >= HK_OP_BEGIN_CPU && (access < 1 || access > 3))
		return HK_TRACE_ACCESS;
	return HK_TRACE_OK;
}

static enum hk_trace_rule naive_rule(const struct hk_trace *trace, uint64_t i,
				     const bool *held)
{
	if (trace->op[i] > HK_OP_PRESSURE)
		return HK_TRACE_UNKNOWN_OP;
	if (i && trace->time_ns[i] < trace->time_ns[i - 1])
		return HK_TRACE_TIME_BACKWARDS;
	if (trace->op[i] == HK_OP_PRESSURE)
		return HK_TRACE_OK;
	if (trace->op[i] == HK_OP_ALLOC && trace->size[i] == 0)
		return HK_TRACE_SIZE_ZERO;
	if (trace->op[i] == HK_OP_ALLOC && trace->size[i] + 4095 < 4095)
		return HK_TRACE_SIZE_HUGE;
	return naive_buffer_rule(trace, i, held);
}

static struct hk_fault naive_check(const struct hk_trace *trace)
{
	bool held[IDS] = {false};
	struct hk_fault fault = {0};

	for (; fault.index < trace->n; fault.index++) {
		fault.rule = naive_rule(trace, fault.index, held);
		if (fault.rule)
			return fault;
		if (trace->op[fault.index] <= HK_OP_FREE)
			held[trace->buffer[fault.index]] =
				trace->op[fault.index] == HK_OP_ALLOC;
	}
	return fault;
}

// In parts, ids are any numbers and no time is negative.
static void check_parts(const struct hk_trace *trace, uint64_t step)
{
	const bool negative = trace->n && trace->time_ns[0] < 0;
	const struct hk_fault whole = naive_check(trace);
	struct hk_fault fault = {0};
	uint64_t id[TRACE_EVENTS];
	uint32_t number[TRACE_EVENTS];
	struct hk_intake *intake;
	int ret = 0;

	if (whole.rule == HK_TRACE_BUFFER_RANGE)
		return;
	for (uint64_t i = 0; i < trace->n; i++)
		id[i] = UINT64_MAX - trace->buffer[i] * UINT64_C(0x10000001);
	CHECK_EQ(hk_intake_create(&intake), 0);
	for (uint64_t i = 0; i < trace->n && !ret; i += step)
		ret = hk_intake_take(intake, trace, id, i,
				     trace->n - i < step ? trace->n - i : step,
				     number, &fault);
	CHECK_EQ(ret != 0, whole.rule != 0 || negative);
	if (ret && !negative) {
		CHECK_EQ(fault.rule, whole.rule);
		CHECK_EQ(fault.index, whole.index);
	}
	hk_intake_destroy(intake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace trace;
	struct bytes bytes = {data, size};
	const uint64_t step = 1 + bytes_u8(&bytes);
	struct hk_fault expected;
	struct hk_fault fault;
	int ret;

	trace_read(&trace, &bytes);
	expected = naive_check(&trace.columns);
	ret = hk_trace_check(&trace.columns, &fault);
	CHECK_EQ(ret, expected.rule ? -EINVAL : 0);
	CHECK_EQ(fault.rule, expected.rule);
	CHECK_EQ(fault.index, expected.index);
	check_parts(&trace.columns, step);
	return 0;
}
