// SPDX-License-Identifier: MIT
//
// The C tests' harness. A test is TEST(a_sentence) { … } in any test_*.c; each
// runs in a process of its own, so that a crash or a sanitizer's report is one
// failed test. Results are printed as TAP.
#ifndef HK_HARNESS_H
#define HK_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

struct test {
	const char *file;
	const char *name;
	void (*run)(void);
	struct test *next;
};

void test_add(struct test *test);
_Noreturn void test_fail(const char *file, int line, const char *text);
_Noreturn void test_fail_numbers(const char *file, int line, const char *text,
				 uint64_t actual, uint64_t expected);

// ASan and TSan write shadow memory for what calloc() would leave untouched.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#define TEST(sentence)                                                         \
	static void sentence(void);                                            \
	__attribute__((constructor)) static void add_##sentence(void)          \
	{                                                                      \
		static struct test test = {                                    \
			.file = __FILE__, .name = #sentence, .run = sentence}; \
		test_add(&test);                                               \
	}                                                                      \
	static void sentence(void)

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			test_fail(__FILE__, __LINE__, #condition);             \
	} while (0)

#define CHECK_EQ(actual, expected)                                             \
	do {                                                                   \
		uint64_t actual_ = (uint64_t)(actual);                         \
		uint64_t expected_ = (uint64_t)(expected);                     \
		if (actual_ != expected_)                                      \
			test_fail_numbers(__FILE__, __LINE__,                  \
					  #actual " == " #expected, actual_,   \
					  expected_);                          \
	} while (0)

// The @nth malloc(), calloc() or realloc() from now on fails, once; 0: none.
// Those of hk_machine_check() are not counted: it has a call of its own, for
// the
// @nth in the next check.
void fail_allocation(uint32_t nth);
void fail_allocation_of_check(uint32_t nth);

// Events of a random sequence: @events, or more or less (but one) if
// HEAPKIT_TEST_SCALE says so.
uint32_t scaled(uint32_t events);
// So many events went the same way here and in a naive model: their sum over
// all tests is what tests/native/test_differential.py asks for.
void compared(uint32_t events);

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
// Evenly 0 … @n - 1.
uint32_t rng_below(struct rng *rng, uint32_t n);
// 1 … 2^@orders, as likely in every power of two: as buffer sizes are.
uint32_t rng_size(struct rng *rng, uint32_t orders);

#endif
