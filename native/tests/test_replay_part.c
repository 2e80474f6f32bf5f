// SPDX-License-Identifier: MIT
//
// A replay in parts counts what the replay of the whole shows row by row.
#include "../src/tally.h"

#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { SYSTEM, CARVEOUT, CHUNK, HEAPS, EVENTS = 3000, IDS = 40 };
enum { BUCKETS = 8, KEPT = 5, ROWS = HEAPS + 1 };

// Each heap alone, then carveout to system, and twice the carveout.
static const uint32_t chain_start[] = {0, 1, 2, 3, 5, 7};
static const uint16_t chain_heap[] = {0, 1, 2, 1, 0, 1, 1};
enum { NR_CHAINS = 5 };

struct table {
	struct hk_trace trace;
	uint8_t op[EVENTS];
	uint32_t buffer[EVENTS];
	uint64_t id[EVENTS];
	uint64_t size[EVENTS];
	uint16_t chain[EVENTS];
	int64_t time_ns[EVENTS];
	uint16_t device[EVENTS];
	uint8_t access[EVENTS];
	uint64_t offset[EVENTS];
	struct hk_row row[EVENTS];
	struct hk_gauges gauges[EVENTS];
};

struct count {
	struct hk_tally tally;
	struct hk_totals totals;
	struct hk_heap_tally heap[ROWS];
	struct hk_op_tally op[ROWS * HK_NR_OPS];
	uint64_t status[ROWS * HK_NR_OPS * HK_NR_ERRNOS];
	uint64_t latency[ROWS * HK_NR_OPS * HK_LATENCY_BINS];
	struct hk_bucket bucket[ROWS * BUCKETS];
	int64_t bucket_time_ns[BUCKETS];
	struct hk_refusal kept[KEPT];
};

static void bench_three(struct bench *bench)
{
	bench_init(bench);
	bench_memory(bench, MIB(8));
	bench_system(bench, HK_HEAP_POOLED | HK_HEAP_DEFERRED_FREE);
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(64), MIB(4));
	bench_region(bench, HK_HEAP_CHUNK, MIB(80), MIB(4));
	bench_start(bench);
}

static uint8_t random_op(struct rng *rng, bool live)
{
	static const uint8_t used[] = {
		HK_OP_FREE,	   HK_OP_FREE,	  HK_OP_FREE,  HK_OP_FREE,
		HK_OP_ATTACH,	   HK_OP_DETACH,  HK_OP_MAP,   HK_OP_UNMAP,
		HK_OP_BEGIN_CPU,   HK_OP_END_CPU, HK_OP_SHARE, HK_OP_CPU_WRITE,
		HK_OP_DEVICE_READ, HK_OP_MMAP,
	};

	if (rng_below(rng, 16) == 0)
		return HK_OP_PRESSURE;
	return live ? used[rng_below(rng, sizeof(used))] : HK_OP_ALLOC;
}

static struct table *random_trace(uint64_t seed)
{
	struct table *t = calloc(1, sizeof(*t));
	uint32_t live[IDS] = {0}; // references
	struct rng rng = {seed};

	for (uint32_t i = 0; i < EVENTS; i++) {
		const uint32_t id = rng_below(&rng, IDS);

		t->buffer[i] = id;
		t->id[i] = (uint64_t)id << 33 | 5;
		t->op[i] = random_op(&rng, live[id]);
		live[id] += t->op[i] == HK_OP_ALLOC || t->op[i] == HK_OP_SHARE;
		live[id] -= t->op[i] == HK_OP_FREE;
		t->size[i] = rng_size(&rng, 21);
		t->chain[i] = (uint16_t)rng_below(&rng, NR_CHAINS);
		t->time_ns[i] = (int64_t)i * 1000;
		t->device[i] = (uint16_t)rng_below(&rng, 2);
		t->access[i] = (uint8_t)(1 + rng_below(&rng, 3));
		t->offset[i] = rng_below(&rng, 4096);
	}
	t->trace = (struct hk_trace){.n = EVENTS,
				     .op = t->op,
				     .buffer = t->buffer,
				     .size = t->size,
				     .chain = t->chain,
				     .time_ns = t->time_ns,
				     .n_buffers = IDS,
				     .n_chains = NR_CHAINS,
				     .n_devices = 2,
				     .chain_start = chain_start,
				     .chain_heap = chain_heap};
	// These columns may be absent.
	if (seed % 2) {
		t->trace.device = t->device;
		t->trace.access = t->access;
		t->trace.offset = t->offset;
	}
	return t;
}

static struct count *count_new(void)
{
	struct count *count = calloc(1, sizeof(*count));

	count->totals.bucket_events = 1;
	for (uint32_t h = 0; h < ROWS; h++)
		count->heap[h].granule = h == CHUNK ? KIB(64) : KIB(4);
	count->tally =
		(struct hk_tally){.n_heaps = HEAPS,
				  .n_buckets = BUCKETS,
				  .n_kept = KEPT,
				  .totals = &count->totals,
				  .heap = count->heap,
				  .op = count->op,
				  .status = count->status,
				  .latency = count->latency,
				  .bucket = count->bucket,
				  .bucket_time_ns = count->bucket_time_ns,
				  .kept = count->kept};
	return count;
}

static struct count *replay_parts(const struct table *t, uint64_t step)
{
	struct count *count = count_new();
	struct hk_intake *intake;
	struct hk_fault fault;
	struct bench bench;

	bench_three(&bench);
	CHECK_EQ(hk_intake_create(&intake), 0);
	for (uint64_t i = 0; i < EVENTS; i += step)
		CHECK_EQ(hk_machine_replay_part(
				 bench.machine, intake, &count->tally,
				 &t->trace, t->id, i,
				 EVENTS - i < step ? EVENTS - i : step, &fault),
			 0);
	hk_intake_destroy(intake);
	bench_end(&bench);
	return count;
}

static void replay_whole(struct table *t)
{
	struct bench bench;
	struct hk_columns columns = {.row = t->row, .gauges = t->gauges};
	uint64_t done;

	bench_three(&bench);
	CHECK_EQ(hk_machine_replay(bench.machine, &t->trace, 0, EVENTS,
				   &columns, 0, &done),
		 0);
	bench_end(&bench);
}

static uint32_t row_of(const struct table *t, uint64_t i)
{
	return t->row[i].heap < 0 ? HEAPS : (uint32_t)t->row[i].heap;
}

TEST(parts_of_any_length_count_the_same)
{
	struct table *t = random_trace(1);
	struct count *one = replay_parts(t, EVENTS);
	struct count *other = replay_parts(t, 7);

	// All but the pointers to its arrays.
	CHECK_EQ(memcmp(&one->totals, &other->totals,
			sizeof(*one) - offsetof(struct count, totals)),
		 0);
	free(other);
	free(one);
	free(t);
}

TEST(a_histogram_holds_every_latency_of_its_heap_and_op)
{
	struct table *t = random_trace(2);
	struct count *count = replay_parts(t, 500);

	replay_whole(t);
	for (uint64_t i = 0; i < EVENTS; i++) {
		const uint32_t cell = row_of(t, i) * HK_NR_OPS + t->op[i];
		const struct hk_row *row = &t->row[i];

		CHECK(count->status[cell * HK_NR_ERRNOS +
				    (uint32_t)-row->status]--);
		count->op[cell].latency_ns -= row->latency_ns;
		if (row->status)
			continue;
		CHECK(count->latency[(uint64_t)cell * HK_LATENCY_BINS +
				     tally_bin(row->latency_ns)]--);
		CHECK(count->op[cell].least_ns <= row->latency_ns);
		CHECK(count->op[cell].most_ns >= row->latency_ns);
	}
	for (uint32_t i = 0; i < ROWS * HK_NR_OPS; i++)
		CHECK_EQ(count->op[i].latency_ns, 0);
	for (uint32_t i = 0; i < ROWS * HK_NR_OPS * HK_LATENCY_BINS; i++)
		CHECK_EQ(count->latency[i], 0);
	free(count);
	free(t);
}

TEST(an_envelope_has_the_extremes_of_each_span)
{
	struct table *t = random_trace(3);
	struct count *count = replay_parts(t, 100);
	const uint64_t span = count->totals.bucket_events;

	replay_whole(t);
	CHECK_EQ(span, 512); // 3000 events in 8 buckets
	for (uint32_t b = 0; b < BUCKETS * span / EVENTS; b++)
		CHECK_EQ(count->bucket_time_ns[b], t->time_ns[b * span]);
	for (uint64_t i = 0; i < EVENTS; i++) {
		struct hk_bucket *bucket =
			&count->bucket[row_of(t, i) * BUCKETS + i / span];

		CHECK(bucket->events--);
		bucket->sum[3] -= t->gauges[i].deferred_bytes;
		CHECK(bucket->low[1] <= t->gauges[i].largest_free_bytes);
		CHECK(bucket->high[1] >= t->gauges[i].largest_free_bytes);
		// The event that is the lowest, or highest, is met.
		if (bucket->low[0] == t->gauges[i].free_bytes)
			bucket->low[2] = NOWHERE;
		if (bucket->high[0] == t->gauges[i].free_bytes)
			bucket->high[2] = NOWHERE;
	}
	for (uint32_t i = 0; i < ROWS * BUCKETS; i++) {
		const bool any = count->bucket[i].high[0];

		CHECK_EQ(count->bucket[i].events, 0);
		CHECK_EQ(count->bucket[i].sum[3], 0);
		CHECK_EQ(count->bucket[i].low[2], any ? NOWHERE : 0);
		CHECK_EQ(count->bucket[i].high[2], any ? NOWHERE : 0);
	}
	free(count);
	free(t);
}

// What hk_machine_replay() showed, counted once more.
static void check_requests(const struct table *t, const struct count *count)
{
	uint64_t served[HEAPS] = {0}, tries = 0, refused = 0, asked = 0;
	uint64_t fallbacks = 0;

	for (uint64_t i = 0; i < EVENTS; i++) {
		const struct hk_row *row = &t->row[i];
		const bool twice = t->chain[i] == NR_CHAINS - 1;

		if (t->op[i] != HK_OP_ALLOC)
			continue;
		served[row->heap] += !row->status;
		fallbacks += !row->status && row->tried > 1;
		// The chain that names its heap twice asks one heap.
		tries += row->tried == 2 && twice ? 1 : row->tried;
	}
	CHECK_EQ(count->totals.fallbacks, fallbacks);
	for (uint32_t h = 0; h < HEAPS; h++) {
		CHECK_EQ(count->heap[h].served, served[h]);
		CHECK_EQ(count->heap[h].refused + served[h],
			 count->heap[h].asked);
		asked += count->heap[h].asked;
		for (uint32_t b = 0; b < BUCKETS; b++)
			refused += count->bucket[h * BUCKETS + b].refused;
		refused -= count->heap[h].refused;
	}
	CHECK_EQ(asked, tries);
	CHECK_EQ(refused, 0);
}

TEST(every_heap_that_was_asked_is_counted)
{
	struct table *t = random_trace(4);
	struct count *count = replay_parts(t, 1000);

	replay_whole(t);
	check_requests(t, count);
	CHECK(count->heap[CARVEOUT].refused > 10);
	free(count);
	free(t);
}

TEST(held_bytes_rise_with_whole_granules_and_fall_with_the_free)
{
	struct table *t = random_trace(5);
	struct count *count = replay_parts(t, 300);
	uint64_t bytes[IDS] = {0}, held = 0, peak = 0;
	uint32_t shared[IDS] = {0};

	replay_whole(t);
	for (uint64_t i = 0; i < EVENTS; i++) {
		shared[t->buffer[i]] += t->op[i] == HK_OP_SHARE;
		if (t->op[i] == HK_OP_FREE && shared[t->buffer[i]]) {
			shared[t->buffer[i]]--;
		} else if (t->op[i] == HK_OP_FREE) {
			held -= bytes[t->buffer[i]];
			bytes[t->buffer[i]] = 0;
		}
		if (t->op[i] != HK_OP_ALLOC || t->row[i].status ||
		    t->row[i].heap != CHUNK)
			continue;
		bytes[t->buffer[i]] =
			(t->size[i] + KIB(64) - 1) / KIB(64) * KIB(64);
		held += bytes[t->buffer[i]];
		peak = held > peak ? held : peak;
	}
	CHECK_EQ(count->heap[CHUNK].held_bytes, held);
	CHECK_EQ(count->heap[CHUNK].peak_bytes, peak);
	free(count);
	free(t);
}

TEST(the_first_refusals_are_kept_whole)
{
	struct table *t = random_trace(6);
	struct count *count = replay_parts(t, EVENTS);
	uint64_t n = 0;

	replay_whole(t);
	for (uint64_t i = 0; i < EVENTS; i++) {
		const struct hk_refusal *kept = &count->kept[n];

		if (!t->row[i].status || n++ >= KEPT)
			continue;
		CHECK_EQ(kept->event, i);
		CHECK_EQ(kept->buffer, t->id[i]);
		CHECK_EQ(kept->status, t->row[i].status);
		CHECK_EQ(kept->heap, t->row[i].heap);
		CHECK_EQ(kept->op, t->op[i]);
		CHECK_EQ(kept->size, t->size[i]);
	}
	CHECK(n > KEPT);
	CHECK_EQ(count->totals.refusals, n);
	free(count);
	free(t);
}

static void check_refused(struct bench *bench, struct count *count,
			  const struct table *t, uint64_t first, uint64_t n)
{
	struct hk_intake *intake;
	struct hk_fault fault;

	CHECK_EQ(hk_intake_create(&intake), 0);
	CHECK_EQ(hk_machine_replay_part(bench->machine, intake, &count->tally,
					&t->trace, t->id, first, n, &fault),
		 -EINVAL);
	CHECK_EQ(fault.rule, HK_TRACE_OK);
	CHECK_EQ(count->totals.events, 0);
	hk_intake_destroy(intake);
}

TEST(a_tally_for_other_heaps_or_of_other_events_is_refused)
{
	struct table *t = random_trace(7);
	struct bench bench;

	bench_three(&bench);
	for (uint32_t change = 0; change < 6; change++) {
		struct count *count = count_new();

		count->tally.n_heaps -= change == 0;
		count->tally.n_buckets -= change == 1;
		count->tally.n_buckets *= change != 2;
		count->totals.bucket_events = change == 3 ? 3 : 1;
		count->heap[1].granule *= change != 4;
		check_refused(&bench, count, t, change == 5 ? EVENTS : 0, 1);
		free(count);
	}
	bench_end(&bench);
	free(t);
}

TEST(a_part_that_breaks_a_rule_is_refused_by_its_event)
{
	struct table *t = random_trace(8);
	struct count *count = count_new();
	struct hk_intake *intake;
	struct hk_fault fault;
	struct bench bench;

	t->op[700] = HK_NR_OPS;
	bench_three(&bench);
	CHECK_EQ(hk_intake_create(&intake), 0);
	CHECK_EQ(hk_machine_replay_part(bench.machine, intake, &count->tally,
					&t->trace, t->id, 0, EVENTS, &fault),
		 -EINVAL);
	CHECK_EQ(fault.index, 700);
	CHECK_EQ(fault.rule, HK_TRACE_UNKNOWN_OP);
	hk_intake_destroy(intake);
	bench_end(&bench);
	free(count);
	free(t);
}

TEST(a_chain_without_heaps_is_refused_by_its_event)
{
	static const uint32_t empty_start[NR_CHAINS + 1] = {0};
	struct table *t = random_trace(9);
	struct count *count = count_new();
	struct hk_intake *intake;
	struct hk_fault fault;
	struct bench bench;

	t->trace.chain_start = empty_start;
	t->op[0] = HK_OP_PRESSURE;
	t->op[1] = HK_OP_ALLOC;
	bench_three(&bench);
	CHECK_EQ(hk_intake_create(&intake), 0);
	CHECK_EQ(hk_machine_replay_part(bench.machine, intake, &count->tally,
					&t->trace, t->id, 0, 2, &fault),
		 -EINVAL);
	CHECK_EQ(fault.index, 1);
	CHECK_EQ(fault.rule, HK_TRACE_OK);
	hk_intake_destroy(intake);
	bench_end(&bench);
	free(count);
	free(t);
}

// Replay while the @nth allocation fails; every invariant holds afterwards.
static int starve(const struct table *t, uint32_t nth)
{
	struct count *count = count_new();
	struct hk_intake *intake;
	struct hk_fault fault;
	struct bench bench;
	int ret;

	bench_three(&bench);
	CHECK_EQ(hk_intake_create(&intake), 0);
	fail_allocation(nth);
	ret = hk_machine_replay_part(bench.machine, intake, &count->tally,
				     &t->trace, t->id, 0, EVENTS, &fault);
	fail_allocation(0);
	hk_intake_destroy(intake);
	bench_end(&bench);
	free(count);
	return ret;
}

TEST(a_replay_in_parts_that_starves_says_so_and_leaks_nothing)
{
	struct table *t = random_trace(10);
	uint32_t nth = 1;
	int ret;

	while ((ret = starve(t, nth)) == -ENOMEM)
		nth++;
	CHECK_EQ(ret, 0);
	CHECK(nth > 20);
	free(t);
}
