// SPDX-License-Identifier: MIT
//
// The native half of `make bench`; benchmarks/native.py starts it and reads the
// JSON it prints.
//
//   heapkit-bench rounds NAME [--events N] [--rounds N] [--window-ms N]
//                             [--window-events N] [--only WORDS]
//   heapkit-bench trace NAME FILE [--events N] [--scale N]
//   heapkit-bench board NAME HEAP [--events N] [--rounds N] [--gauges 0|1]
//   heapkit-bench size NAME HEAP [--events N] [--rounds N] [--scale N]
//                                [--heap-scale N]
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "rounds.h"

const struct contender *const contenders[] = {
	&nothing,
	&first_fit,
	&linear_first_fit,
	&best_fit,
	&linear_best_fit,
	&first_align,
	&linear_first_align,
	&order_align,
	&linear_order_align,
	&cma,
	&linear_cma,
	&buddy,
};
const uint32_t n_contenders = sizeof(contenders) / sizeof(*contenders);

// The value of --@name, or NULL.
static const char *option(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, name))
			return argv[i + 1];
	return NULL;
}

static uint64_t number(int argc, char **argv, const char *name,
		       uint64_t otherwise)
{
	const char *text = option(argc, argv, name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static int run_rounds(int argc, char **argv, const struct bench_trace *trace)
{
	struct round_options options = {
		.rounds = (uint32_t)number(argc, argv, "rounds", 5),
		.window_ns = 1e6 * (double)number(argc, argv, "window-ms", 250),
		.window_events = number(argc, argv, "window-events", 0),
		.only = option(argc, argv, "only"),
	};

	return rounds_run(trace, &options);
}

static int write_trace(const char *path, const struct bench_trace *trace)
{
	FILE *file = fopen(path, "wb");
	uint64_t written;

	if (!file)
		return -errno;
	written = fwrite(trace->event, sizeof(*trace->event), trace->n, file);
	if (fclose(file) || written != trace->n)
		return -EIO;
	printf("{\"events\": %llu, \"heap_pages\": %llu, \"buffers\": %u, "
	       "\"mean_live\": %.1f, \"occupancy\": %.4f}\n",
	       (unsigned long long)trace->n,
	       (unsigned long long)trace->heap_pages, trace->n_buffers,
	       trace->mean_live, trace->mean_occupancy);
	return 0;
}

static int run_board(int argc, char **argv, const struct bench_trace *trace)
{
	uint32_t rounds = (uint32_t)number(argc, argv, "rounds", 1);

	if (!strcmp(argv[1], "size"))
		return board_size(trace, argv[3], rounds);
	return board_run(trace, argv[3], rounds,
			 number(argc, argv, "gauges", 1) != 0);
}

static int run(int argc, char **argv, const struct bench_trace *trace)
{
	if (!strcmp(argv[1], "rounds"))
		return run_rounds(argc, argv, trace);
	if (argc < 4)
		return -EINVAL;
	if (!strcmp(argv[1], "trace"))
		return write_trace(argv[3], trace);
	if (!strcmp(argv[1], "board") || !strcmp(argv[1], "size"))
		return run_board(argc, argv, trace);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct bench_trace trace;
	int err = -EINVAL;

	if (argc > 2)
		err = trace_make(argv[2], number(argc, argv, "events", 0),
				 (uint32_t)number(argc, argv, "scale", 1),
				 &trace);
	if (!err) {
		trace.heap_pages *= number(argc, argv, "heap-scale", 1);
		err = run(argc, argv, &trace);
		trace_free(&trace);
	}
	if (err)
		fprintf(stderr, "heapkit-bench: %s\n", strerror(-err));
	return err ? 1 : 0;
}
