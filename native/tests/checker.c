// SPDX-License-Identifier: MIT
#include "checker.h"

void checker_watch(struct checker *checker)
{
	hk_machine_watch(checker->bench.machine, &checker->counts,
			 checker->found, HK_MAX_FINDINGS);
}

int32_t checker_step(struct checker *checker, struct hk_event event)
{
	struct bench *bench = &checker->bench;

	event.time_ns = bench->now;
	checker->counts = (struct hk_counts){0};
	checker_watch(checker);
	CHECK_EQ(hk_machine_step(bench->machine, &event, &bench->row,
				 &bench->gauges),
		 0);
	checker->n_found = hk_machine_found(bench->machine);
	CHECK(checker->n_found <= HK_MAX_FINDINGS);
	for (uint64_t i = 0; i < checker->n_found; i++) {
		CHECK_EQ(checker->found[i].buffer, event.buffer);
		CHECK_EQ(checker->found[i].device, event.device);
		CHECK_EQ(checker->found[i].op, event.op);
	}
	return bench->row.status;
}

uint64_t charged(const struct checker *checker, enum hk_cost cost)
{
	return checker->counts.n[cost];
}
