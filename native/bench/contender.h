// SPDX-License-Identifier: MIT
//
// Whoever replays a trace here, and the loop that all of them share. Each file
// has its own inlined copy, so that nobody pays for a call through a pointer.
//
//   rule    contenders of one rule place every buffer alike
//   record  what a replay writes down after each event
#ifndef HK_BENCH_CONTENDER_H
#define HK_BENCH_CONTENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "trace.h"

#define NOWHERE UINT64_MAX

// The first page of a heap: 32 GiB, aligned as a board's would be.
enum { HEAP_PFN = 1 << 23 };

struct record {
	uint64_t pfn; // NOWHERE: the allocation failed
	uint32_t free; // pages, as are the largest
	uint32_t largest;
	double unusable; // 1 - largest / free
};

// A replay at one moment; @held has the place of each buffer.
struct player {
	const struct bench_event *event;
	void *heap;
	uint64_t *held;
};

struct contender {
	const char *name;
	const char *rule;
	bool is_peer; // measured against, in a window of limited time
	bool gauges_only; // never measured without
	int (*create)(uint64_t pages, void **ret);
	void (*destroy)(void *heap);
	// Replay events [first, end) and write their records.
	void (*replay)(struct player *player, uint64_t first, uint64_t end,
		       struct record *record, bool gauges);
	// A peer's heap is brought to a state with this, not by replaying.
	void (*occupy)(void *heap, uint64_t pfn, uint32_t pages);
	// All invariants hold. NULL: has none to check.
	bool (*check)(const void *heap);
};

extern const struct contender *const contenders[];
extern const uint32_t n_contenders;

extern const struct contender nothing;
extern const struct contender first_fit, best_fit, first_align, order_align;
extern const struct contender cma;
extern const struct contender buddy;
extern const struct contender linear_first_fit, linear_best_fit;
extern const struct contender linear_first_align, linear_order_align;
extern const struct contender linear_cma;

// --- The loop ---

struct verbs {
	bool (*take)(void *heap, uint32_t pages, uint64_t *pfn);
	void (*give)(void *heap, uint64_t pfn, uint32_t pages);
	void (*gauges)(const void *heap, uint64_t *free, uint64_t *largest);
};

static inline __attribute__((always_inline)) void
write_gauges(const struct verbs *verbs, const void *heap, struct record *record)
{
	uint64_t pages, largest;

	verbs->gauges(heap, &pages, &largest);
	record->free = (uint32_t)pages;
	record->largest = (uint32_t)largest;
	record->unusable = pages ? 1 - (double)largest / (double)pages : 0;
}

static inline __attribute__((always_inline)) void
replay_events(const struct verbs *verbs, struct player *player, uint64_t first,
	      uint64_t end, struct record *record, bool gauges)
{
	for (uint64_t i = first; i < end; i++, record++) {
		const struct bench_event *event = &player->event[i];
		uint64_t *held = &player->held[event->buffer];

		if (event->op == EVENT_ALLOC) {
			if (!verbs->take(player->heap, event->pages, held))
				*held = NOWHERE;
		} else if (*held != NOWHERE) {
			verbs->give(player->heap, *held, event->pages);
		}
		record->pfn = *held;
		if (gauges)
			write_gauges(verbs, player->heap, record);
	}
}

// A function @name for struct contender.replay over @verbs.
#define REPLAY(name, verbs)                                                    \
	static void name(struct player *player, uint64_t first, uint64_t end,  \
			 struct record *record, bool gauges)                   \
	{                                                                      \
		if (gauges)                                                    \
			replay_events(&(verbs), player, first, end, record,    \
				      true);                                   \
		else                                                           \
			replay_events(&(verbs), player, first, end, record,    \
				      false);                                  \
	}

#endif
