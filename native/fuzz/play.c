// SPDX-License-Identifier: MIT
#include "play.h"

#include <string.h>

struct game {
	const struct subject *subject;
	uint32_t live[ADVERSARY_SLOTS];
	uint32_t n_live;
	uint32_t next; // slots are not used twice
};

static void take(struct game *game, uint32_t size)
{
	const struct subject *subject = game->subject;

	if (subject->take(subject->context, game->next,
			  1 + size % subject->max_size))
		game->live[game->n_live++] = game->next++;
}

static void give(struct game *game, uint32_t which)
{
	const uint32_t slot = game->live[which];

	game->live[which] = game->live[--game->n_live];
	game->subject->give(game->subject->context, slot);
}

// A byte: below 96 a give, else a take of so many, or of a 16-bit size.
static void turn(struct game *game, struct bytes *bytes)
{
	const uint32_t move = bytes_u8(bytes);

	if (move < 96 && game->n_live)
		give(game, move % game->n_live);
	else if (move < 224)
		take(game, move - 96);
	else
		take(game, bytes_u16(bytes));
	game->subject->compare(game->subject->context);
}

void play(const struct subject *subject, struct bytes *bytes)
{
	static struct game game;

	memset(&game, 0, sizeof(game));
	game.subject = subject;
	for (uint32_t i = 0; bytes->left && game.next < ADVERSARY_SLOTS; i++) {
		turn(&game, bytes);
		if (i % 8 == 0)
			subject->check(subject->context);
	}
	while (game.n_live)
		give(&game, game.n_live - 1);
	subject->compare(subject->context);
	subject->check(subject->context);
}
