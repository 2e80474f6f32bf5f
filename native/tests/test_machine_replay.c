// SPDX-License-Identifier: MIT
//
// The bulk call: the same as stepping, safe against any input, and whole when
// malloc() fails.
#include "random_trace.h"

#include <stdlib.h>
#include <string.h>

TEST(random_events_never_break_an_invariant)
{
	for (uint64_t seed = 1; seed <= scaled(4); seed++) {
		struct bench bench;
		struct random_trace *t = random_trace(seed);
		struct hk_fault fault;
		uint64_t done;

		CHECK_EQ(hk_trace_check(&t->trace, &fault), 0);
		bench_of_all_kinds(&bench);
		CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 1, &done), 0);
		CHECK_EQ(done, EVENTS);
		bench_end(&bench);
		free(t);
	}
}

static void step_like(struct bench *bench, const struct random_trace *t,
		      uint32_t i)
{
	const uint32_t chain = t->chain[i];
	struct hk_event event = {
		.op = t->op[i],
		.buffer = t->buffer[i],
		.size = t->size[i],
		.offset = t->offset[i],
		.time_ns = t->time_ns[i],
		.device = t->device[i],
		.access = t->access[i],
		.heap = &trace_chain_heap[trace_chain_start[chain]],
		.n_heaps =
			trace_chain_start[chain + 1] - trace_chain_start[chain],
	};

	CHECK_EQ(hk_machine_step(bench->machine, &event, &bench->row,
				 &bench->gauges),
		 0);
}

TEST(a_replay_in_parts_equals_one_and_equals_stepping)
{
	struct bench bench;
	struct random_trace *t = random_trace(77);
	struct random_trace *parts = random_trace(77);
	uint64_t done;

	bench_of_all_kinds(&bench);
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 0, &done), 0);
	bench_end(&bench);

	bench_of_all_kinds(&bench);
	for (uint64_t first = 0; first < EVENTS; first += 500)
		CHECK_EQ(trace_replay(&bench, parts, first, 500, 0, &done), 0);
	CHECK_EQ(done, EVENTS);
	bench_end(&bench);
	CHECK(!memcmp(t->row, parts->row, sizeof(t->row)));
	CHECK(!memcmp(t->gauges, parts->gauges, sizeof(t->gauges)));
	CHECK(!memcmp(t->fill, parts->fill, sizeof(t->fill)));

	bench_of_all_kinds(&bench);
	for (uint32_t i = 0; i < EVENTS; i++) {
		step_like(&bench, t, i);
		CHECK(!memcmp(&bench.row, &t->row[i], sizeof(bench.row)));
		CHECK(!memcmp(&bench.gauges, &t->gauges[i],
			      sizeof(bench.gauges)));
	}
	bench_end(&bench);
	free(parts);
	free(t);
}

TEST(a_trace_that_makes_no_sense_is_refused_where_it_does_not)
{
	struct bench bench;
	struct random_trace *t = random_trace(5);
	uint64_t done;

	bench_of_all_kinds(&bench);
	t->op[100] = 200;
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	CHECK_EQ(done, 100);
	t->op[100] = HK_OP_ALLOC;
	t->buffer[100] = IDS;
	CHECK_EQ(trace_replay(&bench, t, 100, 1, 0, &done), -EINVAL);
	t->buffer[100] = 0;
	t->chain[100] = NR_CHAINS;
	CHECK_EQ(trace_replay(&bench, t, 100, 1, 0, &done), -EINVAL);
	CHECK_EQ(done, 100);
	bench_end(&bench);
	free(t);
}

TEST(events_beyond_the_last_are_refused)
{
	struct bench bench;
	struct random_trace *t = random_trace(5);
	uint64_t done;

	bench_of_all_kinds(&bench);
	t->trace.n = 10;
	CHECK_EQ(trace_replay(&bench, t, 11, 0, 0, &done), -EINVAL);
	CHECK_EQ(trace_replay(&bench, t, 10, 1, 0, &done), -EINVAL);
	CHECK_EQ(trace_replay(&bench, t, 1, UINT64_MAX, 0, &done), -EINVAL);
	CHECK_EQ(trace_replay(&bench, t, 10, 0, 0, &done), 0);
	bench_end(&bench);
	free(t);
}

TEST(a_chain_through_a_heap_that_is_not_there_is_refused)
{
	struct bench bench;
	struct random_trace *t = random_trace(5);
	const uint32_t backwards[] = {0, 1, 0, 3, 4, 5, 6, 8, 9, 10, 10};
	const uint16_t beyond[] = {0, 1, 2, 3, 4, 5, 3, 0, 6, 8};
	uint64_t done;

	bench_of_all_kinds(&bench);
	t->trace.chain_heap = beyond;
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	CHECK_EQ(done, 0);
	t->trace.chain_heap = trace_chain_heap;
	t->trace.chain_start = backwards;
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	t->trace.chain_start = trace_chain_start;
	struct hk_columns no_heap = {
		.row = t->row,
		.fills = t->fill,
		.fill_heap = 8,
	};
	CHECK_EQ(hk_machine_replay(bench.machine, &t->trace, 0, 1, &no_heap, 0,
				   &done),
		 -EINVAL);
	bench_end(&bench);
	free(t);
}

TEST(a_broken_invariant_names_its_event)
{
	struct bench bench;
	struct random_trace *t = random_trace(5);
	uint64_t done;

	bench_of_all_kinds(&bench);
	bench.machine->heap[SYSTEM].held_bytes++;
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 8, &done), -EUCLEAN);
	CHECK_EQ(done, CHECKS_EVERY_EVENT ? 0 : 7);
	hk_machine_destroy(bench.machine);
	free(t);
}

TEST(a_check_that_starves_leaves_its_event_carried_out)
{
	struct bench bench;
	struct random_trace *t = random_trace(5);
	uint64_t done;

	bench_of_all_kinds(&bench);
	fail_allocation_of_check(1);
	CHECK_EQ(trace_replay(&bench, t, 0, EVENTS, 8, &done), -ENOMEM);
	CHECK_EQ(done, CHECKS_EVERY_EVENT ? 1 : 8);
	CHECK_EQ(trace_replay(&bench, t, done, EVENTS - done, 0, &done), 0);
	CHECK_EQ(done, EVENTS);
	bench_end(&bench);
	free(t);
}

// Starve at every event that needs memory: it is refused, every invariant still
// holds, and it goes through when tried again.
TEST(a_starved_replay_stops_whole_and_goes_on)
{
	struct bench bench;
	struct random_trace *t = random_trace(9);
	uint64_t done = 0;
	uint32_t refusals = 0;

	bench_of_all_kinds(&bench);
	while (done < 1500) {
		fail_allocation(1);
		const int ret =
			trace_replay(&bench, t, done, 1500 - done, 0, &done);

		fail_allocation(0);
		bench_check(&bench);
		if (!ret)
			break;
		CHECK_EQ(ret, -ENOMEM);
		refusals++;
		CHECK_EQ(trace_replay(&bench, t, done, 1, 0, &done), 0);
	}
	CHECK_EQ(done, 1500);
	CHECK(refusals > 20);
	bench_end(&bench);
	free(t);
}
