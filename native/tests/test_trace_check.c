// SPDX-License-Identifier: MIT
//
// One test for every rule of hk_trace_check().
#include "bench.h"

enum { ROOM = 8 };

struct table {
	struct hk_trace trace;
	uint8_t op[ROOM];
	uint32_t buffer[ROOM];
	uint64_t size[ROOM];
	uint16_t chain[ROOM];
	int64_t time_ns[ROOM];
	uint16_t device[ROOM];
	uint8_t access[ROOM];
};

// ALLOC 0, ATTACH, BEGIN_CPU, FREE 0, PRESSURE, ALLOC 0.
static void init(struct table *t)
{
	static const uint8_t ops[] = {HK_OP_ALLOC,     HK_OP_ATTACH,
				      HK_OP_BEGIN_CPU, HK_OP_FREE,
				      HK_OP_PRESSURE,  HK_OP_ALLOC};

	*t = (struct table){0};
	t->trace = (struct hk_trace){
		.op = t->op,
		.buffer = t->buffer,
		.size = t->size,
		.chain = t->chain,
		.time_ns = t->time_ns,
		.device = t->device,
		.access = t->access,
		.n_buffers = 2,
		.n_chains = 1,
		.n_devices = 1,
	};
	for (; t->trace.n < sizeof(ops); t->trace.n++) {
		t->op[t->trace.n] = ops[t->trace.n];
		t->size[t->trace.n] = 4096;
		t->access[t->trace.n] = HK_ACCESS_READ;
	}
}

static void check_rule(const struct table *t, uint64_t index,
		       enum hk_trace_rule rule)
{
	struct hk_fault fault = {0};

	CHECK_EQ(hk_trace_check(&t->trace, &fault), rule ? -EINVAL : 0);
	CHECK_EQ(fault.index, index);
	CHECK_EQ(fault.rule, rule);
}

#define BREAKS(rule, index, change)                                            \
	do {                                                                   \
		struct table t;                                                \
                                                                               \
		init(&t);                                                      \
		check_rule(&t, t.trace.n, HK_TRACE_OK);                        \
		change;                                                        \
		check_rule(&t, index, rule);                                   \
	} while (0)

TEST(an_unknown_op_is_refused)
{
	BREAKS(HK_TRACE_UNKNOWN_OP, 1, t.op[1] = HK_NR_OPS);
	BREAKS(HK_TRACE_UNKNOWN_OP, 1, t.op[1] = HK_OP_PRESSURE + 1);
	BREAKS(HK_TRACE_UNKNOWN_OP, 1, t.op[1] = HK_OP_CPU_READ - 1);
}

TEST(time_that_goes_back_is_refused)
{
	BREAKS(HK_TRACE_TIME_BACKWARDS, 3, t.time_ns[2] = 1);
}

TEST(negative_times_are_times)
{
	BREAKS(HK_TRACE_OK, 6, t.time_ns[0] = -5);
}

TEST(an_allocation_of_nothing_is_refused)
{
	BREAKS(HK_TRACE_SIZE_ZERO, 5, t.size[5] = 0);
}

TEST(a_size_that_wraps_is_refused)
{
	BREAKS(HK_TRACE_SIZE_HUGE, 0, t.size[0] = UINT64_MAX - 4094);
	BREAKS(HK_TRACE_OK, 6, t.size[0] = UINT64_MAX - 4095);
}

TEST(a_buffer_beyond_the_last_is_refused)
{
	BREAKS(HK_TRACE_BUFFER_RANGE, 0, t.buffer[0] = 2);
	BREAKS(HK_TRACE_BUFFER_RANGE, 3, t.buffer[3] = 2);
}

TEST(an_allocation_of_a_live_buffer_is_refused)
{
	BREAKS(HK_TRACE_BUFFER_LIVE, 5, t.buffer[3] = 0; t.op[3] = HK_OP_MAP);
}

TEST(ops_on_a_buffer_that_is_not_live_are_refused)
{
	BREAKS(HK_TRACE_BUFFER_UNKNOWN, 1, t.buffer[1] = 1);
	BREAKS(HK_TRACE_BUFFER_UNKNOWN, 4, t.op[4] = HK_OP_FREE);
}

TEST(a_shared_buffer_is_held_until_its_last_free)
{
	BREAKS(HK_TRACE_BUFFER_LIVE, 5, t.op[1] = HK_OP_SHARE);
	BREAKS(HK_TRACE_OK, 6, t.op[1] = HK_OP_SHARE; t.op[2] = HK_OP_FREE);
	BREAKS(HK_TRACE_OK, 6, t.op[1] = HK_OP_SHARE; t.op[4] = HK_OP_FREE);
	BREAKS(HK_TRACE_BUFFER_UNKNOWN, 4, t.op[1] = HK_OP_SHARE;
	       t.op[2] = HK_OP_FREE; t.op[4] = HK_OP_SHARE);
	BREAKS(HK_TRACE_BUFFER_UNKNOWN, 0, t.op[0] = HK_OP_SHARE);
}

TEST(uses_of_a_buffer_that_is_not_live_are_refused)
{
	for (uint8_t op = HK_OP_CPU_READ; op < HK_NR_OPS; op++)
		BREAKS(HK_TRACE_BUFFER_UNKNOWN, 4, t.op[4] = op);
}

TEST(a_chain_beyond_the_last_is_refused)
{
	BREAKS(HK_TRACE_CHAIN_RANGE, 5, t.chain[5] = 1);
}

TEST(a_device_beyond_the_last_is_refused)
{
	BREAKS(HK_TRACE_DEVICE_RANGE, 1, t.device[1] = 1);
	BREAKS(HK_TRACE_DEVICE_RANGE, 1, t.op[1] = HK_OP_DEVICE_READ;
	       t.device[1] = 1);
	BREAKS(HK_TRACE_OK, 6, t.op[1] = HK_OP_CPU_READ; t.device[1] = 1);
	BREAKS(HK_TRACE_DEVICE_RANGE, 1, t.trace.device = NULL;
	       t.trace.n_devices = 0);
}

TEST(an_access_that_is_none_is_refused)
{
	BREAKS(HK_TRACE_ACCESS, 2, t.access[2] = 0);
	BREAKS(HK_TRACE_ACCESS, 2, t.access[2] = 5);
	BREAKS(HK_TRACE_OK, 6, t.access[2] = 0; t.trace.access = NULL);
}

TEST(columns_an_op_does_not_use_are_ignored)
{
	BREAKS(HK_TRACE_OK, 6, t.size[3] = 0; t.chain[3] = 9; t.device[3] = 9;
	       t.access[3] = 9; t.buffer[4] = 9);
}

TEST(a_starved_check_says_so)
{
	struct table t;
	struct hk_fault fault;

	init(&t);
	fail_allocation(1);
	CHECK_EQ(hk_trace_check(&t.trace, &fault), -ENOMEM);
	t.op[1] = HK_OP_SHARE;
	fail_allocation(2);
	CHECK_EQ(hk_trace_check(&t.trace, &fault), -ENOMEM);
}
