// SPDX-License-Identifier: MIT
//
// Whether a trace makes sense on its own: one pass, a bit for every buffer.

#include "internal.h"
#include "trace_rule.h"

#include <stdlib.h>

static bool bit_get(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void bit_flip(uint64_t *bits, uint32_t i)
{
	bits[i / 64] ^= UINT64_C(1) << (i % 64);
}

static enum hk_trace_rule event_rule(const struct hk_trace *trace, uint64_t i,
				     const uint64_t *live)
{
	const int64_t before = i ? trace->time_ns[i - 1] : INT64_MIN;
	const enum hk_trace_rule rule = trace_rule_alone(trace, i, before);

	if (rule || trace->op[i] == HK_OP_PRESSURE)
		return rule;
	if (trace->buffer[i] >= trace->n_buffers)
		return HK_TRACE_BUFFER_RANGE;
	return trace_rule_held(trace, i, bit_get(live, trace->buffer[i]));
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
