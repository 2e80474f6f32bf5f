// SPDX-License-Identifier: MIT
//
// Counts, histograms and envelopes of a run, in memory that does not grow: when
// the envelope is full, every two of its buckets become one.

#include "tally.h"

#include "internal.h"

#include <assert.h>
#include <string.h>

enum { STEP_BITS = 7 }; // of HK_LATENCY_STEPS

_Static_assert(HK_LATENCY_STEPS == 1 << STEP_BITS, "the bins of an octave");
_Static_assert(HK_LATENCY_BINS == (64 - STEP_BITS + 1) << STEP_BITS,
	       "the bins of 64 bits");
_Static_assert(sizeof(struct hk_gauges) == HK_NR_GAUGES * sizeof(uint64_t),
	       "a gauge for each field");

uint32_t tally_bin(uint64_t latency_ns)
{
	const uint32_t bits =
		63 - (uint32_t)__builtin_clzll(latency_ns | HK_LATENCY_STEPS);
	const uint32_t shift = bits - STEP_BITS;

	return (shift << STEP_BITS) + (uint32_t)(latency_ns >> shift);
}

int tally_door(const struct hk_tally *tally, uint32_t n_heaps)
{
	const uint64_t span = tally->totals->bucket_events;

	if (tally->n_heaps != n_heaps || !tally->n_buckets ||
	    tally->n_buckets % 2 || !span || (span & (span - 1)))
		return -EINVAL;
	for (uint32_t h = 0; h < n_heaps; h++)
		if (!tally->heap[h].granule)
			return -EINVAL;
	return 0;
}

// --- Latencies ---

static void count_latency(struct hk_tally *tally, uint32_t cell,
			  const struct hk_row *row)
{
	struct hk_op_tally *op = &tally->op[cell];
	uint64_t *bins = &tally->latency[(uint64_t)cell * HK_LATENCY_BINS];
	uint64_t *status = &tally->status[(uint64_t)cell * HK_NR_ERRNOS];

	op->latency_ns += row->latency_ns;
	assert(row->status <= 0 && row->status > -HK_NR_ERRNOS);
	if (row->status) {
		status[-row->status]++;
		return;
	}
	if (!status[0] || row->latency_ns < op->least_ns)
		op->least_ns = row->latency_ns;
	if (row->latency_ns > op->most_ns)
		op->most_ns = row->latency_ns;
	status[0]++;
	bins[tally_bin(row->latency_ns)]++;
}

// --- Envelopes ---

static void bucket_merge(struct hk_bucket *into, const struct hk_bucket *other)
{
	for (uint32_t g = 0; g < HK_NR_GAUGES && other->events; g++) {
		if (!into->events || other->low[g] < into->low[g])
			into->low[g] = other->low[g];
		if (other->high[g] > into->high[g])
			into->high[g] = other->high[g];
		into->sum[g] += other->sum[g];
	}
	into->events += other->events;
	into->refused += other->refused;
}

static void fold_row(struct hk_bucket *row, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		struct hk_bucket pair = row[2 * i];

		bucket_merge(&pair, &row[2 * i + 1]);
		row[i] = pair;
	}
	memset(&row[n / 2], 0, n / 2 * sizeof(*row));
}

static void fold(struct hk_tally *tally)
{
	const uint32_t n = tally->n_buckets;

	for (uint64_t h = 0; h <= tally->n_heaps; h++)
		fold_row(&tally->bucket[h * n], n);
	for (uint32_t i = 0; i < n / 2; i++)
		tally->bucket_time_ns[i] = tally->bucket_time_ns[2 * i];
	memset(&tally->bucket_time_ns[n / 2], 0,
	       n / 2 * sizeof(*tally->bucket_time_ns));
	tally->totals->bucket_events *= 2;
}

// The bucket of an event, in the row of the first heap.
static uint32_t open_bucket(struct hk_tally *tally, const struct deed *deed)
{
	const uint64_t *span = &tally->totals->bucket_events;
	uint64_t at;

	while ((at = deed->event >> __builtin_ctzll(*span)) >= tally->n_buckets)
		fold(tally);
	if ((deed->event & (*span - 1)) == 0)
		tally->bucket_time_ns[at] = deed->part->time_ns[deed->i];
	return (uint32_t)at;
}

static void count_gauges(struct hk_bucket *bucket,
			 const struct hk_gauges *gauges)
{
	struct hk_bucket one = {.events = 1};

	memcpy(one.low, gauges, sizeof(one.low));
	memcpy(one.high, gauges, sizeof(one.high));
	memcpy(one.sum, gauges, sizeof(one.sum));
	bucket_merge(bucket, &one);
}

// --- Requests ---

// Whether chain[k] was not asked before in the same request.
static bool is_first(const uint16_t *chain, uint32_t k)
{
	for (uint32_t i = 0; i < k; i++)
		if (chain[i] == chain[k])
			return false;
	return true;
}

static void count_asked(struct hk_tally *tally, const struct deed *deed,
			uint32_t bucket)
{
	const struct hk_trace *part = deed->part;
	const struct hk_row *row = deed->row;
	const uint16_t *chain =
		&part->chain_heap[part->chain_start[part->chain[deed->i]]];

	for (uint32_t k = 0; k < row->tried; k++) {
		struct hk_heap_tally *heap = &tally->heap[chain[k]];

		if (!is_first(chain, k))
			continue;
		heap->asked++;
		if (row->status || row->heap != chain[k]) {
			heap->refused++;
			tally->bucket[(uint64_t)chain[k] * tally->n_buckets +
				      bucket]
				.refused++;
		}
	}
}

static void count_served(struct hk_tally *tally, struct hk_intake *intake,
			 const struct deed *deed)
{
	struct hk_heap_tally *heap = &tally->heap[deed->row->heap];
	const uint64_t last = heap->granule - 1;
	const uint64_t bytes = (deed->part->size[deed->i] + last) /
			       heap->granule * heap->granule;

	heap->served++;
	heap->entries += deed->row->entries;
	heap->pool_entries += deed->row->pool_entries;
	heap->held_bytes += bytes;
	if (heap->held_bytes > heap->peak_bytes)
		heap->peak_bytes = heap->held_bytes;
	intake->held[deed->number] = bytes;
	tally->totals->fallbacks += deed->row->tried > 1;
}

static void keep(struct hk_tally *tally, const struct deed *deed)
{
	const uint64_t n = tally->totals->refusals++;
	const struct hk_trace *part = deed->part;
	const uint64_t i = deed->i;

	if (n >= tally->n_kept)
		return;
	tally->kept[n] = (struct hk_refusal){
		.event = deed->event,
		.buffer = deed->id,
		.size = part->size[i],
		.offset = part->offset ? part->offset[i] : 0,
		.time_ns = part->time_ns[i],
		.latency_ns = deed->row->latency_ns,
		.status = deed->row->status,
		.heap = deed->row->heap,
		.tried = deed->row->tried,
		.chain = part->chain[i],
		.device = part->device ? part->device[i] : 0,
		.op = part->op[i],
		.access = part->access ? part->access[i]
				       : HK_ACCESS_READ | HK_ACCESS_WRITE,
	};
}

void tally_add(struct hk_tally *tally, struct hk_intake *intake,
	       const struct deed *deed)
{
	const struct hk_row *row = deed->row;
	const uint8_t op = deed->part->op[deed->i];
	const uint32_t heap =
		row->heap < 0 ? tally->n_heaps : (uint32_t)row->heap;
	const uint32_t bucket = open_bucket(tally, deed);

	tally->totals->events++;
	tally->totals->time_ns = deed->part->time_ns[deed->i];
	count_latency(tally, heap * HK_NR_OPS + op, row);
	count_gauges(&tally->bucket[(uint64_t)heap * tally->n_buckets + bucket],
		     deed->gauges);
	if (row->status)
		keep(tally, deed);
	if (op == HK_OP_ALLOC) {
		count_asked(tally, deed, bucket);
		intake->held[deed->number] = 0;
		if (!row->status)
			count_served(tally, intake, deed);
	} else if (op == HK_OP_SHARE) {
		intake->counted[deed->number]++;
	} else if (op == HK_OP_FREE && intake->counted[deed->number]) {
		intake->counted[deed->number]--;
	} else if (op == HK_OP_FREE) {
		tally->heap[heap].held_bytes -= intake->held[deed->number];
	}
}
