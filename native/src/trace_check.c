// SPDX-License-Identifier: MIT
//
// Whether a trace makes sense on its own: one pass, a bit for every buffer.

#include "internal.h"

#include <stdlib.h>

static bool bit_get(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void bit_flip(uint64_t *bits, uint32_t i)
{
	bits[i / 64] ^= UINT64_C(1) << (i % 64);
}

static enum hk_trace_rule alloc_rule(const struct hk_trace *trace, uint64_t i,
				     const uint64_t *live)
{
	if (trace->size[i] == 0)
		return HK_TRACE_SIZE_ZERO;
	if (trace->size[i] > UINT64_MAX - (PAGE_BYTES - 1))
		return HK_TRACE_SIZE_HUGE;
	if (trace->buffer[i] >= trace->n_buffers)
		return HK_TRACE_BUFFER_RANGE;
	if (bit_get(live, trace->buffer[i]))
		return HK_TRACE_BUFFER_LIVE;
	if (trace->chain[i] >= trace->n_chains)
		return HK_TRACE_CHAIN_RANGE;
	return HK_TRACE_OK;
}

static enum hk_trace_rule device_rule(const struct hk_trace *trace, uint64_t i)
{
	const uint32_t device = trace->device ? trace->device[i] : 0;

	return device < trace->n_devices ? HK_TRACE_OK : HK_TRACE_DEVICE_RANGE;
}

static enum hk_trace_rule access_rule(const struct hk_trace *trace, uint64_t i)
{
	const uint32_t all = HK_ACCESS_READ | HK_ACCESS_WRITE;

	if (!trace->access)
		return HK_TRACE_OK;
	return trace->access[i] && !(trace->access[i] & ~all) ? HK_TRACE_OK
							      : HK_TRACE_ACCESS;
}

static enum hk_trace_rule buffer_rule(const struct hk_trace *trace, uint64_t i,
				      const uint64_t *live)
{
	if (trace->buffer[i] >= trace->n_buffers)
		return HK_TRACE_BUFFER_RANGE;
	if (!bit_get(live, trace->buffer[i]))
		return HK_TRACE_BUFFER_UNKNOWN;
	switch (trace->op[i]) {
	case HK_OP_FREE:
		return HK_TRACE_OK;
	case HK_OP_BEGIN_CPU:
	case HK_OP_END_CPU:
		return access_rule(trace, i);
	default:
		return device_rule(trace, i);
	}
}

static enum hk_trace_rule event_rule(const struct hk_trace *trace, uint64_t i,
				     const uint64_t *live)
{
	if (trace->op[i] >= HK_NR_OPS)
		return HK_TRACE_UNKNOWN_OP;
	if (i && trace->time_ns[i] < trace->time_ns[i - 1])
		return HK_TRACE_TIME_BACKWARDS;
	switch (trace->op[i]) {
	case HK_OP_ALLOC:
		return alloc_rule(trace, i, live);
	case HK_OP_PRESSURE:
		return HK_TRACE_OK;
	default:
		return buffer_rule(trace, i, live);
	}
}

int hk_trace_check(const struct hk_trace *trace, struct hk_fault *ret)
{
	uint64_t *live = calloc(trace->n_buffers / 64 + 1, sizeof(*live));
	enum hk_trace_rule rule = HK_TRACE_OK;
	uint64_t i = 0;

	if (!live)
		return -ENOMEM;
	for (; i < trace->n; i++) {
		rule = event_rule(trace, i, live);
		if (rule)
			break;
		if (trace->op[i] == HK_OP_ALLOC || trace->op[i] == HK_OP_FREE)
			bit_flip(live, trace->buffer[i]);
	}
	free(live);
	ret->index = i;
	ret->rule = rule;
	return rule ? -EINVAL : 0;
}
