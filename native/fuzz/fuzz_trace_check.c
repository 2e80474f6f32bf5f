// SPDX-License-Identifier: MIT
//
// hk_trace_check() against the rules as heapkit_abi.h words them, event by
// event, and a trace in parts against the whole.
#include "board.h"
#include "harness.h"

enum { IDS = 32 };

static enum hk_trace_rule naive_buffer_rule(const struct hk_trace *trace,
					    uint64_t i, const uint32_t *held)
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
	switch (trace->op[i]) {
	case HK_OP_ATTACH:
	case HK_OP_DETACH:
	case HK_OP_MAP:
	case HK_OP_UNMAP:
	case HK_OP_DEVICE_READ:
	case HK_OP_DEVICE_WRITE:
		return device < trace->n_devices ? HK_TRACE_OK
						 : HK_TRACE_DEVICE_RANGE;
	case HK_OP_BEGIN_CPU:
	case HK_OP_END_CPU:
		return access >= 1 && access <= 3 ? HK_TRACE_OK
						  : HK_TRACE_ACCESS;
	default:
		return HK_TRACE_OK;
	}
}

static bool is_no_op(uint8_t op)
{
	return (op > HK_OP_PRESSURE && op < HK_OP_CPU_READ) || op > HK_OP_SHARE;
}

static enum hk_trace_rule naive_rule(const struct hk_trace *trace, uint64_t i,
				     const uint32_t *held)
{
	if (is_no_op(trace->op[i]))
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

static void follow(const struct hk_trace *trace, uint64_t i, uint32_t *held)
{
	uint32_t *references = &held[trace->buffer[i] % IDS];

	if (trace->op[i] == HK_OP_ALLOC || trace->op[i] == HK_OP_SHARE)
		++*references;
	else if (trace->op[i] == HK_OP_FREE)
		--*references;
}

static struct hk_fault naive_check(const struct hk_trace *trace)
{
	uint32_t held[IDS] = {0}; // references
	struct hk_fault fault = {0};

	for (; fault.index < trace->n; fault.index++) {
		fault.rule = naive_rule(trace, fault.index, held);
		if (fault.rule)
			return fault;
		follow(trace, fault.index, held);
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
