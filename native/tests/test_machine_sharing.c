// SPDX-License-Identifier: MIT
//
// References and mappings of the CPU; who is told of findings; that all of it
// is saved, and what happens when the core starves.
#include "checker.h"

#include <stdlib.h>
#include <string.h>

enum { ISP, GPU };
enum { R = HK_ACCESS_READ, W = HK_ACCESS_WRITE };

static const uint64_t size = 16384;

static void plan(struct checker *c)
{
	*c = (struct checker){0};
	bench_init(&c->bench);
	bench_region(&c->bench, HK_HEAP_CARVEOUT, MIB(64), MIB(1));
	bench_device(&c->bench, false);
	bench_device(&c->bench, false);
}

static void start(struct checker *c)
{
	plan(c);
	c->bench.spec.costs.mmap_call = 7;
	bench_start(&c->bench);
	allocate(&c->bench, 0, size, 0);
}

static void start_shared(struct checker *c)
{
	start(c);
	DO(c, .op = HK_OP_SHARE);
}

// --- References ---

TEST(the_free_of_a_shared_buffer_costs_and_frees_nothing)
{
	struct checker c;

	start(&c);
	DO(&c, .op = HK_OP_SHARE);
	CHECK_EQ(c.bench.row.latency_ns, 0);
	DO(&c, .op = HK_OP_SHARE);
	for (uint32_t i = 0; i < 2; i++) {
		DO(&c, .op = HK_OP_FREE);
		CHECK_EQ(c.bench.row.latency_ns, 0);
		CHECK_EQ(c.bench.gauges.free_bytes, MIB(1) - size);
	}
	DO(&c, .op = HK_OP_FREE);
	CHECK_EQ(c.bench.gauges.free_bytes, MIB(1));
	CHECK(allocate(&c.bench, 0, size, 0) != NOWHERE);
	DO(&c, .op = HK_OP_FREE);
	CHECK_EQ(c.bench.gauges.free_bytes, MIB(1));
	bench_end(&c.bench);
}

TEST(a_failed_allocation_can_be_shared_too)
{
	struct checker c;

	start(&c);
	allocate(&c.bench, 1, MIB(2), 0);
	DO(&c, .op = HK_OP_SHARE, .buffer = 1);
	DO(&c, .op = HK_OP_FREE, .buffer = 1);
	DO(&c, .op = HK_OP_FREE, .buffer = 1);
	CHECK(allocate(&c.bench, 1, size, 0) != NOWHERE);
	bench_end(&c.bench);
}

// --- Mappings of the CPU ---

TEST(every_mmap_is_paid_for_and_only_the_first_vmap)
{
	struct checker c;

	start(&c);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK_EQ(DO(&c, .op = HK_OP_MMAP), 0);
		CHECK_EQ(charged(&c, HK_COST_MMAP_CALL), 1);
		CHECK_EQ(charged(&c, HK_COST_MMAP_PAGE), 4);
		CHECK_EQ(charged(&c, HK_COST_MMAP_ENTRY), 1);
		CHECK_EQ(c.bench.row.latency_ns, 7);
		CHECK_EQ(DO(&c, .op = HK_OP_VMAP), 0);
		CHECK_EQ(charged(&c, HK_COST_VMAP_CALL), i == 0);
		CHECK_EQ(charged(&c, HK_COST_VMAP_PAGE), i == 0 ? 4 : 0);
	}
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(DO(&c, .op = HK_OP_MUNMAP), i < 2 ? 0 : -EINVAL);
		CHECK_EQ(DO(&c, .op = HK_OP_VUNMAP), i < 2 ? 0 : -EINVAL);
	}
	DO(&c, .op = HK_OP_VMAP);
	CHECK_EQ(charged(&c, HK_COST_VMAP_CALL), 1);
	bench_end(&c.bench);
}

TEST(mappings_of_the_cpu_end_with_the_last_free)
{
	struct checker c;

	start(&c);
	DO(&c, .op = HK_OP_MMAP);
	DO(&c, .op = HK_OP_VMAP);
	DO(&c, .op = HK_OP_BEGIN_CPU, .access = R);
	give(&c.bench, 0);
	allocate(&c.bench, 0, size, 0);
	CHECK_EQ(DO(&c, .op = HK_OP_MUNMAP), -EINVAL);
	CHECK_EQ(DO(&c, .op = HK_OP_VUNMAP), -EINVAL);
	DO(&c, .op = HK_OP_END_CPU, .access = R);
	CHECK_FOUND_ONE(&c, HK_END_WITHOUT_BEGIN, 0, 0);
	bench_end(&c.bench);
}

// --- Who is told ---

TEST(findings_beyond_the_capacity_are_counted)
{
	struct hk_finding found[3];
	struct checker c;

	start(&c);
	memset(found, 0xee, sizeof(found));
	hk_machine_watch(c.bench.machine, NULL, found, 2);
	for (uint32_t i = 0; i < 5; i++)
		sync_cpu(&c.bench, HK_OP_END_CPU, 0, R, 0, 0);
	CHECK_EQ(hk_machine_found(c.bench.machine), 5);
	CHECK_EQ(found[0].event, 1);
	CHECK_EQ(found[1].event, 2);
	CHECK_EQ(found[2].kind, 0xeeeeeeee);
	hk_machine_watch(c.bench.machine, NULL, NULL, 0);
	sync_cpu(&c.bench, HK_OP_END_CPU, 0, R, 0, 0);
	CHECK_EQ(hk_machine_found(c.bench.machine), 0);
	bench_end(&c.bench);
}

TEST(a_replay_names_the_events_of_the_trace)
{
	static const uint8_t op[] = {HK_OP_ALLOC, HK_OP_END_CPU, HK_OP_SHARE,
				     HK_OP_DEVICE_WRITE};
	static const uint32_t buffer[4], chain_start[] = {0, 1};
	static const uint64_t sizes[4] = {16384};
	static const uint16_t chain[4];
	static const int64_t time_ns[4];
	const struct hk_trace trace = {.n = 4,
				       .op = op,
				       .buffer = buffer,
				       .size = sizes,
				       .chain = chain,
				       .time_ns = time_ns,
				       .n_buffers = 1,
				       .n_chains = 1,
				       .n_devices = 1,
				       .chain_start = chain_start,
				       .chain_heap = chain};
	struct hk_finding found[8];
	struct hk_row row[4];
	struct hk_columns columns = {
		.row = row, .findings = found, .n_findings = 8};
	struct checker c;
	uint64_t done;

	plan(&c);
	bench_start(&c.bench);
	CHECK_EQ(hk_machine_replay(c.bench.machine, &trace, 0, 2, &columns, 0,
				   &done),
		 0);
	CHECK_EQ(columns.found, 1);
	CHECK_EQ(found[0].event, 1);
	CHECK_EQ(hk_machine_replay(c.bench.machine, &trace, 2, 2, &columns, 0,
				   &done),
		 0);
	CHECK_EQ(columns.found, 2);
	CHECK_EQ(found[0].event, 3);
	CHECK_EQ(found[1].kind, HK_LOST_DEVICE_WRITE);
	bench_end(&c.bench);
}

// --- As bytes ---

// Something of everything that is kept of a buffer's use.
static void use_all(struct checker *c)
{
	DO(c, .op = HK_OP_MMAP);
	DO(c, .op = HK_OP_VMAP);
	DO(c, .op = HK_OP_ATTACH, .device = ISP);
	DO(c, .op = HK_OP_MAP, .device = ISP, .access = HK_ACCESS_SKIP_SYNC);
	DO(c, .op = HK_OP_ATTACH, .device = GPU);
	DO(c, .op = HK_OP_BEGIN_CPU, .access = R);
	DO(c, .op = HK_OP_CPU_WRITE, .offset = 300, .size = 1000);
	DO(c, .op = HK_OP_DEVICE_WRITE, .offset = 4096, .size = 100);
	DO(c, .op = HK_OP_CPU_WRITE, .offset = 9000);
}

// Every question that can be asked of it afterwards, each with an answer that
// depends on what was before.
static uint64_t ask_all(struct checker *c)
{
	static const struct hk_event asked[] = {
		{.op = HK_OP_CPU_READ},
		{.op = HK_OP_DEVICE_READ},
		{.op = HK_OP_DEVICE_READ, .device = GPU},
		{.op = HK_OP_UNMAP},
		{.op = HK_OP_MAP, .device = GPU},
		{.op = HK_OP_END_CPU, .access = W},
		{.op = HK_OP_MUNMAP},
		{.op = HK_OP_MUNMAP},
		{.op = HK_OP_VUNMAP},
		{.op = HK_OP_VUNMAP},
		{.op = HK_OP_FREE},
		{.op = HK_OP_FREE},
	};
	uint64_t sum = 0;

	for (uint32_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		sum = sum * 31 + (uint64_t)checker_step(c, asked[i]);
		sum = sum * 31 + c->bench.row.latency_ns;
		for (uint64_t k = 0; k < c->n_found; k++)
			sum = sum * 31 + c->found[k].kind +
			      c->found[k].bytes * 7 + c->found[k].offset * 13;
	}
	return sum;
}

static uint8_t *save(const struct hk_machine *machine, uint64_t *bytes)
{
	uint8_t *state;

	CHECK_EQ(hk_machine_save(machine, NULL, 0, bytes), -ENOSPC);
	state = malloc(*bytes);
	CHECK_EQ(hk_machine_save(machine, state, *bytes, bytes), 0);
	return state;
}

TEST(what_was_saved_answers_as_what_was_not)
{
	struct checker one, other;
	uint8_t *state, *again;
	uint64_t bytes, bytes_again;

	start_shared(&one);
	use_all(&one);
	state = save(one.bench.machine, &bytes);
	start_shared(&other);
	CHECK_EQ(hk_machine_load(other.bench.machine, state, bytes), 0);
	again = save(other.bench.machine, &bytes_again);
	CHECK_EQ(bytes_again, bytes);
	CHECK(!memcmp(again, state, bytes));
	CHECK_EQ(ask_all(&one), ask_all(&other));
	bench_end(&one.bench);
	bench_end(&other.bench);
	free(again);
	free(state);
}

// --- When malloc() fails ---

static const struct hk_event writes[] = {
	{.op = HK_OP_CPU_WRITE, .offset = 64, .size = 64},
	{.op = HK_OP_DEVICE_WRITE, .offset = 256, .size = 64},
	{.op = HK_OP_BEGIN_CPU, .access = R, .offset = 512, .size = 64},
	{.op = HK_OP_END_CPU, .access = W, .offset = 1024, .size = 64},
};

// How many allocations @event can be failed in before it is carried out.
static uint32_t starve(struct checker *c, struct hk_event event)
{
	for (uint32_t nth = 1;; nth++) {
		int ret;

		checker_watch(c);
		fail_allocation(nth);
		ret = hk_machine_step(c->bench.machine, &event, &c->bench.row,
				      NULL);
		fail_allocation(0);
		bench_check(&c->bench);
		if (!ret)
			return nth - 1;
		CHECK_EQ(ret, -ENOMEM);
		CHECK_EQ(hk_machine_found(c->bench.machine), 0);
	}
}

TEST(an_access_that_starves_is_not_carried_out)
{
	for (uint32_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct checker c, fed;

		start_shared(&c);
		start_shared(&fed);
		// The lines and their dirty ones, then their stale ones.
		CHECK_EQ(starve(&c, writes[i]), 2);
		checker_step(&fed, writes[i]);
		CHECK_EQ(hk_machine_found(c.bench.machine), fed.n_found);
		CHECK_EQ(ask_all(&c), ask_all(&fed));
		bench_end(&c.bench);
		bench_end(&fed.bench);
	}
}

TEST(a_machine_that_starved_can_be_saved_and_loaded)
{
	for (uint32_t nth = 1; nth <= 3; nth++) {
		struct checker c, other;
		struct hk_event event = writes[0];
		uint64_t bytes;
		uint8_t *state;

		start_shared(&c);
		start_shared(&other);
		fail_allocation(nth);
		CHECK_EQ(hk_machine_step(c.bench.machine, &event, &c.bench.row,
					 NULL),
			 -ENOMEM);
		state = save(c.bench.machine, &bytes);
		CHECK_EQ(hk_machine_load(other.bench.machine, state, bytes), 0);
		CHECK_EQ(ask_all(&c), ask_all(&other));
		bench_end(&c.bench);
		bench_end(&other.bench);
		free(state);
	}
}

TEST(a_free_that_starves_says_nothing_of_what_is_left_over)
{
	struct checker c;
	const struct hk_event free_it = {.op = HK_OP_FREE};

	plan(&c);
	bench_memory(&c.bench, MIB(16));
	bench_system(&c.bench, HK_HEAP_POOLED);
	bench_start(&c.bench);
	allocate(&c.bench, 0, size, 1);
	DO(&c, .op = HK_OP_ATTACH);
	CHECK(starve(&c, free_it) > 0);
	CHECK_EQ(hk_machine_found(c.bench.machine), 1);
	CHECK_EQ(c.found[0].kind, HK_MAPPED_AT_FREE);
	bench_end(&c.bench);
}
