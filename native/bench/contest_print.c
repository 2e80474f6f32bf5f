// SPDX-License-Identifier: MIT
#include "contest.h"

#include <stdio.h>

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

void contest_print(const struct contest *contest)
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
