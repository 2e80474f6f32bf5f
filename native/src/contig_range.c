// SPDX-License-Identifier: MIT
//
// The steps and their order are those of mm/page_alloc.c, mm/compaction.c and
// mm/migrate.c. What is borrowed are pages of movable loads (page_load.c).

#include "contig_range.h"

#include "internal.h"

enum {
	// Pages that are isolated before they are migrated:
	// include/linux/swap.h.
	COMPACT_CLUSTER_MAX = 32,
};

static const uint64_t DROPPED = UINT64_MAX; // in a batch: no page any more

struct batch {
	uint64_t pfn[COMPACT_CLUSTER_MAX]; // ascending
	uint32_t n;
};

// isolate_migratepages_range(). Returns where the next batch begins.
static uint64_t isolate(const struct lent_range *range, uint64_t pfn,
			uint64_t end, struct batch *batch)
{
	batch->n = 0;
	while (batch->n < COMPACT_CLUSTER_MAX) {
		pfn = lent_range_next(range, pfn, end);
		if (pfn == end)
			break;
		batch->pfn[batch->n++] = pfn++;
	}
	return pfn;
}

// alloc_migration_target() may reclaim, and takes what is lent elsewhere first
// like any movable request. -ENOMEM.
static int migrate_page(struct hk_machine *machine,
			const struct lent_range *range, uint64_t pfn,
			struct bill *bill)
{
	struct buffer *buffer = range->buffer[pfn - range->base_pfn];
	const uint32_t entry = range->entry[pfn - range->base_pfn];
	uint64_t to;
	const struct page_request wanted = {.type = HK_MIGRATE_MOVABLE};

	if (!take_or_reclaim(machine, wanted, &to, bill))
		return -ENOMEM;
	lent_pages_return(&machine->lent, pfn);
	page_alloc_give(machine->pages, pfn, 0);
	lent_pages_borrow(&machine->lent, to, buffer, entry);
	buffer->entry[entry].address = to << HK_PAGE_SHIFT;
	charge(bill, HK_COST_MIGRATE_PAGE, 1);
	charge(bill, HK_COST_UNMAP_MAPPING, buffer->heap->spec.mapcount);
	return 0;
}

static uint32_t flags_of(const struct lent_range *range, uint64_t pfn)
{
	const struct buffer *buffer = range->buffer[pfn - range->base_pfn];

	return buffer->heap->spec.flags;
}

// The page leaves its buffer, whose last page takes its number.
static void drop_page(struct hk_machine *machine, struct lent_range *range,
		      uint64_t pfn, struct bill *bill)
{
	struct buffer *buffer = range->buffer[pfn - range->base_pfn];
	const uint32_t entry = range->entry[pfn - range->base_pfn];
	const uint32_t last = --buffer->n_entries;
	const uint64_t moved = buffer->entry[last].address >> HK_PAGE_SHIFT;

	lent_pages_return(&machine->lent, pfn);
	page_alloc_give(machine->pages, pfn, 0);
	if (entry != last) {
		lent_pages_return(&machine->lent, moved);
		lent_pages_borrow(&machine->lent, moved, buffer, entry);
		buffer->entry[entry] = buffer->entry[last];
	}
	buffer->bytes -= PAGE_BYTES;
	buffer->heap->held_bytes -= PAGE_BYTES;
	charge(bill, HK_COST_DISCARD_PAGE, 1);
	charge(bill, HK_COST_UNMAP_MAPPING, buffer->heap->spec.mapcount);
}

// reclaim_clean_pages_from_list(): what is clean goes before the rest is moved.
// It is put on a list of its own from the highest page down, and
// shrink_folio_list() takes that from its tail: the highest first, too (from
// memory).
static void discard(struct heap *heap, struct lent_range *range,
		    struct batch *batch, struct bill *bill)
{
	struct batch left = {.n = 0};

	for (uint32_t i = batch->n; i-- > 0;) {
		if (!(flags_of(range, batch->pfn[i]) & HK_HEAP_CLEAN))
			continue;
		drop_page(heap->machine, range, batch->pfn[i], bill);
		batch->pfn[i] = DROPPED;
		heap->cma_counters.pages_discarded++;
		heap->machine->moves.pages_discarded++;
	}
	for (uint32_t i = 0; i < batch->n; i++)
		if (batch->pfn[i] != DROPPED)
			left.pfn[left.n++] = batch->pfn[i];
	*batch = left;
}

// migrate_pages() takes a list from its head, where isolated pages were put one
// before the other: the highest first. A page that stays holds nobody else up.
static int migrate(struct heap *heap, const struct lent_range *range,
		   const struct batch *batch, uint32_t staying,
		   struct bill *bill)
{
	int ret = 0;

	for (uint32_t i = batch->n; i-- > 0;) {
		if (flags_of(range, batch->pfn[i]) & staying) {
			ret = -EBUSY;
			continue;
		}
		if (migrate_page(heap->machine, range, batch->pfn[i], bill))
			return -ENOMEM;
		heap->cma_counters.pages_migrated++;
		heap->machine->moves.pages_migrated++;
	}
	return ret;
}

// __alloc_contig_migrate_range(). MIGRATE_ASYNC, to which __GFP_NORETRY leads
// in M. Kim's bulk allocation for chunk heaps, does not wait for writeback.
static int empty(const struct contig_claim *claim, uint64_t pfn, uint64_t end)
{
	const uint32_t staying =
		HK_HEAP_PINNED | (claim->fail_fast ? HK_HEAP_DIRTY : 0);
	struct lent_range *range =
		lent_pages_find(&claim->heap->machine->lent, pfn);
	int ret = 0;

	while (!ret && pfn < end) {
		struct batch batch;

		pfn = isolate(range, pfn, end, &batch);
		discard(claim->heap, range, &batch, claim->bill);
		ret = migrate(claim->heap, range, &batch, staying, claim->bill);
	}
	return ret;
}

// Where nothing is waited for, a place that was busy costs its search.
static void count_failure(const struct contig_claim *claim, int err)
{
	struct heap *heap = claim->heap;
	struct hk_machine *machine = heap->machine;

	if (err == -EBUSY) {
		heap->cma_counters.busy_retries++;
		machine->moves.busy_retries++;
		charge(claim->bill,
		       claim->fail_fast ? HK_COST_GEN_POOL_CALL
					: HK_COST_CMA_RETRY,
		       1);
	} else if (err == -ENOMEM) {
		machine->moves.no_target++;
	}
}

int contig_range_claim(void *context, uint64_t pfn, uint64_t count)
{
	const struct contig_claim *claim = context;
	struct heap *heap = claim->heap;
	struct page_alloc *pages = heap->machine->pages;
	int ret;

	page_alloc_isolate(pages, pfn, count);
	ret = empty(claim, pfn, pfn + count);
	if (!ret)
		ret = page_alloc_take_range(pages, pfn, count);
	page_alloc_undo_isolate(pages, pfn, count);
	count_failure(claim, ret);
	return ret;
}

void contig_range_give(struct heap *heap, uint64_t pfn, uint64_t count)
{
	page_alloc_give_range(heap->machine->pages, pfn, count);
}
