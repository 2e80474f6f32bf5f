// SPDX-License-Identifier: MIT
//
// Coherence against the naive model: every status, finding and charge of random
// events on a few small buffers, and every line of them after it.
#include "checker.h"
#include "naive_coherence.h"

#include "../src/coherence.h"

#include <stdlib.h>

enum { SYSTEM, CHUNK, UNCACHED, SECURE, N_HEAPS };

struct sequence {
	struct checker checker;
	struct naive_coherence *model;
	struct rng rng;
	uint64_t kinds[HK_NR_FINDINGS]; // how often each was found
};

static void start(struct sequence *s, uint64_t seed, uint32_t sync_flags)
{
	static const double line_bytes[] = {16, 64, 64, 4096};
	struct bench *bench = &s->checker.bench;

	s->rng.state = seed;
	bench_init(bench);
	bench_memory(bench, MIB(8));
	bench_system(bench, 0);
	bench_region(bench, HK_HEAP_CHUNK, MIB(64), MIB(1))->granule = KIB(16);
	bench_region(bench, HK_HEAP_CARVEOUT, MIB(72), MIB(1))->flags =
		HK_HEAP_UNCACHED;
	bench_region(bench, HK_HEAP_SECURE, MIB(80), MIB(1));
	for (uint32_t i = 0; i < NAIVE_DEVICES; i++)
		bench_device(bench, i == 3);
	bench->spec.sync_flags = sync_flags;
	bench->spec.costs.line_bytes = line_bytes[seed % 4];
	bench->spec.costs.cache_bytes = 1e12;
	bench_start(bench);
	s->model = naive_coherence_create(bench);
}

static void end(struct sequence *s)
{
	free(s->model);
	bench_end(&s->checker.bench);
}

static void compare_lines(const struct sequence *s, uint32_t id)
{
	const struct buffer *buffer =
		buffer_find(&s->checker.bench.machine->buffers, id);
	const struct naive_buffer_lines *naive = &s->model->buffer[id];

	for (uint64_t i = 0; i < naive->bytes / s->model->line; i++) {
		bool dirty = buffer->zeroes_dirty, stale = false;
		uint64_t first;

		if (buffer->lines && !dirty)
			dirty = span_set_count(&buffer->lines->dirty, i, i + 1,
					       &first);
		if (buffer->lines)
			stale = span_set_count(&buffer->lines->stale, i, i + 1,
					       &first);
		CHECK_EQ(dirty, naive->dirty[i]);
		CHECK_EQ(stale, naive->stale[i]);
	}
}

static void compare(struct sequence *s, const struct hk_event *event,
		    int32_t status)
{
	const struct checker *checker = &s->checker;
	const struct naive_coherence *model = s->model;

	CHECK_EQ(checker->bench.row.status, status);
	CHECK_EQ(checker->n_found, model->n_found);
	for (uint32_t i = 0; i < model->n_found; i++) {
		CHECK_FOUND(checker, i, model->found[i].kind,
			    model->found[i].offset, model->found[i].bytes);
		s->kinds[model->found[i].kind]++;
	}
	for (uint32_t c = HK_COST_ATTACH_CALL; c < HK_NR_COSTS; c++)
		CHECK_EQ(charged(checker, c), model->n[c]);
	if (model->buffer[event->buffer].references)
		compare_lines(s, event->buffer);
}

static uint32_t random_op(struct rng *rng)
{
	static const uint8_t often[] = {
		HK_OP_FREE,	   HK_OP_SHARE,	       HK_OP_ATTACH,
		HK_OP_ATTACH,	   HK_OP_DETACH,       HK_OP_MAP,
		HK_OP_MAP,	   HK_OP_MAP,	       HK_OP_UNMAP,
		HK_OP_UNMAP,	   HK_OP_BEGIN_CPU,    HK_OP_BEGIN_CPU,
		HK_OP_END_CPU,	   HK_OP_END_CPU,      HK_OP_CPU_READ,
		HK_OP_CPU_READ,	   HK_OP_CPU_WRITE,    HK_OP_CPU_WRITE,
		HK_OP_DEVICE_READ, HK_OP_DEVICE_READ,  HK_OP_DEVICE_WRITE,
		HK_OP_MMAP,	   HK_OP_MUNMAP,       HK_OP_VMAP,
		HK_OP_VUNMAP,	   HK_OP_DEVICE_WRITE,
	};

	return often[rng_below(rng, sizeof(often))];
}

static struct hk_event random_use(struct sequence *s, uint32_t id)
{
	const uint32_t size = (uint32_t)s->model->buffer[id].size;
	struct hk_event event = {
		.op = random_op(&s->rng),
		.buffer = id,
		.device = rng_below(&s->rng, NAIVE_DEVICES),
		.access = 1 + rng_below(&s->rng, 3),
	};

	if (event.op == HK_OP_MAP && rng_below(&s->rng, 4) == 0)
		event.access |= HK_ACCESS_SKIP_SYNC;
	// A list that only grows would soon be longer than the model's.
	if (event.op == HK_OP_ATTACH && s->model->buffer[id].n_at > 8)
		event.op = HK_OP_DETACH;
	if (rng_below(&s->rng, 3) == 0)
		return event; // all of it
	event.offset = rng_below(&s->rng, size + 1);
	event.size = rng_below(&s->rng, rng_below(&s->rng, 2) ? 300 : size);
	if (rng_below(&s->rng, 3) == 0) { // whole lines
		event.offset &= ~UINT64_C(63);
		event.size &= ~UINT64_C(63);
	}
	return event;
}

static void random_event(struct sequence *s)
{
	const uint32_t id = rng_below(&s->rng, NAIVE_BUFFERS_HELD);
	struct hk_event event;
	int32_t status;

	if (!s->model->buffer[id].references) {
		const uint16_t heap = (uint16_t)rng_below(&s->rng, 8);

		allocate(&s->checker.bench, id, 1 + rng_below(&s->rng, KIB(40)),
			 heap < N_HEAPS ? heap : SYSTEM);
		CHECK_EQ(s->checker.bench.row.status, 0);
		naive_coherence_hold(s->model, id);
		return;
	}
	event = random_use(s, id);
	status = naive_coherence_step(s->model, &event);
	checker_step(&s->checker, event);
	compare(s, &event, status);
}

TEST(lines_are_dirty_and_stale_as_in_the_naive_model)
{
	uint64_t kinds[HK_NR_FINDINGS] = {0};

	for (uint32_t flags = 0; flags < 8; flags++) {
		for (uint64_t seed = 1; seed <= 4; seed++) {
			const uint32_t events = scaled(1500);
			struct sequence s = {0};

			start(&s, seed + 10 * flags, flags);
			for (uint32_t i = 0; i < events; i++)
				random_event(&s);
			compared(events);
			end(&s);
			for (uint32_t k = 0; k < HK_NR_FINDINGS; k++)
				kinds[k] += s.kinds[k];
		}
	}
	// The sequences reach what they are for.
	for (uint32_t k = 0; k < HK_NR_FINDINGS; k++)
		CHECK(kinds[k] > scaled(30));
}
