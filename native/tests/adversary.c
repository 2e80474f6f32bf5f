// SPDX-License-Identifier: MIT
#include "adversary.h"

#include <string.h>

enum sizes { ANY, WORD_EDGES, POWERS, ONES, GROWING };
enum victim { RANDOM, OLDEST, NEWEST, BOTH_ENDS, EVERY_OTHER };
// How far it fills before it gives, and how far it empties before it fills
// again.
enum level { HOVER, SAWTOOTH, NEAR_FULL };

struct plan {
	enum sizes sizes;
	enum victim victim;
	enum level level;
};

static const struct plan plans[ADVERSARY_PLANS] = {
	{ANY, RANDOM, HOVER},
	{ANY, RANDOM, SAWTOOTH},
	{ANY, NEWEST, SAWTOOTH},
	{ANY, OLDEST, NEAR_FULL},
	{ONES, EVERY_OTHER, SAWTOOTH},
	{GROWING, EVERY_OTHER, SAWTOOTH},
	{WORD_EDGES, RANDOM, NEAR_FULL},
	{WORD_EDGES, BOTH_ENDS, SAWTOOTH},
	{POWERS, RANDOM, NEAR_FULL},
	{POWERS, OLDEST, HOVER},
	{POWERS, EVERY_OTHER, SAWTOOTH},
	{ONES, BOTH_ENDS, NEAR_FULL},
};

struct game {
	const struct subject *subject;
	const struct plan *plan;
	struct rng rng;
	uint32_t live[ADVERSARY_SLOTS]; // by age
	uint32_t n_live;
	uint32_t spare[ADVERSARY_SLOTS];
	uint32_t n_spare;
	uint32_t turn;
	uint32_t highest; // live at the last peak
	bool draining;
};

static uint32_t clip(const struct game *game, uint32_t size)
{
	const uint32_t most = game->subject->max_size;

	return size < 1 ? 1 : size > most ? most : size;
}

static uint32_t draw_size(struct game *game)
{
	static const uint32_t edges[] = {1,  15, 16, 17,  31,  32,  33,
					 63, 64, 65, 127, 128, 129, 512};
	struct rng *rng = &game->rng;
	const uint32_t order = rng_below(rng, 12);

	switch (game->plan->sizes) {
	case WORD_EDGES:
		return clip(game, edges[rng_below(rng, 14)]);
	case POWERS:
		return clip(game, (1U << order) - 1 + rng_below(rng, 3));
	case ONES:
		return clip(game, 1 + (rng_below(rng, 16) == 0));
	case GROWING:
		return clip(game, 1 + game->turn / 64 % 40);
	default:
		return clip(game, rng_size(rng, 11));
	}
}

static uint32_t draw_victim(struct game *game)
{
	const uint32_t last = game->n_live - 1;

	switch (game->plan->victim) {
	case OLDEST:
		return 0;
	case NEWEST:
		return last;
	case BOTH_ENDS:
		return game->turn % 2 ? 0 : last;
	case EVERY_OTHER:
		// The second, the third of the rest, …: neighbours stay.
		return (game->turn + 1) % game->n_live;
	default:
		return rng_below(&game->rng, game->n_live);
	}
}

static void take(struct game *game)
{
	const uint32_t slot = game->spare[game->n_spare - 1];
	const struct subject *subject = game->subject;

	if (subject->take(subject->context, slot, draw_size(game))) {
		game->n_spare--;
		game->live[game->n_live++] = slot;
		return;
	}
	game->draining = true;
	game->highest = game->n_live;
}

static void give(struct game *game)
{
	const uint32_t at = draw_victim(game);
	const uint32_t slot = game->live[at];

	game->n_live--;
	memmove(&game->live[at], &game->live[at + 1],
		(game->n_live - at) * sizeof(*game->live));
	game->spare[game->n_spare++] = slot;
	game->subject->give(game->subject->context, slot);
}

static bool wants_to_give(struct game *game)
{
	if (!game->n_spare)
		game->draining = true;
	switch (game->plan->level) {
	case HOVER:
		game->draining = rng_below(&game->rng, 100) < 45;
		break;
	case SAWTOOTH:
		game->draining =
			game->draining && game->n_live > game->highest / 4;
		break;
	default:
		// One refusal, one or two frees.
		if (game->draining && rng_below(&game->rng, 2))
			game->draining = false;
		else if (game->n_live && rng_below(&game->rng, 3) == 0)
			game->draining = true;
	}
	return !game->n_spare || (game->draining && game->n_live);
}

static void turn(struct game *game, bool gives)
{
	const struct subject *subject = game->subject;

	if (gives)
		give(game);
	else
		take(game);
	subject->compare(subject->context);
	if (game->turn++ % 256 == 0)
		subject->check(subject->context);
	compared(1);
}

static void play(struct game *game, const struct subject *subject,
		 const struct plan *plan, uint32_t events, uint64_t seed)
{
	memset(game, 0, sizeof(*game));
	game->subject = subject;
	game->plan = plan;
	game->rng.state = seed * ADVERSARY_PLANS + (uint64_t)(plan - plans);
	game->n_spare = ADVERSARY_SLOTS;
	for (uint32_t i = 0; i < ADVERSARY_SLOTS; i++)
		game->spare[i] = i;
	for (uint32_t i = 0; i < scaled(events); i++)
		turn(game, wants_to_give(game));
	while (game->n_live)
		turn(game, true);
	subject->check(subject->context);
}

void adversary_play(const struct subject *subject, uint32_t events,
		    uint64_t seed)
{
	static struct game game;

	for (uint32_t i = 0; i < ADVERSARY_PLANS; i++)
		play(&game, subject, &plans[i], events, seed);
}
