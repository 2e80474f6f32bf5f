// SPDX-License-Identifier: MIT
//
// A whole trace in one call. Every event is still looked at before it is
// carried out, so that a trace nobody checked is refused, not believed.

#include "internal.h"

static int chains_check(const struct hk_machine *machine,
			const struct hk_trace *trace)
{
	for (uint32_t c = 0; c < trace->n_chains; c++) {
		// An empty chain is one that no ALLOC uses.
		if (trace->chain_start[c] > trace->chain_start[c + 1])
			return -EINVAL;
		for (uint32_t i = trace->chain_start[c];
		     i < trace->chain_start[c + 1]; i++)
			if (trace->chain_heap[i] >= machine->n_heaps)
				return -EINVAL;
	}
	return 0;
}

static int read_event(const struct hk_trace *trace, uint64_t i,
		      struct hk_event *event)
{
	event->op = trace->op[i];
	event->buffer = trace->buffer[i];
	event->size = trace->size[i];
	event->offset = trace->offset ? trace->offset[i] : 0;
	event->time_ns = trace->time_ns[i];
	event->device = trace->device ? trace->device[i] : 0;
	event->access = trace->access ? trace->access[i]
				      : HK_ACCESS_READ | HK_ACCESS_WRITE;
	event->heap = NULL;
	event->n_heaps = 0;
	if (event->op == HK_OP_ALLOC) {
		const uint32_t chain = trace->chain[i];

		if (chain >= trace->n_chains)
			return -EINVAL;
		event->heap = &trace->chain_heap[trace->chain_start[chain]];
		event->n_heaps = trace->chain_start[chain + 1] -
				 trace->chain_start[chain];
	}
	return event->op == HK_OP_PRESSURE || event->buffer < trace->n_buffers
		       ? 0
		       : -EINVAL;
}

// The buffers of the next events: which they are is known, and where they lie
// is seldom in a near cache. With 100,000 of them a replay takes half the time.
// The distances are a guess that served.
static void look_ahead(const struct hk_machine *machine,
		       const struct hk_trace *trace, uint64_t i)
{
	enum { TO_SLOT = 12, TO_BUFFER = 6 };
	const struct buffer_table *table = &machine->buffers;
	uint32_t id;

	if (i + TO_SLOT >= trace->n)
		return;
	id = trace->buffer[i + TO_SLOT];
	if (id < table->n_slots)
		__builtin_prefetch(&table->slot[id]);
	__builtin_prefetch(buffer_find(table, trace->buffer[i + TO_BUFFER]));
}

// The check that follows event *@done. If the core starves in it, the event has
// been carried out nevertheless: *@done is the one after.
static int replay_check(const struct hk_machine *machine, uint64_t *done)
{
	const char *rule;
	const int ret = hk_machine_check(machine, &rule);

	*done += ret == -ENOMEM;
	return ret;
}

static bool is_check_due(uint64_t check_every, uint64_t i)
{
	return CHECKS_EVERY_EVENT ||
	       (check_every && (i + 1) % check_every == 0);
}

static void begin_columns(struct hk_machine *machine, struct hk_columns *ret)
{
	machine->findings = (struct findings){
		.at = ret->findings,
		.capacity = ret->n_findings,
	};
}

static void end_columns(struct hk_machine *machine, struct hk_columns *ret)
{
	ret->found = machine->findings.count;
	machine->findings = (struct findings){0};
	machine->count = NULL;
}

// Before event @i of the trace, whose elements are the @k-th.
static void clear_columns(struct hk_machine *machine, struct hk_columns *ret,
			  uint64_t i, uint64_t k)
{
	machine->n_events = i;
	if (ret->moves)
		machine->moves = (struct hk_moves){0};
	if (ret->counts) {
		ret->counts[k] = (struct hk_counts){0};
		machine->count = ret->counts[k].n;
	}
}

static void fill_columns(const struct hk_machine *machine,
			 struct hk_columns *ret, uint64_t k)
{
	if (ret->gauges)
		event_gauges(machine, &ret->row[k], &ret->gauges[k]);
	if (ret->fills)
		hk_machine_pool_fill(machine, ret->fill_heap, &ret->fills[k]);
	if (ret->moves)
		ret->moves[k] = machine->moves;
}

static int replay_one(struct hk_machine *machine, const struct hk_trace *trace,
		      struct hk_columns *ret, uint64_t i, uint64_t k)
{
	struct hk_event event;
	int status;

	clear_columns(machine, ret, i, k);
	look_ahead(machine, trace, i);
	status = read_event(trace, i, &event);
	if (!status)
		status = event_carry_out(machine, &event, &ret->row[k]);
	if (!status)
		fill_columns(machine, ret, k);
	return status;
}

int hk_machine_replay(struct hk_machine *machine, const struct hk_trace *trace,
		      uint64_t first, uint64_t count, struct hk_columns *ret,
		      uint64_t check_every, uint64_t *done)
{
	int status = 0;

	*done = first;
	if (first > trace->n || count > trace->n - first ||
	    (ret->fills && ret->fill_heap >= machine->n_heaps) ||
	    chains_check(machine, trace))
		return -EINVAL;
	if (buffer_table_reserve(&machine->buffers, trace->n_buffers))
		return -ENOMEM;

	begin_columns(machine, ret);
	for (uint64_t k = 0; !status && k < count; k++) {
		status = replay_one(machine, trace, ret, first + k, k);
		if (!status && is_check_due(check_every, first + k))
			status = replay_check(machine, done);
		*done += !status;
	}
	end_columns(machine, ret);
	return status;
}
