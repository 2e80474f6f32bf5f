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

// The check that follows event *@i. If the core starves in it, the event has
// been carried out nevertheless: *@i is the one after.
static int replay_check(const struct hk_machine *machine, uint64_t *i)
{
	const char *rule;
	const int ret = hk_machine_check(machine, &rule);

	*i += ret == -ENOMEM;
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
static void clear_columns(struct hk_machine *machine,
			  const struct hk_columns *columns, uint64_t i,
			  uint64_t k)
{
	machine->n_events = i;
	if (columns->moves)
		machine->moves = (struct hk_moves){0};
	if (columns->counts) {
		columns->counts[k] = (struct hk_counts){0};
		machine->count = columns->counts[k].n;
	}
}

static void fill_columns(const struct hk_machine *machine,
			 const struct hk_columns *columns, uint64_t k)
{
	if (columns->gauges)
		event_gauges(machine, &columns->row[k], &columns->gauges[k]);
	if (columns->fills)
		hk_machine_pool_fill(machine, columns->fill_heap,
				     &columns->fills[k]);
	if (columns->moves)
		columns->moves[k] = machine->moves;
}

static int replay_one(struct hk_machine *machine, const struct hk_trace *trace,
		      const struct hk_columns *columns, uint64_t i, uint64_t k)
{
	struct hk_event event;
	int ret;

	clear_columns(machine, columns, i, k);
	look_ahead(machine, trace, i);
	ret = read_event(trace, i, &event);
	if (!ret)
		ret = event_carry_out(machine, &event, &columns->row[k]);
	if (!ret)
		fill_columns(machine, columns, k);
	return ret;
}

int hk_machine_replay(struct hk_machine *machine, const struct hk_trace *trace,
		      uint64_t first, uint64_t count, struct hk_columns *ret,
		      uint64_t check_every, uint64_t *done)
{
	// Copies that nobody else can change stay in registers.
	const struct hk_columns columns = *ret;
	const struct hk_trace events = *trace;
	const uint64_t end = first + count;
	uint64_t i = first;
	int status = 0;

	*done = first;
	if (first > trace->n || count > trace->n - first ||
	    (columns.fills && columns.fill_heap >= machine->n_heaps) ||
	    chains_check(machine, trace))
		return -EINVAL;
	if (buffer_table_reserve(&machine->buffers, trace->n_buffers))
		return -ENOMEM;

	begin_columns(machine, ret);
	for (; i < end; i++) {
		status = replay_one(machine, &events, &columns, i, i - first);
		if (!status && is_check_due(check_every, i))
			status = replay_check(machine, &i);
		if (status)
			break;
	}
	end_columns(machine, ret);
	*done = i;
	return status;
}
