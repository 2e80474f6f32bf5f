// SPDX-License-Identifier: MIT
#include "naive_coherence.h"

#include <stdlib.h>
#include <string.h>

struct range {
	uint64_t start;
	uint64_t end; // bytes
};

struct naive_coherence *naive_coherence_create(const struct bench *bench)
{
	struct naive_coherence *model = calloc(1, sizeof(*model));

	model->bench = bench;
	model->line = (uint32_t)bench->spec.costs.line_bytes;
	return model;
}

void naive_coherence_hold(struct naive_coherence *model, uint32_t id)
{
	const struct buffer *of =
		buffer_find(&model->bench->machine->buffers, id);
	const struct hk_heap_spec *heap = &model->bench->heap[of->heap->index];
	struct naive_buffer_lines *b = &model->buffer[id];

	memset(b, 0, sizeof(*b));
	b->size = of->size;
	b->secure = heap->kind == HK_HEAP_SECURE;
	b->cached = !b->secure && !(heap->flags & HK_HEAP_UNCACHED);
	CHECK(of->n_entries <= 64);
	for (; b->n_entries < of->n_entries; b->n_entries++) {
		b->entry[b->n_entries] = of->entry[b->n_entries].size;
		b->bytes += of->entry[b->n_entries].size;
	}
	CHECK(b->bytes / model->line <= NAIVE_LINES);
	b->references = 1;
	b->cpu_touched = b->cached;
	memset(b->dirty, b->cached, b->bytes / model->line);
}

// --- Findings ---

static void found(struct naive_coherence *model, enum hk_finding_kind kind,
		  uint64_t offset, uint64_t bytes)
{
	model->found[model->n_found++] = (struct hk_finding){
		.kind = kind, .offset = offset, .bytes = bytes};
}

// Lines that @line says 1 of, as one finding.
static void found_lines(struct naive_coherence *model,
			enum hk_finding_kind kind, const uint8_t *line)
{
	uint64_t first = 0, count = 0;

	for (uint64_t i = 0; i < NAIVE_LINES; i++) {
		if (line[i] && !count)
			first = i;
		count += line[i];
	}
	if (count)
		found(model, kind, first * model->line, count * model->line);
}

// --- Lines ---

static bool meets(const struct naive_coherence *model, struct range range,
		  uint64_t i)
{
	return range.start < range.end && i * model->line < range.end &&
	       (i + 1) * model->line > range.start;
}

static bool covers(const struct naive_coherence *model, struct range range,
		   uint64_t i)
{
	return i * model->line >= range.start &&
	       (i + 1) * model->line <= range.end;
}

static uint64_t count_met(const struct naive_coherence *model,
			  struct range range)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < NAIVE_LINES; i++)
		count += meets(model, range, i);
	return count;
}

static void clean(struct naive_coherence *model, struct naive_buffer_lines *b,
		  struct range range, uint64_t passes)
{
	uint64_t written = 0, start = 0;

	for (uint64_t i = 0; i < NAIVE_LINES; i++) {
		if (!meets(model, range, i))
			continue;
		written += b->dirty[i];
		b->dirty[i] = 0;
	}
	for (uint32_t e = 0; e < b->n_entries; start += b->entry[e++])
		if (start < range.end && start + b->entry[e] > range.start &&
		    range.start < range.end)
			model->n[HK_COST_SYNC_ENTRY] += passes;
	model->n[HK_COST_CLEAN_LINE] += passes * count_met(model, range);
	model->n[HK_COST_DIRTY_LINE] += written;
	if (range.end - range.start == b->bytes)
		b->cpu_touched = false;
}

static void invalidate(struct naive_coherence *model,
		       struct naive_buffer_lines *b, struct range range,
		       uint64_t passes)
{
	uint8_t lost[NAIVE_LINES] = {0};
	uint64_t start = 0;

	for (uint64_t i = 0; i < NAIVE_LINES; i++) {
		if (!meets(model, range, i))
			continue;
		lost[i] = b->dirty[i] && covers(model, range, i);
		b->dirty[i] = 0;
		b->stale[i] = 0;
	}
	for (uint32_t e = 0; e < b->n_entries; start += b->entry[e++])
		if (start < range.end && start + b->entry[e] > range.start &&
		    range.start < range.end)
			model->n[HK_COST_SYNC_ENTRY] += passes;
	model->n[HK_COST_INVALIDATE_LINE] += passes * count_met(model, range);
	found_lines(model, HK_LOST_CPU_WRITE, lost);
}

// --- Devices ---

static bool snoops(const struct naive_coherence *model, uint32_t device)
{
	return model->bench->device[device].coherent;
}

static bool has(const struct naive_coherence *model, enum hk_sync_flag flag)
{
	return model->bench->spec.sync_flags & flag;
}

static uint32_t synced(const struct naive_coherence *model,
		       const struct naive_buffer_lines *b)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < b->n_at; i++)
		count += !snoops(model, b->at[i].device) &&
			 (b->at[i].mapped ||
			  has(model, HK_SYNC_EVERY_ATTACHMENT));
	return count;
}

// The newest of a device that is mapped, or is not; n_at if there is none.
static uint32_t newest(const struct naive_buffer_lines *b, uint32_t device,
		       bool mapped)
{
	for (uint32_t i = b->n_at; i--;)
		if (b->at[i].device == device && b->at[i].mapped == mapped)
			return i;
	return b->n_at;
}

static struct range all_of(const struct naive_buffer_lines *b)
{
	return (struct range){0, b->bytes};
}

static int32_t map(struct naive_coherence *model, struct naive_buffer_lines *b,
		   const struct hk_event *event)
{
	const uint32_t i = newest(b, event->device, false);

	if (i == b->n_at)
		return -EINVAL;
	b->at[i].mapped = true;
	b->at[i].skip = event->access & HK_ACCESS_SKIP_SYNC;
	model->n[HK_COST_MAP_ENTRY] += b->n_entries;
	if (b->at[i].skip || !b->cached || snoops(model, event->device))
		return 0;
	b->device_touched = true;
	if (!has(model, HK_SYNC_LAZY) || b->cpu_touched)
		clean(model, b, all_of(b), 1);
	return 0;
}

static int32_t unmap(struct naive_coherence *model,
		     struct naive_buffer_lines *b, const struct hk_event *event)
{
	const uint32_t i = newest(b, event->device, true);

	if (i == b->n_at)
		return -EINVAL;
	b->at[i].mapped = false;
	model->n[HK_COST_UNMAP_ENTRY] += b->n_entries;
	if (!b->at[i].skip && b->cached && !snoops(model, event->device) &&
	    !has(model, HK_SYNC_LAZY))
		invalidate(model, b, all_of(b), 1);
	return 0;
}

static int32_t attach(struct naive_coherence *model,
		      struct naive_buffer_lines *b,
		      const struct hk_event *event)
{
	CHECK(b->n_at < NAIVE_ATTACHMENTS);
	b->at[b->n_at++] = (struct naive_attachment){.device = event->device};
	model->n[HK_COST_ATTACH_CALL]++;
	model->n[HK_COST_ATTACH_ENTRY] += b->n_entries;
	return 0;
}

static int32_t detach(struct naive_coherence *model,
		      struct naive_buffer_lines *b,
		      const struct hk_event *event)
{
	uint32_t i = newest(b, event->device, false);

	if (i == b->n_at) {
		i = newest(b, event->device, true);
		if (unmap(model, b, event))
			return -EINVAL;
	}
	b->n_at--;
	memmove(&b->at[i], &b->at[i + 1], (b->n_at - i) * sizeof(b->at[0]));
	model->n[HK_COST_ATTACH_CALL]++;
	return 0;
}

// --- The CPU's brackets ---

static void pair(struct naive_coherence *model, struct naive_buffer_lines *b,
		 const struct hk_event *event)
{
	if (event->op == HK_OP_BEGIN_CPU) {
		if (b->begun)
			found(model, HK_NESTED_BEGIN, 0, 0);
		b->begun++;
		b->begun_access = event->access;
	} else if (!b->begun) {
		found(model, HK_END_WITHOUT_BEGIN, 0, 0);
	} else {
		if (b->begun_access && b->begun_access != event->access)
			found(model, HK_DIRECTION_MISMATCH, 0, 0);
		b->begun--;
		b->begun_access = 0;
	}
}

static void bracket_lazily(struct naive_coherence *model,
			   struct naive_buffer_lines *b, bool cleans,
			   bool invalidates, struct range range)
{
	const bool mapped = synced(model, b);

	if (cleans && b->cpu_touched && (mapped || b->device_touched))
		clean(model, b, range, 1);
	if (cleans || !b->device_touched || !(invalidates || !mapped))
		return;
	invalidate(model, b, range, 1);
	if (range.end - range.start == b->bytes)
		b->device_touched = mapped;
}

static int32_t bracket(struct naive_coherence *model,
		       struct naive_buffer_lines *b,
		       const struct hk_event *event, struct range range)
{
	const bool begins = event->op == HK_OP_BEGIN_CPU;
	const bool old = has(model, HK_SYNC_BEFORE_5_19);
	const bool reads = event->access == HK_ACCESS_READ;
	const bool cleans = !begins && !(old && reads);
	const bool invalidates =
		begins ? event->access & HK_ACCESS_READ : old && reads;
	const uint64_t passes = synced(model, b);

	pair(model, b, event);
	model->n[HK_COST_SYNC_CALL]++;
	if (range.end - range.start == b->size)
		range = all_of(b);
	if (!b->cached)
		return 0;
	b->cpu_touched |= (event->access & HK_ACCESS_WRITE) != 0;
	if (has(model, HK_SYNC_LAZY)) {
		bracket_lazily(model, b, cleans, invalidates, range);
		return 0;
	}
	if (passes && cleans)
		clean(model, b, range, passes);
	if (passes && invalidates)
		invalidate(model, b, range, passes);
	return 0;
}

// --- Who reads and writes ---

static void cpu_uses(struct naive_coherence *model,
		     struct naive_buffer_lines *b, bool writes,
		     struct range range)
{
	uint8_t wrong[NAIVE_LINES] = {0};

	for (uint64_t i = 0; i < NAIVE_LINES; i++) {
		if (!meets(model, range, i))
			continue;
		if (!writes) {
			wrong[i] = b->stale[i];
			continue;
		}
		b->dirty[i] = 1;
		if (covers(model, range, i))
			b->stale[i] = 0;
		wrong[i] = b->stale[i];
	}
	found_lines(model, writes ? HK_LOST_DEVICE_WRITE : HK_STALE_CPU_READ,
		    wrong);
}

static void device_uses(struct naive_coherence *model,
			struct naive_buffer_lines *b, bool writes, bool snoop,
			struct range range)
{
	uint8_t wrong[NAIVE_LINES] = {0};

	for (uint64_t i = 0; i < NAIVE_LINES; i++) {
		if (!meets(model, range, i))
			continue;
		wrong[i] = snoop ? b->stale[i] && !writes : b->dirty[i];
		if (!writes)
			continue;
		b->dirty[i] = 0;
		if (!snoop)
			b->stale[i] = 1;
		else if (covers(model, range, i))
			b->stale[i] = 0;
	}
	found_lines(model,
		    writes  ? HK_LOST_DEVICE_WRITE
		    : snoop ? HK_SNOOPED_STALE
			    : HK_STALE_DEVICE_READ,
		    wrong);
}

static int32_t use(struct naive_coherence *model, struct naive_buffer_lines *b,
		   const struct hk_event *event, struct range range)
{
	const bool writes =
		event->op == HK_OP_CPU_WRITE || event->op == HK_OP_DEVICE_WRITE;
	const bool cpu = event->op <= HK_OP_CPU_WRITE;

	if (cpu && b->secure)
		return -EFAULT;
	if (cpu)
		model->n[writes	     ? HK_COST_CPU_WRITE_LINE
			 : b->cached ? HK_COST_CPU_READ_LINE
				     : HK_COST_UNCACHED_READ_LINE] +=
			count_met(model, range);
	else if (newest(b, event->device, true) == b->n_at)
		found(model, HK_UNMAPPED_DEVICE, range.start,
		      range.end - range.start);
	if (b->cached && cpu)
		cpu_uses(model, b, writes, range);
	else if (b->cached)
		device_uses(model, b, writes, snoops(model, event->device),
			    range);
	return 0;
}

// --- Any event ---

static int32_t map_for_cpu(struct naive_coherence *model,
			   struct naive_buffer_lines *b, enum hk_op op)
{
	uint32_t *count = op < HK_OP_VMAP ? &b->mmaps : &b->vmaps;
	const bool takes = op == HK_OP_MMAP || op == HK_OP_VMAP;

	if (b->secure || (!takes && !*count))
		return -EINVAL;
	if (op == HK_OP_MMAP) {
		model->n[HK_COST_MMAP_CALL]++;
		model->n[HK_COST_MMAP_ENTRY] += b->n_entries;
		model->n[HK_COST_MMAP_PAGE] += b->bytes / 4096;
	} else if (op == HK_OP_VMAP && !*count) {
		model->n[HK_COST_VMAP_CALL]++;
		model->n[HK_COST_VMAP_PAGE] += b->bytes / 4096;
	}
	*count += takes ? 1 : UINT32_MAX;
	return 0;
}

static int32_t put(struct naive_coherence *model, struct naive_buffer_lines *b)
{
	if (--b->references)
		return 0;
	if (b->begun)
		found(model, HK_OPEN_AT_FREE, 0, 0);
	if (b->n_at || b->mmaps || b->vmaps)
		found(model, HK_MAPPED_AT_FREE, 0, 0);
	return 0;
}

static int32_t on_part(struct naive_coherence *model,
		       struct naive_buffer_lines *b,
		       const struct hk_event *event)
{
	const bool brackets = event->op < HK_OP_CPU_READ;
	const struct range range = {event->offset,
				    event->size ? event->offset + event->size
						: b->size};

	if (event->offset > b->size || event->size > b->size - event->offset)
		return brackets ? -EINVAL : -EFAULT;
	return brackets ? bracket(model, b, event, range)
			: use(model, b, event, range);
}

int32_t naive_coherence_step(struct naive_coherence *model,
			     const struct hk_event *event)
{
	struct naive_buffer_lines *b = &model->buffer[event->buffer];

	memset(model->n, 0, sizeof(model->n));
	model->n_found = 0;
	switch (event->op) {
	case HK_OP_FREE:
		return put(model, b);
	case HK_OP_SHARE:
		b->references++;
		return 0;
	case HK_OP_ATTACH:
		return attach(model, b, event);
	case HK_OP_DETACH:
		return detach(model, b, event);
	case HK_OP_MAP:
		return map(model, b, event);
	case HK_OP_UNMAP:
		return unmap(model, b, event);
	case HK_OP_MMAP:
	case HK_OP_MUNMAP:
	case HK_OP_VMAP:
	case HK_OP_VUNMAP:
		return map_for_cpu(model, b, event->op);
	default:
		return on_part(model, b, event);
	}
}
