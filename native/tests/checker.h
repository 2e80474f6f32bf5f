// SPDX-License-Identifier: MIT
//
// A bench whose events are watched: what each charged, and what was wrong.
#ifndef HK_CHECKER_H
#define HK_CHECKER_H

#include "bench.h"

struct checker {
	struct bench bench;
	struct hk_counts counts; // of the last event
	struct hk_finding found[HK_MAX_FINDINGS];
	uint64_t n_found;
};

// The bench is started.
void checker_watch(struct checker *checker);
// Returns the status; the time is the bench's.
int32_t checker_step(struct checker *checker, struct hk_event event);
uint64_t charged(const struct checker *checker, enum hk_cost cost);

#define DO(checker, ...) checker_step(checker, (struct hk_event){__VA_ARGS__})

// So many findings in the last event, and the @i-th is this one.
#define CHECK_FOUND(checker, i, of_kind, at, of_bytes)                         \
	do {                                                                   \
		CHECK((checker)->n_found > (i));                               \
		CHECK_EQ((checker)->found[i].kind, of_kind);                   \
		CHECK_EQ((checker)->found[i].offset, at);                      \
		CHECK_EQ((checker)->found[i].bytes, of_bytes);                 \
	} while (0)
#define CHECK_FOUND_ONE(checker, of_kind, at, of_bytes)                        \
	do {                                                                   \
		CHECK_EQ((checker)->n_found, 1);                               \
		CHECK_FOUND(checker, 0, of_kind, at, of_bytes);                \
	} while (0)
#define CHECK_FOUND_NOTHING(checker) CHECK_EQ((checker)->n_found, 0)

#endif
