// SPDX-License-Identifier: MIT
//
// Machines share nothing: many replays at once of one trace that nobody writes
// to. Built with TSan too, by tests/native/test_threads.py.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "random_trace.h"

enum { THREADS = 6 };

// One thread's own machine, rows and gauges; the columns are everybody's.
struct player {
	pthread_t thread;
	const struct hk_trace *trace;
	struct bench bench;
	struct hk_row row[EVENTS];
	struct hk_gauges gauges[EVENTS];
	struct hk_pool_fill fill[EVENTS];
	struct hk_moves moves[EVENTS];
	struct hk_fault fault;
	int ret;
};

static void *replay(void *context)
{
	struct player *player = context;
	struct hk_columns columns = {
		.row = player->row,
		.gauges = player->gauges,
		.fills = player->fill,
		.moves = player->moves,
		.fill_heap = POOLED,
	};
	uint64_t done;

	player->ret = hk_trace_check(player->trace, &player->fault);
	if (!player->ret)
		player->ret =
			hk_machine_replay(player->bench.machine, player->trace,
					  0, EVENTS, &columns, 1000, &done);
	return NULL;
}

static struct player *player_new(const struct hk_trace *trace)
{
	struct player *player = calloc(1, sizeof(*player));

	player->trace = trace;
	bench_of_all_kinds(&player->bench);
	return player;
}

static void player_end(struct player *player)
{
	CHECK_EQ(player->ret, 0);
	bench_end(&player->bench);
	free(player);
}

static void play_together(const struct hk_trace *trace,
			  const struct player *alone)
{
	struct player *player[THREADS];

	for (uint32_t i = 0; i < THREADS; i++)
		player[i] = player_new(trace);
	for (uint32_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&player[i]->thread, NULL, replay,
					player[i]),
			 0);
	for (uint32_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(player[i]->thread, NULL), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		CHECK(!memcmp(player[i]->row, alone->row, sizeof(alone->row)));
		CHECK(!memcmp(player[i]->gauges, alone->gauges,
			      sizeof(alone->gauges)));
		CHECK(!memcmp(player[i]->fill, alone->fill,
			      sizeof(alone->fill)));
		CHECK(!memcmp(player[i]->moves, alone->moves,
			      sizeof(alone->moves)));
		player_end(player[i]);
	}
}

TEST(replays_at_once_of_one_trace_are_what_one_alone_is)
{
	for (uint64_t seed = 1; seed <= scaled(3); seed++) {
		struct random_trace *t = random_trace(seed);
		struct player *alone = player_new(&t->trace);

		replay(alone);
		play_together(&t->trace, alone);
		player_end(alone);
		free(t);
	}
}
