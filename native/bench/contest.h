// SPDX-License-Identifier: MIT
//
// What the files behind rounds.h share.
#ifndef HK_BENCH_CONTEST_H
#define HK_BENCH_CONTEST_H

#include "rounds.h"

enum { MAX_ROUNDS = 64, MAX_WINDOWS = 8, MAX_ENTRIES = 64 };

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

// Say on stderr what went wrong; -ENOMEM, -EUCLEAN.
int contest_starved(void);
int contest_wrong(const struct entry *entry, const char *what, uint64_t event);

// --- A heap after the warm-up, contest_start.c ---

// A new heap of @contender, and the warm-up replayed.
int contest_warm_up(struct contest *contest, const struct contender *contender,
		    bool gauges, struct player *player);
// Find out where heapkit's heap of a peer's rule has its buffers then.
int contest_prepare_peer(struct contest *contest, struct entry *entry);
// A new heap of the peer, brought to that state.
int contest_start_peer(struct contest *contest, const struct entry *entry,
		       struct player *player);

// --- The same records, contest_compare.c ---

// Keep what a peer wrote in its window, once.
int contest_keep(const struct contest *contest, struct entry *peer);
// Heapkit's records against those of every peer of its rule.
int contest_compare(const struct contest *contest, const struct entry *own);

// --- JSON, contest_print.c ---

void contest_print(const struct contest *contest);

#endif
