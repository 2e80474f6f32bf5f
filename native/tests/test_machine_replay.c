// SPDX-License-Identifier: MIT
//
// The bulk call: the same as stepping, safe against any input, and whole when
// malloc() fails.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEM, POOLED, CMA, CARVEOUT, CHUNK, SECURE, EVENTS = 4000, IDS = 60 };

// Chains: each heap alone, then carveout to system, and one that nobody uses.
static const uint32_t chain_start[] = {0, 1, 2, 3, 4, 5, 6, 8, 8};
static const uint16_t chain_heap[] = {0, 1, 2, 3, 4, 5, 3, 0};
enum { USED_CHAINS = 7, NR_CHAINS = 8 };

struct table {
	struct hk_trace trace;
	uint8_t op[EVENTS];
	uint32_t buffer[EVENTS];
	uint64_t size[EVENTS];
	uint16_t chain[EVENTS];
	int64_t time_ns[EVENTS];
	uint16_t device[EVENTS];
	uint8_t access[EVENTS];
	uint64_t offset[EVENTS];
	struct hk_row row[EVENTS];
	struct hk_gauges gauges[EVENTS];
	struct hk_pool_fill fill[EVENTS];
};

static void bench_full(struct bench *bench)
{
	struct hk_heap_spec *heap;

	bench_init(bench);
	bench_memory(bench, MIB(24));
	bench->spec.memory.min_free = MIB(1);
	bench_system(bench, 0);
	heap = bench_system(bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	heap->pool_fill[0] = MIB(3);
	heap->pool_low[0] = MIB(2);
	heap->pool_limit = MIB(4);
	heap->refill_defer_ns = 1000000;
	bench_region(bench, HK_HEAP_CMA, MIB(12), MIB(4));
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(4), MIB(4))->flags =
		HK_HEAP_DEFERRED_FREE | HK_HEAP_ZERO_AT_FREE |
		HK_HEAP_RETRY_DRAINED;
	bench_region(bench, HK_HEAP_CHUNK, MIB(64), MIB(4));
	bench_region(bench, HK_HEAP_SECURE, MIB(72), MIB(4));
	bench_device(bench, false);
	bench_device(bench, true);
	bench_start(bench);
}

static uint8_t random_op(struct rng *rng, bool live)
{
	const uint32_t n = rng_below(rng, 16);

	if (n == 0)
		return HK_OP_PRESSURE;
	if (!live)
		return HK_OP_ALLOC;
	return n < 8 ? HK_OP_FREE : (uint8_t)(HK_OP_ATTACH + n % 6);
}

static struct table *random_trace(uint64_t seed)
{
	struct table *t = calloc(1, sizeof(*t));
	struct rng rng = {seed};
	bool live[IDS] = {false};
	int64_t now = 0;

	for (uint32_t i = 0; i < EVENTS; i++) {
		const uint32_t id = rng_below(&rng, IDS);

		t->buffer[i] = id;
		t->op[i] = random_op(&rng, live[id]);
		live[id] ^= t->op[i] == HK_OP_ALLOC || t->op[i] == HK_OP_FREE;
		t->size[i] = rng_size(&rng, 22);
		t->offset[i] = rng_below(&rng, 4096);
		t->chain[i] = (uint16_t)rng_below(&rng, USED_CHAINS);
		t->device[i] = (uint16_t)rng_below(&rng, 2);
		t->access[i] = (uint8_t)(1 + rng_below(&rng, 3));
		t->time_ns[i] = now += rng_below(&rng, 200000);
	}
	t->trace = (struct hk_trace){
		.n = EVENTS,
		.op = t->op,
		.buffer = t->buffer,
		.size = t->size,
		.chain = t->chain,
		.time_ns = t->time_ns,
		.device = t->device,
		.access = t->access,
		.offset = t->offset,
		.n_buffers = IDS,
		.n_chains = NR_CHAINS,
		.n_devices = 2,
		.chain_start = chain_start,
		.chain_heap = chain_heap,
	};
	return t;
}

static int replay(struct bench *bench, struct table *t, uint64_t first,
		  uint64_t count, uint64_t check_every, uint64_t *done)
{
	return hk_machine_replay(bench->machine, &t->trace, first, count,
				 &t->row[first], &t->gauges[first],
				 &t->fill[first], POOLED, check_every, done);
}

TEST(random_events_never_break_an_invariant)
{
	for (uint64_t seed = 1; seed <= scaled(4); seed++) {
		struct bench bench;
		struct table *t = random_trace(seed);
		struct hk_fault fault;
		uint64_t done;

		CHECK_EQ(hk_trace_check(&t->trace, &fault), 0);
		bench_full(&bench);
		CHECK_EQ(replay(&bench, t, 0, EVENTS, 1, &done), 0);
		CHECK_EQ(done, EVENTS);
		bench_end(&bench);
		free(t);
	}
}

static void step_like(struct bench *bench, const struct table *t, uint32_t i)
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
		.heap = &chain_heap[chain_start[chain]],
		.n_heaps = chain_start[chain + 1] - chain_start[chain],
	};

	CHECK_EQ(hk_machine_step(bench->machine, &event, &bench->row,
				 &bench->gauges),
		 0);
}

TEST(a_replay_in_parts_equals_one_and_equals_stepping)
{
	struct bench bench;
	struct table *t = random_trace(77);
	struct table *parts = random_trace(77);
	uint64_t done;

	bench_full(&bench);
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 0, &done), 0);
	bench_end(&bench);

	bench_full(&bench);
	for (uint64_t first = 0; first < EVENTS; first += 500)
		CHECK_EQ(replay(&bench, parts, first, 500, 0, &done), 0);
	CHECK_EQ(done, EVENTS);
	bench_end(&bench);
	CHECK(!memcmp(t->row, parts->row, sizeof(t->row)));
	CHECK(!memcmp(t->gauges, parts->gauges, sizeof(t->gauges)));
	CHECK(!memcmp(t->fill, parts->fill, sizeof(t->fill)));

	bench_full(&bench);
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
	struct table *t = random_trace(5);
	uint64_t done;

	bench_full(&bench);
	t->op[100] = 200;
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	CHECK_EQ(done, 100);
	t->op[100] = HK_OP_ALLOC;
	t->buffer[100] = IDS;
	CHECK_EQ(replay(&bench, t, 100, 1, 0, &done), -EINVAL);
	t->buffer[100] = 0;
	t->chain[100] = NR_CHAINS;
	CHECK_EQ(replay(&bench, t, 100, 1, 0, &done), -EINVAL);
	CHECK_EQ(done, 100);
	bench_end(&bench);
	free(t);
}

TEST(events_beyond_the_last_are_refused)
{
	struct bench bench;
	struct table *t = random_trace(5);
	uint64_t done;

	bench_full(&bench);
	t->trace.n = 10;
	CHECK_EQ(replay(&bench, t, 11, 0, 0, &done), -EINVAL);
	CHECK_EQ(replay(&bench, t, 10, 1, 0, &done), -EINVAL);
	CHECK_EQ(replay(&bench, t, 1, UINT64_MAX, 0, &done), -EINVAL);
	CHECK_EQ(replay(&bench, t, 10, 0, 0, &done), 0);
	bench_end(&bench);
	free(t);
}

TEST(a_chain_through_a_heap_that_is_not_there_is_refused)
{
	struct bench bench;
	struct table *t = random_trace(5);
	const uint32_t backwards[] = {0, 1, 0, 3, 4, 5, 6, 8, 8};
	const uint16_t beyond[] = {0, 1, 2, 3, 4, 5, 6, 0};
	uint64_t done;

	bench_full(&bench);
	t->trace.chain_heap = beyond;
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	CHECK_EQ(done, 0);
	t->trace.chain_heap = chain_heap;
	t->trace.chain_start = backwards;
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 0, &done), -EINVAL);
	t->trace.chain_start = chain_start;
	CHECK_EQ(hk_machine_replay(bench.machine, &t->trace, 0, 1, t->row, NULL,
				   t->fill, 6, 0, &done),
		 -EINVAL);
	bench_end(&bench);
	free(t);
}

TEST(a_broken_invariant_names_its_event)
{
	struct bench bench;
	struct table *t = random_trace(5);
	uint64_t done;

	bench_full(&bench);
	bench.machine->heap[SYSTEM].held_bytes++;
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 8, &done), -EUCLEAN);
	CHECK_EQ(done, CHECKS_EVERY_EVENT ? 0 : 7);
	hk_machine_destroy(bench.machine);
	free(t);
}

TEST(a_check_that_starves_leaves_its_event_carried_out)
{
	struct bench bench;
	struct table *t = random_trace(5);
	uint64_t done;

	bench_full(&bench);
	fail_allocation_of_check(1);
	CHECK_EQ(replay(&bench, t, 0, EVENTS, 8, &done), -ENOMEM);
	CHECK_EQ(done, CHECKS_EVERY_EVENT ? 1 : 8);
	CHECK_EQ(replay(&bench, t, done, EVENTS - done, 0, &done), 0);
	CHECK_EQ(done, EVENTS);
	bench_end(&bench);
	free(t);
}

// Starve at every event that needs memory: it is refused, every invariant still
// holds, and it goes through when tried again.
TEST(a_starved_replay_stops_whole_and_goes_on)
{
	struct bench bench;
	struct table *t = random_trace(9);
	uint64_t done = 0;
	uint32_t refusals = 0;

	bench_full(&bench);
	while (done < 1500) {
		fail_allocation(1);
		const int ret = replay(&bench, t, done, 1500 - done, 0, &done);

		fail_allocation(0);
		bench_check(&bench);
		if (!ret)
			break;
		CHECK_EQ(ret, -ENOMEM);
		refusals++;
		CHECK_EQ(replay(&bench, t, done, 1, 0, &done), 0);
	}
	CHECK_EQ(done, 1500);
	CHECK(refusals > 20);
	bench_end(&bench);
	free(t);
}
