// SPDX-License-Identifier: MIT
#include "contest.h"

#include <stdlib.h>
#include <string.h>

int contest_keep(const struct contest *contest, struct entry *peer)
{
	uint64_t bytes = peer->window[0].events * sizeof(*peer->expected);

	if (peer->expected)
		return 0;
	peer->expected = malloc(bytes);
	if (!peer->expected)
		return contest_starved();
	memcpy(peer->expected, contest->record, bytes);
	return 0;
}

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
			return contest_wrong(own,
					     "differs from the linear scan",
					     contest->warm + i);
	return 0;
}

int contest_compare(const struct contest *contest, const struct entry *own)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < contest->n_entries; i++)
		err = compare(contest, own, &contest->entry[i]);
	return err;
}
