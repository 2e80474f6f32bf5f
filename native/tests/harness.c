// SPDX-License-Identifier: MIT
//
// heapkit-tests [--list | NAME…]: run all tests, or those named. With
// HEAPKIT_TEST_PORTABLE in the environment no index uses what only some CPUs
// can run.
#include "harness.h"

#include "../src/run_index_internal.h"
#include "heapkit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test *tests;
// Of a thread: a check of another one does not touch it.
static _Thread_local uint32_t failing;
static _Thread_local uint32_t failing_check;
static uint64_t compared_events;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
const struct run_index_code *__real_run_index_best_code(void);
const struct run_index_code *__wrap_run_index_best_code(void);
int __real_hk_machine_check(const struct hk_machine *machine,
			    const char **rule);
int __wrap_hk_machine_check(const struct hk_machine *machine,
			    const char **rule);

void test_add(struct test *test)
{
	struct test **end = &tests;

	while (*end)
		end = &(*end)->next;
	*end = test;
}

void test_fail(const char *file, int line, const char *text)
{
	printf("# %s:%d: %s\n", file, line, text);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

void test_fail_numbers(const char *file, int line, const char *text,
		       uint64_t actual, uint64_t expected)
{
	printf("# %s:%d: %s: %llu (%#llx), not %llu (%#llx)\n", file, line,
	       text, (unsigned long long)actual, (unsigned long long)actual,
	       (unsigned long long)expected, (unsigned long long)expected);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

void fail_allocation(uint32_t nth)
{
	failing = nth;
}

void fail_allocation_of_check(uint32_t nth)
{
	failing_check = nth;
}

static bool fails(void)
{
	return failing && --failing == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

// A debug build checks after every event: not the allocation a test has in
// mind.
int __wrap_hk_machine_check(const struct hk_machine *machine, const char **rule)
{
	const uint32_t nth = failing;
	int ret;

	failing = failing_check;
	failing_check = 0;
	ret = __real_hk_machine_check(machine, rule);
	failing = nth;
	return ret;
}

const struct run_index_code *__wrap_run_index_best_code(void)
{
	return getenv("HEAPKIT_TEST_PORTABLE") ? &run_index_portable
					       : __real_run_index_best_code();
}

uint32_t scaled(uint32_t events)
{
	const char *scale = getenv("HEAPKIT_TEST_SCALE");
	const double n = scale ? events * strtod(scale, NULL) : events;

	return n < 1 ? 1 : (uint32_t)n;
}

void compared(uint32_t events)
{
	compared_events += events;
}

// splitmix64, by Sebastiano Vigna (public domain).
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(((rng_next(rng) >> 32) * n) >> 32);
}

uint32_t rng_size(struct rng *rng, uint32_t orders)
{
	uint32_t order = rng_below(rng, orders);

	return (1U << order) + 1 + rng_below(rng, 1U << order) -
	       (order == 0 && rng_below(rng, 2));
}

static bool run(const struct test *test)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		test->run();
		if (compared_events)
			printf("# compared %llu events\n",
			       (unsigned long long)compared_events);
		// Not _exit(): the leak checker reports at exit.
		exit(EXIT_SUCCESS);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool is_named(const struct test *test, int n, char **names)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], test->name) == 0)
			return true;
	return n == 0;
}

static int run_all(int n_names, char **names)
{
	uint32_t count = 0;
	bool good = true;

	for (struct test *test = tests; test; test = test->next) {
		bool ok;

		if (!is_named(test, n_names, names))
			continue;
		ok = run(test);
		good = good && ok;
		printf("%s %u - %s\n", ok ? "ok" : "not ok", ++count,
		       test->name);
	}
	printf("1..%u\n", count);
	return good && count ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--list") != 0)
		return run_all(argc - 1, argv + 1);
	for (struct test *test = tests; test; test = test->next)
		printf("%s %s\n", strrchr(test->file, '/') + 1, test->name);
	return EXIT_SUCCESS;
}
