// SPDX-License-Identifier: MIT
//
// Whether a trace makes sense on its own: one pass, a bit for every buffer, and
// once one is shared a count of the references beyond its first.

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

struct holders {
	uint64_t *live; // a bit for each buffer
	uint32_t *more; // references beyond the first; NULL: nobody has any
	uint32_t n_buffers;
};

static int share(struct holders *holders, uint32_t buffer)
{
	if (!holders->more)
		holders->more =
			calloc(holders->n_buffers, sizeof(*holders->more));
	if (!holders->more)
		return -ENOMEM;
	holders->more[buffer]++;
	return 0;
}

static int follow(struct holders *holders, uint8_t op, uint32_t buffer)
{
	if (op == HK_OP_SHARE)
		return share(holders, buffer);
	if (op == HK_OP_FREE && holders->more && holders->more[buffer])
		holders->more[buffer]--;
	else if (op == HK_OP_ALLOC || op == HK_OP_FREE)
		bit_flip(holders->live, buffer);
	return 0;
}

int hk_trace_check(const struct hk_trace *trace, struct hk_fault *ret)
{
	struct holders holders = {.n_buffers = trace->n_buffers};
	enum hk_trace_rule rule = HK_TRACE_OK;
	int status = 0;
	uint64_t i = 0;

	holders.live = calloc(trace->n_buffers / 64 + 1, sizeof(*holders.live));
	if (!holders.live)
		return -ENOMEM;
	for (; i < trace->n && !status; i++) {
		rule = event_rule(trace, i, holders.live);
		if (rule)
			break;
		status = follow(&holders, trace->op[i], trace->buffer[i]);
	}
	free(holders.live);
	free(holders.more);
	ret->index = i;
	ret->rule = rule;
	if (rule)
		return -EINVAL;
	return status;
}
