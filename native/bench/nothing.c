// SPDX-License-Identifier: MIT
//
// The floor: an event is read, the table of buffers touched, a record written,
// and nothing decided. No replayer can be faster.
#include "contender.h"

#include <errno.h>
#include <stdlib.h>

struct tally {
	uint64_t free;
	uint64_t next;
};

static int tally_create(uint64_t pages, void **ret)
{
	struct tally *tally = malloc(sizeof(*tally));

	if (!tally)
		return -ENOMEM;
	*tally = (struct tally){.free = pages};
	*ret = tally;
	return 0;
}

static bool tally_take(void *heap, uint32_t pages, uint64_t *pfn)
{
	struct tally *tally = heap;

	*pfn = tally->next;
	tally->next += pages;
	tally->free -= pages;
	return true;
}

static void tally_give(void *heap, uint64_t pfn, uint32_t pages)
{
	struct tally *tally = heap;

	(void)pfn;
	tally->free += pages;
}

static void tally_gauges(const void *heap, uint64_t *pages, uint64_t *largest)
{
	const struct tally *tally = heap;

	*pages = tally->free;
	*largest = tally->free / 2;
}

static const struct verbs verbs = {tally_take, tally_give, tally_gauges};
REPLAY(tally_replay, verbs)

const struct contender nothing = {
	.name = "do-nothing",
	.rule = "none",
	.create = tally_create,
	.destroy = free,
	.replay = tally_replay,
};
