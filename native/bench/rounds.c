// SPDX-License-Identifier: MIT
#include "contest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

enum { STEP = 256 }; // events between two looks at the clock

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

int contest_starved(void)
{
	fprintf(stderr, "not enough memory\n");
	return -ENOMEM;
}

int contest_wrong(const struct entry *entry, const char *what, uint64_t event)
{
	fprintf(stderr, "%s: %s, event %llu\n", entry->contender->name, what,
		(unsigned long long)event);
	return -EUCLEAN;
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
	int err = contest_start_peer(contest, entry, &player);

	if (err)
		return err;
	play_window(contest, entry, &player, round);
	entry->contender->destroy(player.heap);
	return contest_keep(contest, entry);
}

static int play_heapkit(struct contest *contest, struct entry *entry,
			uint32_t round)
{
	struct player player;
	uint64_t first = contest->warm;
	uint64_t before = memory_reserved();
	bool broken;
	double start;
	int err = contest_warm_up(contest, entry->contender, entry->gauges,
				  &player);

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
	return broken ? contest_wrong(entry, "an invariant is broken", first)
		      : 0;
}

// --- Rounds ---

static void count_failed(const struct contest *contest, struct entry *entry)
{
	uint64_t events = entry->window[entry->n_windows - 1].events;

	entry->failed = 0;
	for (uint64_t i = 0; i < events; i++)
		entry->failed += contest->trace->event[contest->warm + i].op ==
					 EVENT_ALLOC &&
				 contest->record[i].pfn == NOWHERE;
}

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
			err = contest_compare(contest, entry);
		if (!err)
			count_failed(contest, entry);
	}
	return err;
}

static int add_entries(struct contest *contest,
		       const struct contender *contender)
{
	int err = 0;

	for (int gauges = contender->gauges_only; !err && gauges <= 1;
	     gauges++) {
		struct entry *entry = &contest->entry[contest->n_entries++];

		entry->contender = contender;
		entry->gauges = gauges;
		if (contender->is_peer) {
			entry->n_windows = 1;
			entry->window[0].events =
				contest->options->window_events;
			err = contest_prepare_peer(contest, entry);
		}
	}
	return err;
}

static int contest_create(struct contest *contest)
{
	uint64_t records = contest->trace->n * sizeof(*contest->record);
	uint64_t held = contest->trace->n_buffers * sizeof(*contest->held);

	contest->warm = contest->trace->n / 4;
	contest->record = malloc(records);
	contest->held = malloc(held);
	if (!contest->record || !contest->held)
		return contest_starved();
	// A page's first touch is not a replay's cost; zeros would become a
	// calloc(), which touches nothing.
	memset(contest->record, 1, records);
	memset(contest->held, 1, held);
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
		contest_print(&contest);
	contest_destroy(&contest);
	return err;
}
