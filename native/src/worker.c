// SPDX-License-Identifier: MIT
//
// Idle threads in simulated time. Between two events every worker does what its
// time allows, in the order in which the pieces of work end; at equal times in
// the order in which the workers were made. They never compete with requests or
// each other for a CPU (assumed: SCHED_IDLE and nice 10 threads on a machine
// with an idle core). What a worker has begun shows only once it has ended.

#include "internal.h"

void worker_add(struct hk_machine *machine, struct worker *worker)
{
	struct worker **link = &machine->workers;

	worker->due = NEVER;
	worker->free_at = INT64_MIN;
	while (*link)
		link = &(*link)->next;
	*link = worker;
}

void worker_set_due(struct hk_machine *machine, struct worker *worker,
		    int64_t due)
{
	worker->due = due;
	if (due < machine->idle_due)
		machine->idle_due = due;
}

static struct worker *earliest(const struct hk_machine *machine)
{
	struct worker *first = machine->workers;

	for (struct worker *worker = first; worker; worker = worker->next)
		if (worker->due < first->due)
			first = worker;
	return first;
}

int worker_run_all(struct hk_machine *machine, int64_t now_ns)
{
	if (now_ns < machine->idle_due || machine->idle_due == NEVER)
		return 0;
	for (;;) {
		struct worker *worker = earliest(machine);

		machine->idle_due = worker->due;
		if (worker->due > now_ns || worker->due == NEVER)
			return 0;
		machine->changes++;
		if (worker->run(machine, worker))
			return OUT_OF_CORE;
	}
}

int64_t time_after(int64_t start_ns, double cost)
{
	int64_t end_ns;

	if (__builtin_add_overflow(start_ns, round_ns(cost), &end_ns))
		return NEVER;
	return end_ns;
}

void worker_save(const struct worker *worker, struct state_writer *out)
{
	state_put_signed(out, worker->due);
	state_put_signed(out, worker->free_at);
}

void worker_load(struct hk_machine *machine, struct worker *worker,
		 struct state_reader *in)
{
	worker_set_due(machine, worker, state_get_signed(in));
	worker->free_at = state_get_signed(in);
}
