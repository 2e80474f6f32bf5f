// SPDX-License-Identifier: MIT
//
// A trace in parts is judged as the whole is.
#include "../src/intake.h"

#include "../src/internal.h"
#include "harness.h"

#include <string.h>

enum { ROOM = 400, IDS = 6 };

struct table {
	struct hk_trace trace;
	uint8_t op[ROOM];
	uint32_t buffer[ROOM];
	uint64_t id[ROOM];
	uint64_t size[ROOM];
	uint16_t chain[ROOM];
	int64_t time_ns[ROOM];
	uint16_t device[ROOM];
	uint8_t access[ROOM];
};

static void init(struct table *t)
{
	*t = (struct table){0};
	t->trace = (struct hk_trace){
		.op = t->op,
		.buffer = t->buffer,
		.size = t->size,
		.chain = t->chain,
		.time_ns = t->time_ns,
		.device = t->device,
		.access = t->access,
		.n_buffers = IDS,
		.n_chains = 2,
		.n_devices = 2,
	};
}

static void add(struct table *t, enum hk_op op, uint32_t buffer)
{
	const uint64_t i = t->trace.n++;

	t->op[i] = (uint8_t)op;
	t->buffer[i] = buffer;
	t->id[i] = ~(uint64_t)buffer << 20;
	t->size[i] = 4096;
	t->access[i] = HK_ACCESS_READ;
	t->time_ns[i] = (int64_t)i;
}

// Take @t in parts of @step events; the fault of the last one.
static int take(const struct table *t, uint64_t step, uint32_t *numbers,
		struct hk_fault *fault)
{
	struct hk_intake *intake;
	int ret = 0;

	*fault = (struct hk_fault){0};
	CHECK_EQ(hk_intake_create(&intake), 0);
	for (uint64_t i = 0; i < t->trace.n && !ret; i += step) {
		const uint64_t left = t->trace.n - i;

		ret = hk_intake_take(intake, &t->trace, t->id, i,
				     left < step ? left : step,
				     numbers ? numbers + i : NULL, fault);
	}
	if (!ret)
		CHECK_EQ(hk_intake_events(intake), t->trace.n);
	hk_intake_destroy(intake);
	return ret;
}

TEST(a_buffer_lives_from_one_part_to_another)
{
	struct hk_fault fault;
	struct table t;

	init(&t);
	add(&t, HK_OP_ALLOC, 1);
	add(&t, HK_OP_MAP, 1);
	add(&t, HK_OP_FREE, 1);
	add(&t, HK_OP_ALLOC, 1);
	CHECK_EQ(take(&t, 1, NULL, &fault), 0);
	CHECK_EQ(fault.rule, HK_TRACE_OK);
}

TEST(a_shared_buffer_is_held_from_one_part_to_another)
{
	static const enum hk_op ops[] = {HK_OP_ALLOC, HK_OP_SHARE,
					 HK_OP_FREE,  HK_OP_CPU_READ,
					 HK_OP_FREE,  HK_OP_FREE};
	struct hk_fault fault;
	struct table t;

	init(&t);
	for (uint32_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		add(&t, ops[i], 1);
	CHECK_EQ(take(&t, 1, NULL, &fault), -EINVAL);
	CHECK_EQ(fault.index, 5);
	CHECK_EQ(fault.rule, HK_TRACE_BUFFER_UNKNOWN);
}

TEST(a_number_that_is_used_again_starts_unshared)
{
	uint32_t number[6];
	struct hk_fault fault;
	struct table t;

	init(&t);
	add(&t, HK_OP_ALLOC, 1);
	add(&t, HK_OP_SHARE, 1);
	add(&t, HK_OP_FREE, 1);
	add(&t, HK_OP_FREE, 1);
	add(&t, HK_OP_ALLOC, 2);
	add(&t, HK_OP_FREE, 2);
	CHECK_EQ(take(&t, 1, number, &fault), 0);
	CHECK_EQ(number[4], number[0]);
	add(&t, HK_OP_FREE, 2);
	CHECK_EQ(take(&t, 2, NULL, &fault), -EINVAL);
	CHECK_EQ(fault.index, 6);
}

TEST(a_fault_is_counted_from_the_start_of_the_trace)
{
	struct hk_fault fault;
	struct table t;

	init(&t);
	for (uint32_t i = 0; i < 5; i++)
		add(&t, HK_OP_ALLOC, i);
	add(&t, HK_OP_ALLOC, 2);
	CHECK_EQ(take(&t, 2, NULL, &fault), -EINVAL);
	CHECK_EQ(fault.index, 5);
	CHECK_EQ(fault.rule, HK_TRACE_BUFFER_LIVE);
}

TEST(time_does_not_go_back_between_parts_nor_before_zero)
{
	struct hk_fault fault;
	struct table t;

	init(&t);
	add(&t, HK_OP_PRESSURE, 0);
	add(&t, HK_OP_PRESSURE, 0);
	t.time_ns[0] = 7;
	CHECK_EQ(take(&t, 1, NULL, &fault), -EINVAL);
	CHECK_EQ(fault.index, 1);
	CHECK_EQ(fault.rule, HK_TRACE_TIME_BACKWARDS);
	t.time_ns[0] = -1;
	CHECK_EQ(take(&t, 1, NULL, &fault), -EINVAL);
	CHECK_EQ(fault.index, 0);
}

TEST(buffers_held_at_once_have_numbers_of_their_own_and_small_ones)
{
	uint32_t number[ROOM];
	struct hk_fault fault;
	struct table t;

	init(&t);
	for (uint32_t i = 0; i < 60; i++) {
		add(&t, HK_OP_ALLOC, i);
		add(&t, HK_OP_BEGIN_CPU, i);
		if (i >= 2)
			add(&t, HK_OP_FREE, i - 2);
	}
	CHECK_EQ(take(&t, 7, number, &fault), 0);
	for (uint64_t i = 0; i < t.trace.n; i++) {
		CHECK(number[i] < 3);
		if (t.op[i] == HK_OP_BEGIN_CPU)
			CHECK_EQ(number[i], number[i - 1]);
		if (t.op[i] == HK_OP_FREE)
			CHECK(number[i] != number[i - 1]);
	}
}

TEST(events_beyond_the_part_are_refused)
{
	struct hk_intake *intake;
	struct hk_fault fault;
	struct table t;

	init(&t);
	add(&t, HK_OP_PRESSURE, 0);
	CHECK_EQ(hk_intake_create(&intake), 0);
	CHECK_EQ(hk_intake_take(intake, &t.trace, t.id, 0, 2, NULL, &fault),
		 -EINVAL);
	CHECK_EQ(hk_intake_take(intake, &t.trace, t.id, 2, 0, NULL, &fault),
		 -EINVAL);
	CHECK_EQ(fault.rule, HK_TRACE_OK);
	hk_intake_destroy(intake);
	hk_intake_destroy(NULL);
}

// Mostly a trace that makes sense.
static void random_events(struct table *t, struct rng *rng)
{
	static const enum hk_op used[] = {HK_OP_FREE,  HK_OP_FREE,
					  HK_OP_FREE,  HK_OP_END_CPU,
					  HK_OP_SHARE, HK_OP_DEVICE_READ};
	uint32_t held[IDS] = {0};

	init(t);
	for (uint32_t i = 0; i < ROOM; i++) {
		const uint32_t id = rng_below(rng, IDS);
		const enum hk_op op =
			held[id] ? used[rng_below(rng, 6)] : HK_OP_ALLOC;

		held[id] += op == HK_OP_ALLOC || op == HK_OP_SHARE;
		held[id] -= op == HK_OP_FREE;
		add(t, op, id);
	}
}

static void spoil(struct table *t, struct rng *rng)
{
	const uint32_t i = rng_below(rng, ROOM);

	switch (rng_below(rng, 6)) {
	case 0:
		t->op[i] = (uint8_t)rng_below(rng, HK_NR_OPS + 1);
		break;
	case 1:
		t->time_ns[i] = rng_below(rng, ROOM);
		break;
	case 2:
		t->size[i] = rng_below(rng, 2) ? 0 : UINT64_MAX;
		break;
	case 3:
		t->chain[i] = 2;
		break;
	case 4:
		t->device[i] = 2;
		break;
	default:
		t->access[i] = (uint8_t)rng_below(rng, 6);
	}
}

TEST(parts_are_refused_where_the_whole_is)
{
	struct rng rng = {5};
	uint32_t refused = 0;

	for (uint32_t round = scaled(400); round; round--) {
		struct hk_fault whole, part;
		struct table t;
		int ret;

		random_events(&t, &rng);
		spoil(&t, &rng);
		spoil(&t, &rng);
		ret = hk_trace_check(&t.trace, &whole);
		CHECK_EQ(take(&t, 1 + rng_below(&rng, 99), NULL, &part), ret);
		CHECK_EQ(part.rule, whole.rule);
		if (ret)
			CHECK_EQ(part.index, whole.index);
		refused += ret != 0;
	}
	CHECK(refused > scaled(100));
}

TEST(an_intake_that_starves_says_so)
{
	struct hk_intake *intake = NULL;
	struct hk_fault fault;
	struct table t;

	for (uint32_t nth = 1; nth <= 2; nth++) {
		fail_allocation(nth);
		CHECK_EQ(hk_intake_create(&intake), -ENOMEM);
	}
	init(&t);
	add(&t, HK_OP_ALLOC, 0);
	// The map's numbers, then what they hold and who refers to it.
	for (uint32_t nth = 1; nth <= 4; nth++) {
		fail_allocation(0);
		CHECK_EQ(hk_intake_create(&intake), 0);
		fail_allocation(nth);
		CHECK_EQ(hk_intake_take(intake, &t.trace, t.id, 0, 1, NULL,
					&fault),
			 -ENOMEM);
		hk_intake_destroy(intake);
	}
}

// --- As bytes ---

enum { STATE_ROOM = 4096 };

static uint64_t save(const struct hk_intake *intake, uint8_t *bytes)
{
	uint64_t size;

	CHECK_EQ(hk_intake_save(intake, NULL, 0, &size), -ENOSPC);
	CHECK(size <= STATE_ROOM);
	CHECK_EQ(hk_intake_save(intake, bytes, size, &size), 0);
	return size;
}

// An intake that took the first @n events of @t.
static struct hk_intake *taken(const struct table *t, uint64_t n)
{
	struct hk_intake *intake;
	struct hk_fault fault;

	CHECK_EQ(hk_intake_create(&intake), 0);
	CHECK_EQ(hk_intake_take(intake, &t->trace, t->id, 0, n, NULL, &fault),
		 0);
	return intake;
}

TEST(a_loaded_intake_goes_on_as_the_saved_one_does)
{
	uint8_t bytes[STATE_ROOM], end[STATE_ROOM], other_end[STATE_ROOM];
	uint32_t number[ROOM], other_number[ROOM];
	struct rng rng = {9};

	for (uint64_t cut = 0; cut <= ROOM; cut += 7) {
		struct hk_intake *intake, *other;
		struct hk_fault fault;
		struct table t;

		random_events(&t, &rng);
		intake = taken(&t, cut);
		CHECK_EQ(hk_intake_create(&other), 0);
		CHECK_EQ(hk_intake_load(other, bytes, save(intake, bytes)), 0);
		CHECK_EQ(hk_intake_take(intake, &t.trace, t.id, cut, ROOM - cut,
					number, &fault),
			 0);
		CHECK_EQ(hk_intake_take(other, &t.trace, t.id, cut, ROOM - cut,
					other_number, &fault),
			 0);
		CHECK_EQ(memcmp(number, other_number, (ROOM - cut) * 4), 0);
		CHECK_EQ(save(intake, end), save(other, other_end));
		CHECK_EQ(memcmp(end, other_end, save(intake, end)), 0);
		hk_intake_destroy(other);
		hk_intake_destroy(intake);
	}
}

TEST(bytes_that_no_intake_saved_are_refused_or_a_sound_intake)
{
	uint8_t bytes[STATE_ROOM], spoilt[STATE_ROOM];
	struct rng rng = {10};
	uint32_t refused = 0;
	struct hk_intake *intake;
	struct table t;
	uint64_t size;

	random_events(&t, &rng);
	intake = taken(&t, ROOM);
	size = save(intake, bytes);
	hk_intake_destroy(intake);
	for (uint32_t i = scaled(4000); i; i--) {
		const uint64_t cut =
			rng_below(&rng, 3) ? size : rng_next(&rng) % size;
		const char *rule = "";
		int ret;

		memcpy(spoilt, bytes, size);
		spoilt[rng_next(&rng) % size] ^= (uint8_t)rng_next(&rng);
		CHECK_EQ(hk_intake_create(&intake), 0);
		ret = hk_intake_load(intake, spoilt, cut);
		CHECK(ret == 0 || ret == -EINVAL);
		if (!ret)
			CHECK_EQ(id_map_check(&intake->ids, &rule), 0);
		refused += ret != 0;
		hk_intake_destroy(intake);
	}
	CHECK(refused > scaled(1000));
}

TEST(an_intake_that_took_events_is_not_loaded)
{
	uint8_t bytes[STATE_ROOM];
	struct rng rng = {11};
	struct hk_intake *intake;
	struct table t;

	random_events(&t, &rng);
	intake = taken(&t, 1);
	CHECK_EQ(hk_intake_load(intake, bytes, save(intake, bytes)), -EINVAL);
	hk_intake_destroy(intake);
}

TEST(an_intake_that_starves_while_loaded_says_so)
{
	uint8_t bytes[STATE_ROOM];
	struct hk_intake *intake;
	struct table t;
	uint64_t size;

	init(&t);
	for (uint32_t i = 0; i < 100; i++)
		add(&t, HK_OP_ALLOC, i);
	intake = taken(&t, 100);
	size = save(intake, bytes);
	hk_intake_destroy(intake);
	// Slots, buckets, what they hold, who refers to it.
	for (uint32_t nth = 1; nth <= 5; nth++) {
		fail_allocation(0);
		CHECK_EQ(hk_intake_create(&intake), 0);
		fail_allocation(nth);
		CHECK_EQ(hk_intake_load(intake, bytes, size), -ENOMEM);
		hk_intake_destroy(intake);
	}
}
