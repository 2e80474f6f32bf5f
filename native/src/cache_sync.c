// SPDX-License-Identifier: MIT
//
// What cache maintenance costs. A pass over a buffer is a loop over the lines
// of each sg entry that ends with one barrier (arm64 dcache_*_poc); a device
// that snoops needs none.

#include "internal.h"

// The part of a buffer that a pass covers.
struct extent {
	uint64_t entries;
	uint64_t lines;
};

// A line is a power of two on any real machine, but a board may say otherwise.
static uint64_t whole_lines(uint64_t bytes, uint64_t line)
{
	return line & (line - 1) ? bytes / line
				 : bytes >> __builtin_ctzll(line);
}

static uint64_t lines_of(const struct hk_costs *costs, uint64_t offset,
			 uint64_t length)
{
	const uint64_t line = (uint64_t)costs->line_bytes;

	if (!length)
		return 0;
	return whole_lines(offset + length - 1, line) -
	       whole_lines(offset, line) + 1;
}

static struct extent whole(const struct hk_costs *costs,
			   const struct buffer *buffer)
{
	struct extent extent = {
		.entries = buffer->n_entries,
		.lines = lines_of(costs, 0, buffer->bytes),
	};

	return extent;
}

// The vendor kernels' begin_cpu_access_partial() walks the entries to the
// offset; only those that overlap are touched.
static struct extent part(const struct hk_costs *costs,
			  const struct buffer *buffer, uint64_t offset,
			  uint64_t length)
{
	struct extent extent = {.lines = lines_of(costs, offset, length)};
	uint64_t start = 0;

	for (uint32_t i = 0; i < buffer->n_entries; i++) {
		const uint64_t end = start + buffer->entry[i].size;

		extent.entries += start < offset + length && end > offset;
		start = end;
	}
	return extent;
}

static double pass_cost(const struct hk_costs *costs,
			const struct extent *extent, double line)
{
	return times(costs->sync_entry, extent->entries) +
	       times(line, extent->lines);
}

double cache_clean_cost(const struct hk_costs *costs,
			const struct buffer *buffer)
{
	const struct extent extent = whole(costs, buffer);

	return pass_cost(costs, &extent, costs->clean_line);
}

double cache_invalidate_cost(const struct hk_costs *costs,
			     const struct buffer *buffer)
{
	const struct extent extent = whole(costs, buffer);

	return pass_cost(costs, &extent, costs->invalidate_line);
}

// arm64 since 5.19 (c50f11c6): for_cpu does nothing for DMA_TO_DEVICE and else
// invalidates; for_device always cleans.
static double line_cost(const struct hk_costs *costs,
			const struct hk_event *event)
{
	return event->op == HK_OP_END_CPU ? costs->clean_line
					  : costs->invalidate_line;
}

int cache_sync(const struct hk_machine *machine, const struct buffer *buffer,
	       const struct hk_event *event, double *cost)
{
	const struct hk_costs *costs = &machine->costs;
	const uint64_t offset = event->offset;
	struct extent extent;
	uint64_t passes;

	if (offset > buffer->size || event->size > buffer->size - offset)
		return -EINVAL;
	*cost += costs->sync_call;
	if (buffer->heap->skip_cpu_sync)
		return 0;
	if (event->op == HK_OP_BEGIN_CPU && event->access == HK_ACCESS_WRITE)
		return 0;
	passes = attachment_count_syncable(machine, buffer);
	if (!passes)
		return 0;
	if (offset == 0 && (!event->size || event->size == buffer->size))
		extent = whole(costs, buffer);
	else
		extent =
			part(costs, buffer, offset,
			     event->size ? event->size : buffer->size - offset);
	*cost += times(pass_cost(costs, &extent, line_cost(costs, event)),
		       passes);
	return 0;
}
