// SPDX-License-Identifier: MIT
//
// Lent CMA areas against the naive model: every status, place, retry and
// migration, and where every page of every buffer lies.
#include "naive_lending.h"

#include <stdlib.h>

enum {
	SYSTEM,
	AREA,
	BITS,
	APPS,
	PINNED,
	DRIVER,
	SLAB,
	CHUNKS,
	CLEAN,
	DIRTY,
	UDMABUF,
};

struct sequence {
	struct bench bench;
	struct naive_lending *model;
	struct rng rng;
	bool held[NAIVE_BUFFERS];
	struct hk_moves total;
	uint64_t mappings;
};

static void add_policies(struct sequence *s)
{
	struct hk_heap_spec *heap = bench_region(&s->bench, HK_HEAP_CMA, 0, 0);

	heap->n_ranges = 2;
	heap->range[0] = (struct hk_range){MIB(30), MIB(2)};
	heap->range[1] = (struct hk_range){MIB(26), MIB(4)};
	heap->chunk = KIB(32) << rng_below(&s->rng, 3);
	bench_load(&s->bench, HK_MIGRATE_MOVABLE, HK_HEAP_CLEAN)->mapcount = 2;
	bench_load(&s->bench, HK_MIGRATE_MOVABLE, HK_HEAP_DIRTY)->mapcount = 3;
	heap = bench_system(&s->bench, HK_HEAP_MEMFD);
	heap->n_orders = 1;
	heap->order[0] = 0;
}

// 32 MiB with an area of two ranges, one of 16 KiB bits and one in chunks. In
// a third of the seeds areas discard.
static void start(struct sequence *s, uint64_t seed)
{
	struct hk_heap_spec *heap;

	s->rng.state = seed;
	bench_init(&s->bench);
	bench_memory(&s->bench, MIB(32));
	s->bench.spec.memory.base = MIB(2) * rng_below(&s->rng, 3);
	bench_system(&s->bench, 0);
	heap = bench_region(&s->bench, HK_HEAP_CMA, 0, 0);
	heap->n_ranges = 2;
	heap->range[0] = (struct hk_range){MIB(24), MIB(2)};
	heap->range[1] = (struct hk_range){MIB(10), MIB(6)};
	heap->alignment_order = rng_below(&s->rng, 10);
	heap = bench_region(&s->bench, HK_HEAP_CMA, MIB(18), MIB(4));
	heap->granule = KIB(16);
	bench_load(&s->bench, HK_MIGRATE_MOVABLE, 0);
	bench_load(&s->bench, HK_MIGRATE_MOVABLE, HK_HEAP_PINNED);
	bench_load(&s->bench, HK_MIGRATE_UNMOVABLE, 0)->order[0] = 2;
	bench_load(&s->bench, HK_MIGRATE_RECLAIMABLE, 0);
	add_policies(s);
	if (seed % 3 == 0)
		s->bench.heap[AREA].flags = HK_HEAP_DISCARD;
	s->bench.spec.costs = (struct hk_costs){
		.line_bytes = 64,
		.unmap_mapping = 1,
		.cma_call = 1e6,
	};
	bench_start(&s->bench);
	s->model = naive_lending_create(&s->bench);
}

static void end(struct sequence *s)
{
	naive_lending_destroy(s->model);
	bench_end(&s->bench);
}

// As many pages as keep the memory nearly full; few of them pinned.
static uint64_t pages_for(struct sequence *s, uint32_t heap)
{
	switch (heap) {
	case PINNED:
		return 1 + rng_below(&s->rng, 12);
	case APPS:
		return 1 + rng_below(&s->rng, 1600);
	case CLEAN:
		return 1 + rng_below(&s->rng, 800);
	case DIRTY:
		return 1 + rng_below(&s->rng, 100);
	case AREA:
	case BITS:
	case CHUNKS:
		return rng_size(&s->rng, 10);
	default:
		return 1 + rng_below(&s->rng, 100);
	}
}

static uint32_t random_heap(struct rng *rng)
{
	static const uint8_t often[] = {
		SYSTEM, AREA,	AREA,  BITS,	BITS,  CHUNKS, CHUNKS,
		APPS,	APPS,	APPS,  APPS,	APPS,  APPS,   CLEAN,
		CLEAN,	DIRTY,	DIRTY, DIRTY,	DIRTY, PINNED, PINNED,
		PINNED, DRIVER, SLAB,  UDMABUF,
	};

	return often[rng_below(rng, sizeof(often))];
}

static void random_alloc(struct sequence *s, uint32_t id)
{
	const uint32_t heap = random_heap(&s->rng);
	const uint64_t pages = pages_for(s, heap);
	const struct naive_buffer *buffer = &s->model->buffer[id];
	const struct hk_moves *moves = &s->bench.machine->moves;
	const int err = naive_lending_alloc(s->model, id, pages, heap);
	uint64_t address;

	s->bench.machine->moves = (struct hk_moves){0};
	address =
		allocate(&s->bench, id, pages << HK_PAGE_SHIFT, (uint16_t)heap);
	CHECK_EQ(s->bench.row.status, err);
	CHECK_EQ(address, err ? NOWHERE : buffer->pfn[0] << HK_PAGE_SHIFT);
	CHECK_EQ(s->bench.row.entries, buffer->n);
	CHECK_EQ(moves->busy_retries, s->model->moves.busy_retries);
	CHECK_EQ(moves->pages_migrated, s->model->moves.pages_migrated);
	CHECK_EQ(moves->no_target, s->model->moves.no_target);
	CHECK_EQ(moves->pages_discarded, s->model->moves.pages_discarded);
	CHECK_EQ(s->bench.row.latency_ns,
		 s->model->mappings + 1000000 * s->model->calls);
	s->total.busy_retries += moves->busy_retries;
	s->total.pages_migrated += moves->pages_migrated;
	s->total.no_target += moves->no_target;
	s->total.pages_discarded += moves->pages_discarded;
	s->mappings += s->model->mappings;
	s->held[id] = true;
}

static void random_event(struct sequence *s)
{
	const uint32_t id = rng_below(&s->rng, NAIVE_BUFFERS);

	if (!s->held[id]) {
		random_alloc(s, id);
		return;
	}
	naive_lending_free(s->model, id);
	give(&s->bench, id);
	s->held[id] = false;
}

static void compare_pages(const struct sequence *s)
{
	for (uint32_t id = 0; id < NAIVE_BUFFERS; id++) {
		const struct naive_buffer *naive = &s->model->buffer[id];
		const struct buffer *buffer =
			buffer_find(&s->bench.machine->buffers, id);

		if (!naive->live)
			continue;
		CHECK_EQ(buffer->n_entries, naive->n);
		for (uint32_t i = 0; i < naive->n; i++)
			CHECK_EQ(buffer->entry[i].address,
				 naive->pfn[i] << HK_PAGE_SHIFT);
	}
	CHECK_EQ(page_alloc_free_cma(s->bench.machine->pages),
		 naive_buddy_free_of(&s->model->zone, NAIVE_CMA));
	CHECK_EQ(gauges_of(&s->bench, APPS).free_bytes >> HK_PAGE_SHIFT,
		 naive_buddy_free(&s->model->zone));
}

static void run(struct sequence *s, uint32_t events)
{
	for (uint32_t i = 0; i < events; i++) {
		random_event(s);
		if (i % 8 == 0)
			compare_pages(s);
		if (i % 64 == 0)
			bench_check(&s->bench);
	}
	compare_pages(s);
	compared(events);
}

TEST(lending_moves_and_places_as_the_naive_model)
{
	struct hk_moves total = {0};

	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct sequence s = {0};

		start(&s, seed);
		run(&s, scaled(4000));
		end(&s);
		total.busy_retries += s.total.busy_retries;
		total.pages_migrated += s.total.pages_migrated;
		total.no_target += s.total.no_target;
		total.pages_discarded += s.total.pages_discarded;
		CHECK(s.mappings > 0);
	}
	// The sequences reach what they are for.
	CHECK(total.busy_retries > scaled(100));
	CHECK(total.pages_migrated > scaled(1000));
	CHECK(total.no_target >= scaled(10));
	CHECK(total.pages_discarded > scaled(1000));
}
