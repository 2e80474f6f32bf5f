// SPDX-License-Identifier: MIT
#include "rounds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

enum { MAX_ROUNDS = 64, MAX_WINDOWS = 8, MAX_ENTRIES = 64, STEP = 256 };

struct window {
	uint64_t events;
	double ns[MAX_ROUNDS]; // from the window's start
};

// One contender with or without gauges.
struct entry {
	const struct contender *contender;
	bool gauges;
	uint32_t n_windows;
	struct window window[MAX_WINDOWS]; // ascending, all from the warm-up on
	uint64_t failed; // allocations in the longest
	uint64_t reserved; // bytes of the heap, all grown
	struct record *expected; // a peer's records in its window
	uint64_t *held; // a peer's start: where each buffer lies
};

struct contest {
	const struct bench_trace *trace;
	const struct round_options *options;
	uint64_t warm; // events
	struct record *record;
	uint64_t *held;
	struct entry entry[MAX_ENTRIES];
	uint32_t n_entries;
};

static bool is_wanted(const char *name, const char *only)
{
	char words[256];

	if (!only || !*only)
		return true;
	snprintf(words, sizeof(words), "%s", only);
	for (char *word = strtok(words, ","); word; word = strtok(NULL, ","))
		if (strstr(name, word))
			return true;
	return false;
}

static const struct contender *heapkit_of(const char *rule)
{
	for (uint32_t i = 0; i < n_contenders; i++)
		if (!contenders[i]->is_peer &&
		    !strcmp(contenders[i]->rule, rule))
			return contenders[i];
	return NULL;
}

static int starved(void)
{
	fprintf(stderr, "not enough memory\n");
	return -ENOMEM;
}

static int wrong(const struct entry *entry, const char *what, uint64_t event)
{
	fprintf(stderr, "%s: %s, event %llu\n", entry->contender->name, what,
		(unsigned long long)event);
	return -EUCLEAN;
}

// --- A heap after the warm-up ---

static int warm_up(struct contest *contest, const struct contender *contender,
		   bool gauges, struct player *player)
{
	const struct bench_trace *trace = contest->trace;

	*player = (struct player){.event = trace->event, .held = contest->held};
	if (contender->create(trace->heap_pages, &player->heap))
		return starved();
	contender->replay(player, 0, contest->warm, contest->record, gauges);
	return 0;
}

// Where heapkit's heap of a peer's rule has its buffers after the warm-up.
static int prepare_peer(struct contest *contest, struct entry *entry)
{
	const struct contender *own = heapkit_of(entry->contender->rule);
	uint64_t bytes = contest->trace->n_buffers * sizeof(*entry->held);
	struct player player;

	entry->held = malloc(bytes);
	if (!entry->held || warm_up(contest, own, false, &player))
		return starved();
	memcpy(entry->held, contest->held, bytes);
	own->destroy(player.heap);
	return 0;
}

// The last size of each buffer that is held when the warm-up ends.
static void occupy(const struct contest *contest, const struct entry *entry,
		   struct player *player)
{
	const struct bench_event *event = contest->trace->event;
	uint64_t bytes = contest->trace->n_buffers * sizeof(uint32_t);
	uint32_t *pages = memset(contest->record, 0, bytes);

	for (uint64_t i = 0; i < contest->warm; i++)
		pages[event[i].buffer] =
			event[i].op == EVENT_ALLOC ? event[i].pages : 0;
	for (uint32_t b = 0; b < contest->trace->n_buffers; b++)
		if (pages[b] && entry->held[b] != NOWHERE)
			entry->contender->occupy(player->heap, entry->held[b],
						 pages[b]);
}

static int start_peer(struct contest *contest, const struct entry *entry,
		      struct player *player)
{
	*player = (struct player){.event = contest->trace->event,
				  .held = contest->held};
	if (entry->contender->create(contest->trace->heap_pages, &player->heap))
		return starved();
	occupy(contest, entry, player);
	memcpy(contest->held, entry->held,
	       contest->trace->n_buffers * sizeof(*entry->held));
	return 0;
}

// --- Timed ---

// Replay to the end of @window; a window without an end ends when its time is
// over.
static void play_window(const struct contest *contest, struct entry *entry,
			struct player *player, uint32_t round)
{
	struct window *window = &entry->window[0];
	uint64_t first = contest->warm;
	uint64_t end =
		window->events ? first + window->events : contest->trace->n;
	double limit = window->events ? 1e18 : contest->options->window_ns;
	double start = cpu_ns();
	double now = start;

	for (uint64_t i = first; i < end && now - start < limit; i += STEP) {
		uint64_t stop = i + STEP < end ? i + STEP : end;

		entry->contender->replay(player, i, stop,
					 &contest->record[i - first],
					 entry->gauges);
		now = cpu_ns();
		if (limit < 1e18)
			window->events = stop - first;
	}
	window->ns[round] = now - start;
}

static int play_peer(struct contest *contest, struct entry *entry,
		     uint32_t round)
{
	struct player player;
	uint64_t bytes;
	int err = start_peer(contest, entry, &player);

	if (err)
		return err;
	play_window(contest, entry, &player, round);
	entry->contender->destroy(player.heap);
	bytes = entry->window[0].events * sizeof(*entry->expected);
	if (!entry->expected) {
		entry->expected = malloc(bytes);
		if (!entry->expected)
			return starved();
		memcpy(entry->expected, contest->record, bytes);
	}
	return 0;
}

static int play_heapkit(struct contest *contest, struct entry *entry,
			uint32_t round)
{
	struct player player;
	uint64_t first = contest->warm;
	uint64_t before = memory_reserved();
	bool broken;
	double start;
	int err = warm_up(contest, entry->contender, entry->gauges, &player);

	if (err)
		return err;
	start = cpu_ns();
	for (uint32_t w = 0; w < entry->n_windows; w++) {
		struct window *window = &entry->window[w];
		uint64_t end = contest->warm + window->events;

		entry->contender->replay(
			&player, first, end,
			&contest->record[first - contest->warm], entry->gauges);
		window->ns[round] = cpu_ns() - start;
		first = end;
	}
	entry->reserved = memory_reserved() - before;
	broken = entry->contender->check &&
		 !entry->contender->check(player.heap);
	entry->contender->destroy(player.heap);
	return broken ? wrong(entry, "an invariant is broken", first) : 0;
}

// --- The same records ---

static bool same_record(const struct record *a, const struct record *b,
			bool gauges)
{
	if (!gauges)
		return a->pfn == b->pfn;
	return a->pfn == b->pfn && a->free == b->free &&
	       a->largest == b->largest;
}

static int compare(const struct contest *contest, const struct entry *own,
		   const struct entry *peer)
{
	bool gauges = own->gauges && peer->gauges;

	if (own->contender->is_peer || !peer->expected ||
	    strcmp(own->contender->rule, peer->contender->rule))
		return 0;
	for (uint64_t i = 0; i < peer->window[0].events; i++)
		if (!same_record(&contest->record[i], &peer->expected[i],
				 gauges))
			return wrong(own, "differs from the linear scan",
				     contest->warm + i);
	return 0;
}

static int compare_all(const struct contest *contest, const struct entry *own)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < contest->n_entries; i++)
		err = compare(contest, own, &contest->entry[i]);
	return err;
}

static void count_failed(const struct contest *contest, struct entry *entry)
{
	uint64_t events = entry->window[entry->n_windows - 1].events;

	entry->failed = 0;
	for (uint64_t i = 0; i < events; i++)
		entry->failed += contest->trace->event[contest->warm + i].op ==
					 EVENT_ALLOC &&
				 contest->record[i].pfn == NOWHERE;
}

// --- Rounds ---

static void add_window(struct entry *entry, uint64_t events)
{
	uint32_t at = entry->n_windows;

	for (uint32_t w = 0; w < entry->n_windows; w++)
		if (entry->window[w].events == events)
			return;
	while (at && entry->window[at - 1].events > events) {
		entry->window[at] = entry->window[at - 1];
		at--;
	}
	entry->window[at] = (struct window){.events = events};
	entry->n_windows++;
}

// Read heapkit's clock where the windows of its rule's peers end.
static void set_windows(struct contest *contest)
{
	for (uint32_t i = 0; i < contest->n_entries; i++) {
		struct entry *own = &contest->entry[i];

		if (own->contender->is_peer)
			continue;
		for (uint32_t k = 0; k < contest->n_entries; k++) {
			const struct entry *peer = &contest->entry[k];

			if (peer->contender->is_peer &&
			    !strcmp(peer->contender->rule,
				    own->contender->rule))
				add_window(own, peer->window[0].events);
		}
		add_window(own, contest->trace->n - contest->warm);
	}
}

static int play_round(struct contest *contest, uint32_t round)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < contest->n_entries; i++)
		if (contest->entry[i].contender->is_peer)
			err = play_peer(contest, &contest->entry[i], round);
	if (!err && round == 0)
		set_windows(contest);
	for (uint32_t i = 0; !err && i < contest->n_entries; i++) {
		struct entry *entry = &contest->entry[i];

		if (entry->contender->is_peer)
			continue;
		err = play_heapkit(contest, entry, round);
		if (!err)
			err = compare_all(contest, entry);
		if (!err)
			count_failed(contest, entry);
	}
	return err;
}

static int add_entries(struct contest *contest,
		       const struct contender *contender)
{
	int err = 0;

	for (int gauges = 0; !err && gauges <= 1; gauges++) {
		struct entry *entry = &contest->entry[contest->n_entries++];

		entry->contender = contender;
		entry->gauges = gauges;
		if (contender->is_peer) {
			entry->n_windows = 1;
			entry->window[0].events =
				contest->options->window_events;
			err = prepare_peer(contest, entry);
		}
	}
	return err;
}

static void print_window(const struct window *window, uint32_t rounds)
{
	printf("{\"events\": %llu, \"ns\": [",
	       (unsigned long long)window->events);
	for (uint32_t r = 0; r < rounds; r++)
		printf("%s%.3f", r ? ", " : "",
		       window->ns[r] / (double)window->events);
	printf("]}");
}

static void print_entry(const struct contest *contest,
			const struct entry *entry)
{
	printf("{\"contender\": \"%s\", \"gauges\": %s, \"failed\": %llu, "
	       "\"reserved\": %llu, \"windows\": [",
	       entry->contender->name, entry->gauges ? "true" : "false",
	       (unsigned long long)entry->failed,
	       (unsigned long long)entry->reserved);
	for (uint32_t w = 0; w < entry->n_windows; w++) {
		printf("%s", w ? ", " : "");
		print_window(&entry->window[w], contest->options->rounds);
	}
	printf("]}");
}

static void print_contest(const struct contest *contest)
{
	const struct bench_trace *trace = contest->trace;

	printf("{\"events\": %llu, \"warm\": %llu, \"heap_pages\": %llu, "
	       "\"buffers\": %u, \"mean_live\": %.1f, \"occupancy\": %.4f,\n"
	       " \"entries\": [",
	       (unsigned long long)trace->n, (unsigned long long)contest->warm,
	       (unsigned long long)trace->heap_pages, trace->n_buffers,
	       trace->mean_live, trace->mean_occupancy);
	for (uint32_t i = 0; i < contest->n_entries; i++) {
		printf("%s\n  ", i ? "," : "");
		print_entry(contest, &contest->entry[i]);
	}
	printf("]}\n");
}

static int contest_create(struct contest *contest)
{
	uint64_t records = contest->trace->n * sizeof(*contest->record);
	uint64_t held = contest->trace->n_buffers * sizeof(*contest->held);

	contest->warm = contest->trace->n / 4;
	contest->record = malloc(records);
	contest->held = malloc(held);
	if (!contest->record || !contest->held)
		return starved();
	// A page's first touch is not a replay's cost.
	memset(contest->record, 0, records);
	memset(contest->held, 0, held);
	return 0;
}

static void contest_destroy(struct contest *contest)
{
	for (uint32_t i = 0; i < contest->n_entries; i++) {
		free(contest->entry[i].held);
		free(contest->entry[i].expected);
	}
	free(contest->held);
	free(contest->record);
}

int rounds_run(const struct bench_trace *trace,
	       const struct round_options *options)
{
	static struct contest contest;
	int err;

	contest = (struct contest){.trace = trace, .options = options};
	err = contest_create(&contest);
	for (uint32_t i = 0; !err && i < n_contenders; i++)
		if (is_wanted(contenders[i]->name, options->only))
			err = add_entries(&contest, contenders[i]);
	for (uint32_t r = 0; !err && r < options->rounds; r++)
		err = play_round(&contest, r);
	if (!err)
		print_contest(&contest);
	contest_destroy(&contest);
	return err;
}
