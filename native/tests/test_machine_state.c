// SPDX-License-Identifier: MIT
//
// A machine as bytes: it goes on as if nothing had happened, and bytes that are
// not a machine's harm nobody.
#include "random_trace.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint8_t *bytes;
	uint64_t size;
};

static struct state save(const struct hk_machine *machine)
{
	struct state state;
	uint64_t size;

	CHECK_EQ(hk_machine_save(machine, NULL, 0, &state.size), -ENOSPC);
	state.bytes = malloc(state.size);
	CHECK_EQ(hk_machine_save(machine, state.bytes, state.size, &size), 0);
	CHECK_EQ(size, state.size);
	return state;
}

static int load(struct bench *bench, const struct state *state)
{
	CHECK_EQ(hk_machine_create(&bench->spec, &bench->machine), 0);
	return hk_machine_load(bench->machine, state->bytes, state->size);
}

static void reload(struct bench *bench)
{
	struct state state = save(bench->machine);

	hk_machine_destroy(bench->machine);
	CHECK_EQ(load(bench, &state), 0);
	bench_check(bench);
	free(state.bytes);
}

static bool same(struct state a, struct state b)
{
	const bool equal =
		a.size == b.size && !memcmp(a.bytes, b.bytes, a.size);

	free(a.bytes);
	free(b.bytes);
	return equal;
}

static void random_heap(struct hk_heap_spec *heap, struct rng *rng)
{
	if (heap->kind == HK_HEAP_CMA) {
		heap->granule = KIB(4) << rng_below(rng, 3);
		heap->alignment_order = rng_below(rng, 9);
	}
	if (heap->kind == HK_HEAP_CHUNK)
		heap->granule = KIB(16) << rng_below(rng, 4);
	if (heap->kind == HK_HEAP_CARVEOUT || heap->kind == HK_HEAP_SECURE) {
		heap->fit = rng_below(rng, HK_NR_FITS);
		heap->align = KIB(4) << rng_below(rng, 5);
	}
	if (heap->kind == HK_HEAP_CARVEOUT)
		heap->flags = rng_below(rng, 2) * HK_HEAP_DEFERRED_FREE |
			      rng_below(rng, 2) * HK_HEAP_UNCACHED |
			      rng_below(rng, 2) * HK_HEAP_ZERO_AT_FREE |
			      rng_below(rng, 2) * HK_HEAP_RETRY_DRAINED;
}

static void random_pools(struct hk_heap_spec *heap, struct rng *rng)
{
	heap->flags = HK_HEAP_POOLED |
		      rng_below(rng, 2) * HK_HEAP_DEFERRED_FREE |
		      (heap->flags &
		       (HK_HEAP_UNWIND_TO_POOL | HK_HEAP_SHRINK_LARGEST));
	heap->n_orders = 1 + rng_below(rng, 3);
	for (uint32_t slot = 0; slot < heap->n_orders; slot++) {
		heap->order[slot] = 9 - 4 * slot;
		heap->pool_fill[slot] = KIB(4) << rng_below(rng, 10);
		heap->pool_low[slot] = KIB(4) << rng_below(rng, 10);
	}
	heap->pool_limit = rng_below(rng, 2) * MIB(2);
}

static void random_plan(struct bench *bench, uint64_t seed)
{
	struct rng rng = {seed};

	if (seed % 2)
		bench_plan_of_all_policies(bench);
	else
		bench_plan_of_all_kinds(bench);
	bench->heap[CMA].flags = seed % 4 == 1 ? HK_HEAP_DISCARD : 0;
	bench->spec.memory.min_free = KIB(4) * rng_below(&rng, 512);
	for (uint32_t i = CMA; i < bench->spec.n_heaps; i++)
		random_heap(&bench->heap[i], &rng);
	random_pools(&bench->heap[POOLED], &rng);
	bench->device[0].coherent = rng_below(&rng, 2);
}

static struct random_trace *replay_all(struct bench *bench, uint64_t seed)
{
	struct random_trace *t = random_trace(seed);
	uint64_t done;

	bench_start(bench);
	CHECK_EQ(trace_replay(bench, t, 0, EVENTS, 0, &done), 0);
	return t;
}

// Saved and loaded at some events on the way.
static struct random_trace *replay_in_pieces(struct bench *bench, uint64_t seed)
{
	struct random_trace *t = random_trace(seed);
	struct rng rng = {~seed};
	uint64_t done = 0;

	bench_start(bench);
	while (done < EVENTS) {
		uint64_t count = 1 + rng_below(&rng, 400);

		reload(bench);
		count = count < EVENTS - done ? count : EVENTS - done;
		CHECK_EQ(trace_replay(bench, t, done, count, 0, &done), 0);
	}
	return t;
}

TEST(a_loaded_machine_goes_on_as_the_saved_one_would)
{
	for (uint64_t seed = 1; seed <= scaled(24); seed++) {
		struct bench bench, again;
		struct random_trace *whole, *pieces;

		random_plan(&bench, seed);
		random_plan(&again, seed);
		whole = replay_all(&bench, seed);
		pieces = replay_in_pieces(&again, seed);
		CHECK(!memcmp(whole->row, pieces->row, sizeof(whole->row)));
		CHECK(!memcmp(whole->gauges, pieces->gauges,
			      sizeof(whole->gauges)));
		CHECK(!memcmp(whole->fill, pieces->fill, sizeof(whole->fill)));
		CHECK(same(save(bench.machine), save(again.machine)));
		bench_end(&bench);
		bench_end(&again);
		free(whole);
		free(pieces);
	}
}

static void compare_regions(const struct bench *a, const struct bench *b,
			    uint32_t heap)
{
	static struct hk_region left[65536], right[65536];
	uint64_t count, also;

	CHECK_EQ(hk_machine_snapshot(a->machine, heap, left, 65536, &count), 0);
	CHECK_EQ(hk_machine_snapshot(b->machine, heap, right, 65536, &also), 0);
	CHECK_EQ(count, also);
	CHECK(!memcmp(left, right, count * sizeof(left[0])));
}

static void load_and_look(uint64_t seed)
{
	struct bench bench, other;
	struct random_trace *t;
	struct state state;

	random_plan(&bench, seed);
	random_plan(&other, seed);
	t = replay_all(&bench, seed);
	state = save(bench.machine);
	CHECK_EQ(load(&other, &state), 0);
	for (uint32_t heap = 0; heap < bench.spec.n_heaps; heap++) {
		const struct hk_gauges a = gauges_of(&bench, heap);
		const struct hk_gauges b = gauges_of(&other, heap);

		compare_regions(&bench, &other, heap);
		CHECK(!memcmp(&a, &b, sizeof(a)));
	}
	CHECK(same(state, save(other.machine)));
	bench_end(&bench);
	bench_end(&other);
	free(t);
}

TEST(a_loaded_machine_looks_like_the_saved_one)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		load_and_look(seed);
}

TEST(an_idle_machine_is_a_state_too)
{
	struct bench bench;

	bench_init(&bench);
	bench_start(&bench);
	reload(&bench);
	bench_end(&bench);
	bench_of_all_kinds(&bench);
	reload(&bench);
	bench_end(&bench);
}

// Found by fuzz_load: its pages' numbers have 52 bits.
TEST(memory_at_the_top_of_all_addresses_can_be_saved_and_loaded)
{
	struct bench bench;

	bench_init(&bench);
	bench_memory(&bench, MIB(64) - KIB(4));
	bench.spec.memory.base = UINT64_MAX - MIB(64) + 1;
	bench_system(&bench, 0);
	bench_start(&bench);
	allocate(&bench, 0, MIB(1), 0);
	reload(&bench);
	bench_end(&bench);
}

TEST(a_state_that_does_not_fit_says_how_long_it_is)
{
	struct bench bench;
	uint8_t bytes[4096];
	uint64_t size, again;

	bench_of_all_kinds(&bench);
	CHECK_EQ(hk_machine_save(bench.machine, NULL, 0, &size), -ENOSPC);
	memset(bytes, 0xa5, sizeof(bytes));
	CHECK_EQ(hk_machine_save(bench.machine, bytes, size - 1, &again),
		 -ENOSPC);
	CHECK_EQ(again, size);
	CHECK_EQ(bytes[size - 1], 0xa5);
	CHECK_EQ(hk_machine_save(bench.machine, bytes, size, &again), 0);
	bench_end(&bench);
}

static int load_into(struct bench *bench, const struct state *state)
{
	const int ret = load(bench, state);

	hk_machine_destroy(bench->machine);
	return ret;
}

TEST(the_state_of_another_board_is_refused)
{
	struct bench bench;
	struct state state;

	bench_of_all_kinds(&bench);
	state = save(bench.machine);
	hk_machine_destroy(bench.machine);
	bench.spec.memory.min_free += KIB(4);
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.spec.memory.min_free -= KIB(4);
	bench.heap[POOLED].pool_low[2] = 1;
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.heap[POOLED].pool_low[2] = 0;
	bench.heap[CMA].chunk = KIB(64);
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.heap[CMA].chunk = 0;
	bench.heap[SYSTEM].size_limit = MIB(1);
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.heap[SYSTEM].size_limit = 0;
	bench.heap[APPS].mapcount = 1;
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.heap[APPS].mapcount = 0;
	bench.spec.seed++;
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.spec.seed--;
	bench.device[1].coherent = false;
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.device[1].coherent = true;
	bench.spec.costs.line_bytes *= 2;
	CHECK_EQ(load_into(&bench, &state), -EINVAL);
	bench.spec.costs.line_bytes /= 2;
	CHECK_EQ(load_into(&bench, &state), 0);
	free(state.bytes);
}

TEST(a_used_machine_becomes_what_was_saved)
{
	struct bench bench, used;
	struct random_trace *t, *other;
	uint64_t done;

	random_plan(&bench, 5);
	random_plan(&used, 5);
	t = replay_all(&bench, 5);
	other = replay_all(&used, 6);
	for (uint32_t n = 0; n < 3; n++) {
		struct state state = save(bench.machine);

		CHECK_EQ(hk_machine_load(used.machine, state.bytes, state.size),
			 0);
		bench_check(&used);
		CHECK(same(state, save(used.machine)));
		for (uint32_t i = 0; i < EVENTS; i++)
			t->op[i] = HK_OP_PRESSURE, t->time_ns[i] += 1000000000;
		CHECK_EQ(trace_replay(&bench, t, 0, 100, 0, &done), 0);
		CHECK_EQ(trace_replay(&used, t, 0, 100, 0, &done), 0);
		CHECK(same(save(bench.machine), save(used.machine)));
	}
	bench_end(&bench);
	bench_end(&used);
	free(t);
	free(other);
}

// A state with something of everything: pools, freed buffers, devices.
static struct state busy_state(struct bench *bench, uint64_t seed)
{
	struct random_trace *t;
	struct state state;

	random_plan(bench, seed);
	t = replay_all(bench, seed);
	state = save(bench->machine);
	hk_machine_destroy(bench->machine);
	free(t);
	return state;
}

TEST(a_state_cut_short_is_refused)
{
	struct bench bench;
	struct state state = busy_state(&bench, 2);

	for (uint64_t size = 0; size < state.size; size++) {
		// Of its own length, so that reading on is an error.
		struct state cut = {malloc(size + 1), size};

		memcpy(cut.bytes, state.bytes, size);
		cut.bytes = realloc(cut.bytes, size ? size : 1);
		CHECK_EQ(load_into(&bench, &cut), -EINVAL);
		free(cut.bytes);
	}
	free(state.bytes);
}

TEST(a_state_with_a_changed_byte_is_refused)
{
	struct bench bench;
	struct state state = busy_state(&bench, 3);
	struct rng rng = {3};

	for (uint64_t i = 0; i < state.size; i++) {
		const uint8_t flip = (uint8_t)(1 + rng_below(&rng, 255));

		state.bytes[i] ^= flip;
		CHECK_EQ(load_into(&bench, &state), -EINVAL);
		state.bytes[i] ^= flip;
	}
	CHECK_EQ(load_into(&bench, &state), 0);
	free(state.bytes);
}

static void sign(struct state *state)
{
	struct state_writer sum = {
		.bytes = state->bytes + state->size - 8,
		.capacity = 8,
	};

	state_put_word(&sum, state_sum(state->bytes, state->size - 8));
}

static void mutate(struct state *state, struct rng *rng)
{
	const uint32_t body = (uint32_t)state->size - 25;

	for (uint32_t n = 1 + rng_below(rng, 3); n; n--) {
		const uint32_t at = 17 + rng_below(rng, body);
		const uint8_t was = state->bytes[at];
		// A long id would only make the table long.
		const uint8_t bits = was < 0x80 ? 0x7f : 0xff;

		state->bytes[at] = was ^ (uint8_t)(rng_below(rng, 256) & bits);
	}
}

// What was let in is a machine like any other: it holds every invariant, is
// the same bytes again, and goes on.
static void try_state(struct bench *bench, const struct state *state,
		      struct random_trace *t, uint32_t *accepted)
{
	const int ret = load(bench, state);
	uint64_t done;

	if (!ret) {
		struct state copy = {malloc(state->size), state->size};

		memcpy(copy.bytes, state->bytes, state->size);
		++*accepted;
		bench_check(bench);
		CHECK(same(copy, save(bench->machine)));
		trace_replay(bench, t, 0, 200, 20, &done);
		bench_check(bench);
	} else {
		CHECK_EQ(ret, -EINVAL);
	}
	hk_machine_destroy(bench->machine);
}

TEST(a_forged_state_is_refused_or_sound)
{
	uint32_t accepted = 0;

	for (uint64_t seed = 1; seed <= scaled(4); seed++) {
		struct bench bench;
		struct state state = busy_state(&bench, seed);
		struct random_trace *t = random_trace(seed);
		struct rng rng = {seed};

		for (uint32_t i = 0; i < 1500; i++) {
			struct state forged = {malloc(state.size), state.size};

			memcpy(forged.bytes, state.bytes, state.size);
			mutate(&forged, &rng);
			sign(&forged);
			for (uint32_t j = 0; j < EVENTS; j++)
				t->time_ns[j] = INT64_MAX;
			try_state(&bench, &forged, t, &accepted);
			free(forged.bytes);
		}
		free(t);
		free(state.bytes);
	}
	CHECK(accepted > 0);
}

TEST(a_buffer_whose_orders_go_back_up_is_refused)
{
	struct bench bench;
	struct sg_entry *entry;
	struct sg_entry first;
	struct state state;

	bench_init(&bench);
	bench_memory(&bench, MIB(8));
	bench_system(&bench, HK_HEAP_POOLED);
	bench_start(&bench);
	allocate(&bench, 0, KIB(68), 0);
	entry = buffer_find(&bench.machine->buffers, 0)->entry;
	first = entry[0];
	entry[0] = entry[1];
	entry[1] = first;
	state = save(bench.machine);
	hk_machine_destroy(bench.machine);
	CHECK_EQ(load(&bench, &state), -EINVAL);
	free(state.bytes);
	hk_machine_destroy(bench.machine);
}

TEST(a_starved_load_says_so_and_leaks_nothing)
{
	struct bench bench;
	struct state state = busy_state(&bench, 6);
	uint32_t nth = 0;
	int ret;

	do {
		CHECK_EQ(hk_machine_create(&bench.spec, &bench.machine), 0);
		// Used, so that it has to begin anew.
		bench.now = 0;
		allocate(&bench, 3, KIB(64), (uint16_t)(nth % 6));
		fail_allocation(++nth);
		ret = hk_machine_load(bench.machine, state.bytes, state.size);
		fail_allocation(0);
		CHECK(!ret || ret == -ENOMEM);
		if (!ret)
			bench_check(&bench);
		hk_machine_destroy(bench.machine);
	} while (ret);
	CHECK(nth > 10);
	free(state.bytes);
}
