// SPDX-License-Identifier: MIT
#include "contest.h"

#include <stdlib.h>
#include <string.h>

static const struct contender *heapkit_of(const char *rule)
{
	for (uint32_t i = 0; i < n_contenders; i++)
		if (!contenders[i]->is_peer &&
		    !strcmp(contenders[i]->rule, rule))
			return contenders[i];
	return NULL;
}

int contest_warm_up(struct contest *contest, const struct contender *contender,
		    bool gauges, struct player *player)
{
	const struct bench_trace *trace = contest->trace;

	*player = (struct player){.event = trace->event, .held = contest->held};
	if (contender->create(trace->heap_pages, &player->heap))
		return contest_starved();
	contender->replay(player, 0, contest->warm, contest->record, gauges);
	return 0;
}

// Where heapkit's heap of a peer's rule has its buffers after the warm-up.
int contest_prepare_peer(struct contest *contest, struct entry *entry)
{
	const struct contender *own = heapkit_of(entry->contender->rule);
	uint64_t bytes = contest->trace->n_buffers * sizeof(*entry->held);
	struct player player;

	entry->held = malloc(bytes);
	if (!entry->held || contest_warm_up(contest, own, false, &player))
		return contest_starved();
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

int contest_start_peer(struct contest *contest, const struct entry *entry,
		       struct player *player)
{
	*player = (struct player){.event = contest->trace->event,
				  .held = contest->held};
	if (entry->contender->create(contest->trace->heap_pages, &player->heap))
		return contest_starved();
	occupy(contest, entry, player);
	memcpy(contest->held, entry->held,
	       contest->trace->n_buffers * sizeof(*entry->held));
	return 0;
}
