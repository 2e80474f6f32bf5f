// SPDX-License-Identifier: MIT
//
// The next part of a trace, checked, replayed and counted a block at a time:
// rows and gauges of a block stay in the first-level cache, and an interrupt
// between two calls finds machine, intake and tally at the same event.

#include "internal.h"
#include "tally.h"

enum { BLOCK = 256 }; // events: 17 KiB of rows, gauges and numbers

struct block {
	uint32_t number[BLOCK];
	struct hk_row row[BLOCK];
	struct hk_gauges gauges[BLOCK];
};

// Events @first … of @part as a trace of their own, under their numbers.
static struct hk_trace part_of(const struct hk_trace *part, uint64_t first,
			       uint64_t count, const uint32_t *number,
			       uint32_t n_numbers)
{
	struct hk_trace view = *part;

	view.n = count;
	view.op += first;
	view.buffer = number;
	view.size += first;
	view.chain += first;
	view.time_ns += first;
	if (view.device)
		view.device += first;
	if (view.access)
		view.access += first;
	if (view.offset)
		view.offset += first;
	view.n_buffers = n_numbers;
	return view;
}

static void count_block(struct hk_tally *tally, struct hk_intake *intake,
			const struct hk_trace *view, const uint64_t *ids,
			const struct block *block)
{
	for (uint64_t i = 0; i < view->n; i++) {
		const struct deed deed = {
			.part = view,
			.i = i,
			.event = tally->totals->events,
			.id = ids[i],
			.number = block->number[i],
			.row = &block->row[i],
			.gauges = &block->gauges[i],
		};

		tally_add(tally, intake, &deed);
	}
}

static void count_moves(struct hk_totals *totals, const struct hk_moves *moves)
{
	totals->busy_retries += moves->busy_retries;
	totals->pages_migrated += moves->pages_migrated;
	totals->no_target += moves->no_target;
	totals->pages_discarded += moves->pages_discarded;
}

static int replay_block(struct hk_machine *machine, struct hk_intake *intake,
			struct hk_tally *tally, const struct hk_trace *part,
			const uint64_t *ids, uint64_t first, uint64_t count,
			struct hk_fault *fault)
{
	struct block block;
	struct hk_columns columns = {.row = block.row, .gauges = block.gauges};
	struct hk_trace view;
	uint64_t done;
	int ret = hk_intake_take(intake, part, ids, first, count, block.number,
				 fault);

	if (ret)
		return ret;
	view = part_of(part, first, count, block.number, intake->ids.n_slots);
	machine->moves = (struct hk_moves){0};
	ret = hk_machine_replay(machine, &view, 0, count, &columns, 0, &done);
	fault->index = intake->events - count + done;
	if (!ret) {
		count_block(tally, intake, &view, ids + first, &block);
		count_moves(tally->totals, &machine->moves);
	}
	return ret;
}

int hk_machine_replay_part(struct hk_machine *machine, struct hk_intake *intake,
			   struct hk_tally *tally, const struct hk_trace *part,
			   const uint64_t *ids, uint64_t first, uint64_t count,
			   struct hk_fault *fault)
{
	int ret = 0;

	*fault = (struct hk_fault){.index = intake->events};
	if (first > part->n || count > part->n - first ||
	    tally_door(tally, machine->n_heaps) ||
	    tally->totals->events != intake->events)
		return -EINVAL;
	for (uint64_t i = 0; i < count && !ret; i += BLOCK) {
		const uint64_t left = count - i;

		ret = replay_block(machine, intake, tally, part, ids, first + i,
				   left < BLOCK ? left : BLOCK, fault);
	}
	return ret;
}
