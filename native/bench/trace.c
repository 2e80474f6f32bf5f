// SPDX-License-Identifier: MIT
#include "trace.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct generator {
	struct bench_trace *trace;
	uint64_t capacity; // events
	uint64_t random;
	uint32_t scale;
	uint64_t live_pages;
	uint32_t *live; // buffers held
	uint32_t n_live;
	uint32_t *spare; // numbers of freed buffers, the last is used first
	uint32_t n_spare;
	uint32_t *pages; // by buffer
	double sum_live;
	double sum_pages;
};

struct kind {
	const char *name;
	uint64_t events;
	uint64_t heap_pages;
	void (*step)(struct generator *g);
};

// splitmix64 (S. Vigna): every seed is a good one.
static uint64_t draw(struct generator *g)
{
	uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double draw_unit(struct generator *g)
{
	return (double)(draw(g) >> 11) * 0x1p-53;
}

static uint32_t draw_below(struct generator *g, uint32_t bound)
{
	return (uint32_t)((draw(g) >> 32) * bound >> 32);
}

// Pages between @low and @high, their logarithm evenly spread for @skew 1 and
// more often small above.
static uint32_t draw_size(struct generator *g, double low, double high,
			  double skew)
{
	return (uint32_t)ceil(low * pow(high / low, pow(draw_unit(g), skew)));
}

static bool is_done(const struct generator *g)
{
	return g->trace->n == g->capacity;
}

static void record(struct generator *g, uint32_t op, uint32_t buffer)
{
	struct bench_event *event = &g->trace->event[g->trace->n++];

	*event = (struct bench_event){op, buffer, g->pages[buffer], 0};
	g->sum_live += g->n_live;
	g->sum_pages += (double)g->live_pages;
}

static void take(struct generator *g, uint32_t pages)
{
	uint32_t buffer;

	if (is_done(g))
		return;
	buffer = g->n_spare ? g->spare[--g->n_spare] : g->trace->n_buffers++;
	g->pages[buffer] = pages;
	g->live[g->n_live++] = buffer;
	g->live_pages += pages;
	record(g, EVENT_ALLOC, buffer);
}

static void give_any(struct generator *g)
{
	uint32_t which = draw_below(g, g->n_live);
	uint32_t buffer = g->live[which];

	if (is_done(g) || !g->n_live)
		return;
	g->live[which] = g->live[--g->n_live];
	g->live_pages -= g->pages[buffer];
	g->spare[g->n_spare++] = buffer;
	record(g, EVENT_FREE, buffer);
}

static bool has_room(const struct generator *g, uint64_t pages, double share)
{
	return (double)(g->live_pages + pages) <
	       share * (double)g->trace->heap_pages;
}

static void give_until(struct generator *g, uint64_t pages, double share)
{
	while (!has_room(g, pages, share) && g->n_live && !is_done(g))
		give_any(g);
}

// A use case takes a set of equal buffers; others come and go.
static void camera_step(struct generator *g)
{
	uint32_t burst = 3 + draw_below(g, 10);
	uint32_t pages = draw_size(g, 256, 12800, 1);
	uint32_t leave = draw_below(g, burst + 1);

	give_until(g, (uint64_t)burst * pages, 0.70);
	while (burst-- && has_room(g, pages, 0.75))
		take(g, pages);
	while (leave-- && g->n_live)
		give_any(g);
}

// The skew is what lets 2000 buffers of up to 16 MiB fit into 2 GiB.
static void mixed_step(struct generator *g)
{
	uint32_t pages = draw_size(g, 1, 4096, 2.5);

	if (g->n_live < 2000 * g->scale && has_room(g, pages, 0.85))
		take(g, pages);
	else
		give_any(g);
}

static void small_churn_step(struct generator *g)
{
	if (g->n_live < 100000 * g->scale) {
		take(g, 1 + draw_below(g, 16));
		return;
	}
	give_any(g);
	if (draw_below(g, 4) == 0)
		give_any(g);
}

static void near_full_step(struct generator *g)
{
	uint32_t pages = draw_size(g, 1, 256, 1);

	give_until(g, pages, 0.95);
	take(g, pages);
}

static const struct kind kinds[] = {
	{"camera", 2000000, 1 << 19, camera_step},
	{"mixed", 4000000, 1 << 19, mixed_step},
	{"small-churn", 8000000, 1 << 21, small_churn_step},
	{"near-full", 4000000, 1 << 19, near_full_step},
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static void generate(struct generator *g, void (*step)(struct generator *g))
{
	struct bench_trace *trace = g->trace;

	while (!is_done(g))
		step(g);
	trace->mean_live = g->sum_live / (double)trace->n;
	trace->mean_occupancy =
		g->sum_pages / (double)trace->n / (double)trace->heap_pages;
}

int trace_make(const char *name, uint64_t events, uint32_t scale,
	       struct bench_trace *ret)
{
	const struct kind *kind = find_kind(name);
	struct generator g = {.trace = ret, .scale = scale, .random = 1};
	int err = -ENOMEM;

	if (!kind || !scale)
		return -EINVAL;
	g.capacity = events ? events : kind->events;
	*ret = (struct bench_trace){.heap_pages = kind->heap_pages * scale};
	ret->event = malloc(g.capacity * sizeof(*ret->event));
	g.live = malloc(g.capacity * sizeof(*g.live));
	g.spare = malloc(g.capacity * sizeof(*g.spare));
	g.pages = malloc(g.capacity * sizeof(*g.pages));
	if (ret->event && g.live && g.spare && g.pages) {
		generate(&g, kind->step);
		err = 0;
	}
	free(g.pages);
	free(g.spare);
	free(g.live);
	if (err)
		trace_free(ret);
	return err;
}

void trace_free(struct bench_trace *trace)
{
	free(trace->event);
	trace->event = NULL;
}
