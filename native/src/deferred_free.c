// SPDX-License-Identifier: MIT
//
// Buffers that were freed but whose memory is not back yet. A list, newest
// first (LIFO), and a worker that takes one buffer at a time, zeroes it and
// returns it. All system heaps share one list, as with Android's
// deferred-free-helper.c; every carveout has its own, as in ION.

#include "internal.h"

static struct deferred_free *of_worker(struct worker *worker)
{
	return (struct deferred_free *)((char *)worker -
					offsetof(struct deferred_free, worker));
}

// A worker is idle priority: it takes a buffer only once time has passed since
// the free, so that buffers freed at one instant are all on the list by then.
static void schedule(struct hk_machine *machine, struct deferred_free *deferred)
{
	struct worker *worker = &deferred->worker;
	int64_t due = NEVER;

	if (deferred->hand)
		return;
	if (deferred->list) {
		due = time_after(deferred->list->freed_at, 1);
		if (due < worker->free_at)
			due = worker->free_at;
	}
	worker_set_due(machine, worker, due);
}

void deferred_free_push(struct hk_machine *machine,
			struct deferred_free *deferred, struct buffer *buffer)
{
	buffer->next = deferred->list;
	deferred->list = buffer;
	schedule(machine, deferred);
}

static struct buffer *pop(struct deferred_free *deferred)
{
	struct buffer *buffer = deferred->list;

	deferred->list = buffer->next;
	buffer->next = NULL;
	return buffer;
}

static int give_back(struct hk_machine *machine, struct buffer *buffer,
		     enum free_reason reason, struct bill *bill)
{
	struct heap *heap = buffer->heap;
	const uint64_t bytes = buffer->bytes;

	if (heap->ops->release(heap, buffer, reason, bill))
		return OUT_OF_CORE;
	heap->deferred_bytes -= bytes;
	buffer_recycle(&machine->buffers, buffer);
	return 0;
}

static void begin_newest(struct hk_machine *machine,
			 struct deferred_free *deferred)
{
	struct worker *worker = &deferred->worker;
	struct buffer *buffer = pop(deferred);
	int64_t start = buffer->freed_at;
	struct bill bill = machine_bill(machine, NULL);

	if (start < worker->free_at)
		start = worker->free_at;
	if (buffer->heap->zero_at_free)
		charge_each_zeroing(&bill, buffer);
	deferred->hand = buffer;
	worker_set_due(machine, worker, time_after(start, bill.ns));
}

static int run(struct hk_machine *machine, struct worker *worker)
{
	struct deferred_free *deferred = of_worker(worker);
	struct bill bill = machine_bill(machine, NULL); // nobody waits for it

	if (!deferred->hand) {
		begin_newest(machine, deferred);
		return 0;
	}
	if (give_back(machine, deferred->hand, FREE_NORMAL, &bill))
		return OUT_OF_CORE;
	deferred->hand = NULL;
	worker->free_at = worker->due;
	schedule(machine, deferred);
	return 0;
}

void deferred_free_init(struct hk_machine *machine,
			struct deferred_free *deferred)
{
	deferred->worker.run = run;
	worker_add(machine, &deferred->worker);
}

// The buffer in the worker's hand is taken last. (Assumed: a kernel allocation
// that reclaims would wait for it rather than fail, see
// should_reclaim_retry().)
uint64_t deferred_free_drain(struct hk_machine *machine,
			     struct deferred_free *deferred, uint64_t pages,
			     enum free_reason reason, struct bill *bill)
{
	uint64_t freed = 0;

	while (freed < pages && (deferred->list || deferred->hand)) {
		struct buffer *buffer =
			deferred->list ? deferred->list : deferred->hand;
		const uint64_t gained = bytes_to_pages(buffer->bytes);

		if (deferred->list)
			pop(deferred);
		else
			deferred->hand = NULL;
		give_back(machine, buffer, reason, bill);
		freed += gained;
	}
	schedule(machine, deferred);
	return freed;
}

void deferred_free_destroy(struct buffer_table *table,
			   struct deferred_free *deferred)
{
	while (deferred->list)
		buffer_recycle(table, pop(deferred));
	if (deferred->hand)
		buffer_recycle(table, deferred->hand);
	deferred->hand = NULL;
}

static void save_freed(const struct buffer *buffer, struct state_writer *out)
{
	state_put_signed(out, buffer->freed_at);
	buffer_save(buffer, out);
}

void deferred_free_save(const struct deferred_free *deferred,
			struct state_writer *out)
{
	const struct buffer *buffer;
	uint32_t count = 0;

	worker_save(&deferred->worker, out);
	state_put(out, deferred->hand != NULL);
	if (deferred->hand)
		save_freed(deferred->hand, out);
	for (buffer = deferred->list; buffer; buffer = buffer->next)
		count++;
	state_put(out, count);
	for (buffer = deferred->list; buffer; buffer = buffer->next)
		save_freed(buffer, out);
}

// A freed buffer has memory, no devices, and a heap that frees it here.
static int load_freed(struct hk_machine *machine,
		      const struct deferred_free *deferred,
		      struct state_reader *in, struct buffer **place)
{
	const int64_t freed_at = state_get_signed(in);
	struct buffer *buffer;
	int ret = buffer_load(machine, in, &buffer);

	if (ret)
		return ret;
	*place = buffer;
	buffer->freed_at = freed_at;
	buffer->heap->deferred_bytes += buffer->bytes;
	return buffer->heap->deferred == deferred && buffer->n_entries &&
			       !buffer->attachments && !buffer->references &&
			       !buffer->mmaps && !buffer->vmaps
		       ? 0
		       : -EINVAL;
}

int deferred_free_load(struct hk_machine *machine,
		       struct deferred_free *deferred, struct state_reader *in)
{
	struct buffer **end = &deferred->list;
	uint32_t count;
	int ret = 0;

	worker_load(machine, &deferred->worker, in);
	if (state_get_below(in, 2))
		ret = load_freed(machine, deferred, in, &deferred->hand);
	for (count = state_get_count(in); !ret && count; count--) {
		ret = load_freed(machine, deferred, in, end);
		if (!ret)
			end = &(*end)->next;
	}
	if (!ret && !deferred->list && !deferred->hand &&
	    deferred->worker.due != NEVER)
		return -EINVAL;
	return ret;
}
