// SPDX-License-Identifier: MIT

#include "coherence.h"

#include "findings.h"
#include "internal.h"

#include <stdlib.h>

static uint64_t line_of(const struct hk_machine *machine, uint64_t byte)
{
	return byte >> machine->line_shift;
}

static struct span lines_met(const struct hk_machine *machine, uint64_t offset,
			     uint64_t length)
{
	if (!length)
		return (struct span){0, 0};
	return (struct span){line_of(machine, offset),
			     line_of(machine, offset + length - 1) + 1};
}

struct part buffer_whole(const struct hk_machine *machine,
			 const struct buffer *buffer)
{
	const struct span all = lines_met(machine, 0, buffer->bytes);

	return (struct part){
		.length = buffer->bytes,
		.entries = buffer->n_entries,
		.line = all,
		.whole = all,
	};
}

// Vendor kernels walk the entries to the offset; only those that overlap are
// touched.
static uint64_t entries_met(const struct buffer *buffer, uint64_t offset,
			    uint64_t length)
{
	uint64_t start = 0, met = 0;

	for (uint32_t i = 0; i < buffer->n_entries; i++) {
		const uint64_t end = start + buffer->entry[i].size;

		met += start < offset + length && end > offset;
		start = end;
	}
	return met;
}

struct part buffer_part(const struct hk_machine *machine,
			const struct buffer *buffer, uint64_t offset,
			uint64_t length)
{
	const uint64_t n = length ? length : buffer->size - offset;
	const uint64_t mask = (UINT64_C(1) << machine->line_shift) - 1;

	return (struct part){
		.offset = offset,
		.length = n,
		.line = lines_met(machine, offset, n),
		.whole = {line_of(machine, offset + mask),
			  line_of(machine, offset + n)},
	};
}

struct part buffer_pass(const struct hk_machine *machine,
			const struct buffer *buffer, uint64_t offset,
			uint64_t length)
{
	struct part part = buffer_part(machine, buffer, offset, length);

	if (part.length == buffer->size)
		return buffer_whole(machine, buffer);
	part.entries = entries_met(buffer, offset, part.length);
	return part;
}

void coherence_begin(struct buffer *buffer)
{
	buffer->zeroes_dirty = true;
	buffer->cpu_touched = true;
}

void coherence_end(struct buffer *buffer)
{
	if (buffer->lines) {
		span_set_destroy(&buffer->lines->dirty);
		span_set_destroy(&buffer->lines->stale);
		free(buffer->lines);
		buffer->lines = NULL;
	}
	buffer->zeroes_dirty = false;
	buffer->cpu_touched = false;
	buffer->device_touched = false;
	buffer->begun = 0;
	buffer->begun_access = 0;
}

int coherence_reserve(const struct hk_machine *machine, struct buffer *buffer)
{
	if (!buffer->lines)
		buffer->lines = calloc(1, sizeof(*buffer->lines));
	if (!buffer->lines || span_set_reserve(&buffer->lines->dirty))
		return OUT_OF_CORE;
	if (buffer->zeroes_dirty)
		span_set_add(&buffer->lines->dirty, 0,
			     line_of(machine, buffer->bytes));
	buffer->zeroes_dirty = false;
	if (span_set_reserve(&buffer->lines->dirty) ||
	    span_set_reserve(&buffer->lines->stale))
		return OUT_OF_CORE;
	return 0;
}

static uint64_t dirty_lines(const struct buffer *buffer, struct span line,
			    uint64_t *first)
{
	if (buffer->zeroes_dirty) {
		*first = line.start;
		return line.end - line.start;
	}
	return buffer->lines ? span_set_count(&buffer->lines->dirty, line.start,
					      line.end, first)
			     : 0;
}

// Take the dirty lines of @line out of the set, or all of them where no set was
// needed yet, which is only so for the whole buffer.
static uint64_t take_dirty(struct buffer *buffer, struct span line,
			   uint64_t *first)
{
	const uint64_t count = dirty_lines(buffer, line, first);

	if (buffer->zeroes_dirty)
		buffer->zeroes_dirty = false;
	else if (count)
		span_set_remove(&buffer->lines->dirty, line.start, line.end);
	return count;
}

uint64_t coherence_clean(struct buffer *buffer, const struct part *part)
{
	uint64_t first;

	return take_dirty(buffer, part->line, &first);
}

static void find_lines(struct hk_machine *machine, const struct hk_event *event,
		       enum hk_finding_kind kind, uint64_t first,
		       uint64_t count)
{
	if (count)
		find_bytes(machine, event, kind, first << machine->line_shift,
			   count << machine->line_shift);
}

void coherence_invalidate(struct hk_machine *machine, struct buffer *buffer,
			  const struct hk_event *event, const struct part *part)
{
	uint64_t first = 0;
	uint64_t lost;

	lost = part->whole.start < part->whole.end
		       ? take_dirty(buffer, part->whole, &first)
		       : 0;
	find_lines(machine, event, HK_LOST_CPU_WRITE, first, lost);
	coherence_clean(buffer, part);
	if (buffer->lines)
		span_set_remove(&buffer->lines->stale, part->line.start,
				part->line.end);
}

static uint64_t stale_lines(const struct buffer *buffer,
			    const struct part *part, uint64_t *first)
{
	return buffer->lines
		       ? span_set_count(&buffer->lines->stale, part->line.start,
					part->line.end, first)
		       : 0;
}

static void cpu_access(struct hk_machine *machine, struct buffer *buffer,
		       const struct hk_event *event, const struct part *part)
{
	uint64_t first = 0;
	uint64_t stale;

	if (event->op == HK_OP_CPU_READ) {
		stale = stale_lines(buffer, part, &first);
		find_lines(machine, event, HK_STALE_CPU_READ, first, stale);
		return;
	}
	span_set_add(&buffer->lines->dirty, part->line.start, part->line.end);
	span_set_remove(&buffer->lines->stale, part->whole.start,
			part->whole.end);
	// What is left are ends that it covers only partly.
	stale = stale_lines(buffer, part, &first);
	find_lines(machine, event, HK_LOST_DEVICE_WRITE, first, stale);
}

static void device_access(struct hk_machine *machine, struct buffer *buffer,
			  const struct hk_event *event, const struct part *part)
{
	uint64_t first = 0;
	uint64_t dirty;

	if (event->op == HK_OP_DEVICE_READ) {
		dirty = dirty_lines(buffer, part->line, &first);
		find_lines(machine, event, HK_STALE_DEVICE_READ, first, dirty);
		return;
	}
	dirty = take_dirty(buffer, part->line, &first);
	find_lines(machine, event, HK_LOST_DEVICE_WRITE, first, dirty);
	span_set_add(&buffer->lines->stale, part->line.start, part->line.end);
}

// A device that snoops reads what the cache has, stale or not, and what it
// writes takes the place of what was there.
static void snooping_access(struct hk_machine *machine, struct buffer *buffer,
			    const struct hk_event *event,
			    const struct part *part)
{
	uint64_t first = 0;

	if (event->op == HK_OP_DEVICE_READ) {
		const uint64_t stale = stale_lines(buffer, part, &first);

		find_lines(machine, event, HK_SNOOPED_STALE, first, stale);
		return;
	}
	take_dirty(buffer, part->line, &first);
	span_set_remove(&buffer->lines->stale, part->whole.start,
			part->whole.end);
}

void coherence_access(struct hk_machine *machine, struct buffer *buffer,
		      const struct hk_event *event, const struct part *part,
		      bool snoops)
{
	if (event->op == HK_OP_CPU_READ || event->op == HK_OP_CPU_WRITE)
		cpu_access(machine, buffer, event, part);
	else if (snoops)
		snooping_access(machine, buffer, event, part);
	else
		device_access(machine, buffer, event, part);
}

// --- As bytes ---

static void set_save(const struct span_set *set, struct state_writer *out)
{
	state_put(out, set->n);
	for (uint32_t i = 0; i < set->n; i++) {
		state_put(out, set->span[i].start);
		state_put(out, set->span[i].end);
	}
}

void coherence_save(const struct buffer *buffer, struct state_writer *out)
{
	// After a starved reserve there are lines, but nothing in them.
	const bool lines = buffer->lines && !buffer->zeroes_dirty;

	state_put(out, (uint64_t)lines | (uint64_t)buffer->zeroes_dirty << 1 |
			       (uint64_t)buffer->cpu_touched << 2 |
			       (uint64_t)buffer->device_touched << 3);
	state_put(out, buffer->begun);
	state_put(out, buffer->begun_access);
	if (lines) {
		set_save(&buffer->lines->dirty, out);
		set_save(&buffer->lines->stale, out);
	}
}

static int set_load(struct span_set *set, uint64_t end, struct state_reader *in)
{
	for (uint32_t count = state_get_count(in); count; count--) {
		struct span span;

		if (span_set_reserve(set))
			return OUT_OF_CORE;
		span.start = state_get(in);
		span.end = state_get(in);
		set->span[set->n++] = span;
	}
	return span_set_is_sound(set, end) ? 0 : -EINVAL;
}

int coherence_load(const struct hk_machine *machine, struct buffer *buffer,
		   struct state_reader *in)
{
	const uint32_t flags = state_get_below(in, 16);
	const uint64_t end = line_of(machine, buffer->bytes);
	int ret;

	buffer->zeroes_dirty = flags & 2;
	buffer->cpu_touched = flags & 4;
	buffer->device_touched = flags & 8;
	buffer->begun = state_get_below(in, UINT32_MAX);
	buffer->begun_access =
		(uint8_t)state_get_below(in, HK_ACCESS_SKIP_SYNC);
	if (!(flags & 1))
		return 0;
	if (buffer->zeroes_dirty)
		return -EINVAL;
	buffer->lines = calloc(1, sizeof(*buffer->lines));
	if (!buffer->lines)
		return OUT_OF_CORE;
	ret = set_load(&buffer->lines->dirty, end, in);
	return ret ? ret : set_load(&buffer->lines->stale, end, in);
}
