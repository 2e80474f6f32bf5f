// SPDX-License-Identifier: MIT
//
// What every event of a trace has to keep, apart from how the ids of its
// buffers are looked up. Inline: a check is one pass over millions of events.
#ifndef HK_TRACE_RULE_H
#define HK_TRACE_RULE_H

#include "internal.h"

static inline bool is_op(uint32_t op)
{
	return op <= HK_OP_PRESSURE || (op >= HK_OP_CPU_READ && op < HK_NR_OPS);
}

// What can be said of event @i without its buffer; @before is the time of the
// event before.
static inline enum hk_trace_rule trace_rule_alone(const struct hk_trace *trace,
						  uint64_t i, int64_t before)
{
	if (!is_op(trace->op[i]))
		return HK_TRACE_UNKNOWN_OP;
	if (trace->time_ns[i] < before)
		return HK_TRACE_TIME_BACKWARDS;
	if (trace->op[i] != HK_OP_ALLOC)
		return HK_TRACE_OK;
	if (trace->size[i] == 0)
		return HK_TRACE_SIZE_ZERO;
	return trace->size[i] > UINT64_MAX - (PAGE_BYTES - 1)
		       ? HK_TRACE_SIZE_HUGE
		       : HK_TRACE_OK;
}

static inline enum hk_trace_rule alloc_rule(const struct hk_trace *trace,
					    uint64_t i, bool held)
{
	if (held)
		return HK_TRACE_BUFFER_LIVE;
	return trace->chain[i] < trace->n_chains ? HK_TRACE_OK
						 : HK_TRACE_CHAIN_RANGE;
}

static inline enum hk_trace_rule device_rule(const struct hk_trace *trace,
					     uint64_t i)
{
	const uint32_t device = trace->device ? trace->device[i] : 0;

	return device < trace->n_devices ? HK_TRACE_OK : HK_TRACE_DEVICE_RANGE;
}

static inline enum hk_trace_rule access_rule(const struct hk_trace *trace,
					     uint64_t i)
{
	const uint32_t all = HK_ACCESS_READ | HK_ACCESS_WRITE;

	if (!trace->access)
		return HK_TRACE_OK;
	return trace->access[i] && !(trace->access[i] & ~all) ? HK_TRACE_OK
							      : HK_TRACE_ACCESS;
}

// What remains to be said of an event with a buffer, which is @held or not.
static inline enum hk_trace_rule trace_rule_held(const struct hk_trace *trace,
						 uint64_t i, bool held)
{
	if (trace->op[i] == HK_OP_ALLOC)
		return alloc_rule(trace, i, held);
	if (!held)
		return HK_TRACE_BUFFER_UNKNOWN;
	switch (trace->op[i]) {
	case HK_OP_BEGIN_CPU:
	case HK_OP_END_CPU:
		return access_rule(trace, i);
	case HK_OP_ATTACH:
	case HK_OP_DETACH:
	case HK_OP_MAP:
	case HK_OP_UNMAP:
	case HK_OP_DEVICE_READ:
	case HK_OP_DEVICE_WRITE:
		return device_rule(trace, i);
	default:
		return HK_TRACE_OK;
	}
}

#endif
