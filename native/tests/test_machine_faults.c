// SPDX-License-Identifier: MIT
//
// Fault injection: the n-th allocation of every call fails, for every n. A call
// that says -ENOMEM can be repeated, and what comes of it is, byte for byte,
// what a machine that never starved has. But for an ALLOC that has taken blocks
// when it starves: it gives them back, which leaves the free lists in another
// order.
#include <stdlib.h>
#include <string.h>

#include "random_trace.h"

enum { SWEPT = 600, STATE_BYTES = 1 << 20 };

static uint64_t save(const struct bench *bench, uint8_t *state)
{
	uint64_t size;

	CHECK_EQ(hk_machine_save(bench->machine, state, STATE_BYTES, &size), 0);
	return size;
}

// Event @i, its @nth allocation failing; how often it had to be repeated:
// never, or once.
static uint32_t replay_starved(struct bench *bench, struct random_trace *t,
			       uint64_t i, uint32_t nth)
{
	uint64_t done;
	int ret;

	fail_allocation(nth);
	ret = trace_replay(bench, t, i, 1, 0, &done);
	fail_allocation(0);
	if (!ret)
		return 0;
	CHECK_EQ(ret, -ENOMEM);
	CHECK_EQ(done, i);
	bench_check(bench);
	CHECK_EQ(trace_replay(bench, t, i, 1, 0, &done), 0);
	return 1;
}

static void compare(const struct random_trace *t,
		    const struct random_trace *twin)
{
	CHECK(!memcmp(t->row, twin->row, SWEPT * sizeof(*t->row)));
	CHECK(!memcmp(t->gauges, twin->gauges, SWEPT * sizeof(*t->gauges)));
	CHECK(!memcmp(t->fill, twin->fill, SWEPT * sizeof(*t->fill)));
}

// All events with the @nth allocation of each failing, an ALLOC's the
// @nth_of_alloc; how many starved. @bench is left running.
static uint32_t sweep(struct bench *bench, struct random_trace *t, uint32_t nth,
		      uint32_t nth_of_alloc)
{
	uint32_t starved = 0;

	bench_of_all_kinds(bench);
	for (uint64_t i = 0; i < SWEPT; i++)
		starved += replay_starved(bench, t, i,
					  t->op[i] == HK_OP_ALLOC ? nth_of_alloc
								  : nth);
	return starved;
}

// The same, compared with the @twin at its end.
static uint32_t sweep_beside(const struct random_trace *twin,
			     const uint8_t *twin_state, uint64_t twin_size,
			     uint32_t nth)
{
	static uint8_t state[STATE_BYTES];
	struct random_trace *t = random_trace(3);
	struct bench bench;
	const uint32_t starved = sweep(&bench, t, nth, 0);

	compare(t, twin);
	CHECK_EQ(save(&bench, state), twin_size);
	CHECK(!memcmp(state, twin_state, twin_size));
	bench_end(&bench);
	free(t);
	return starved;
}

TEST(what_starves_anywhere_but_an_allocation_goes_on_as_if_it_had_not)
{
	static uint8_t state[STATE_BYTES];
	struct random_trace *twin = random_trace(3);
	uint32_t starved = 0;
	struct bench bench;
	uint64_t size, done;

	bench_of_all_kinds(&bench);
	CHECK_EQ(trace_replay(&bench, twin, 0, SWEPT, 0, &done), 0);
	size = save(&bench, state);
	bench_end(&bench);
	for (uint32_t nth = 1; nth < 8; nth++)
		starved += sweep_beside(twin, state, size, nth);
	CHECK(starved > 10);
	free(twin);
}

TEST(an_allocation_that_starves_anywhere_can_be_repeated)
{
	uint32_t starved, nth = 1;

	do {
		struct random_trace *t = random_trace(3);
		struct bench bench;

		starved = sweep(&bench, t, 0, nth++);
		bench_end(&bench);
		free(t);
	} while (starved);
	CHECK(nth > 3);
}

TEST(a_machine_that_cannot_be_made_leaves_nothing_behind)
{
	struct bench bench;
	uint32_t nth = 0;
	int ret;

	do {
		bench_plan_of_all_kinds(&bench);
		fail_allocation(++nth);
		ret = hk_machine_create(&bench.spec, &bench.machine);
		fail_allocation(0);
		CHECK(ret == 0 || ret == -ENOMEM);
	} while (ret);
	CHECK(nth > 20);
	bench_end(&bench);
}

// From one second to the next, the whole of it or none of what had not ended.
TEST(idle_threads_that_starve_anywhere_go_on_as_if_they_had_not)
{
	static uint8_t state[STATE_BYTES], twin_state[STATE_BYTES];
	const int64_t later = INT64_C(1) << 40;
	struct random_trace *t = random_trace(3);
	struct bench bench, twin;
	uint64_t done, size;
	uint32_t nth = 0;

	bench_of_all_kinds(&bench);
	bench_of_all_kinds(&twin);
	CHECK_EQ(trace_replay(&twin, t, 0, SWEPT, 0, &done), 0);
	CHECK_EQ(trace_replay(&bench, t, 0, SWEPT, 0, &done), 0);
	CHECK_EQ(hk_machine_advance(twin.machine, later), 0);
	do {
		fail_allocation(++nth);
		done = (uint64_t)hk_machine_advance(bench.machine, later);
		fail_allocation(0);
		bench_check(&bench);
	} while ((int)done == -ENOMEM);
	CHECK_EQ(done, 0);
	size = save(&twin, twin_state);
	CHECK_EQ(save(&bench, state), size);
	CHECK(!memcmp(state, twin_state, size));
	bench_end(&bench);
	bench_end(&twin);
	free(t);
}
