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

	if (!take_or_reclaim(machine, 0, HK_MIGRATE_MOVABLE, &to, bill))
		return -ENOMEM;
	lent_pages_return(&machine->lent, pfn);
	page_alloc_give(machine->pages, pfn, 0);
	lent_pages_borrow(&machine->lent, to, buffer, entry);
	buffer->entry[entry].address = to << HK_PAGE_SHIFT;
	charge(bill, HK_COST_MIGRATE_PAGE, 1);
	return 0;
}

static bool is_pinned(const struct lent_range *range, uint64_t pfn)
{
	const struct buffer *buffer = range->buffer[pfn - range->base_pfn];

	return buffer->heap->spec.flags & HK_HEAP_PINNED;
}

// migrate_pages() takes a list from its head, where isolated pages were put one
// before the other: the highest first. A pinned page holds nobody else up.
static int migrate(struct heap *heap, const struct lent_range *range,
		   const struct batch *batch, struct bill *bill)
{
	int ret = 0;

	for (uint32_t i = batch->n; i-- > 0;) {
		if (is_pinned(range, batch->pfn[i])) {
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

// __alloc_contig_migrate_range()
static int empty(struct heap *heap, uint64_t pfn, uint64_t end,
		 struct bill *bill)
{
	const struct lent_range *range =
		lent_pages_find(&heap->machine->lent, pfn);
	int ret = 0;

	while (!ret && pfn < end) {
		struct batch batch;

		pfn = isolate(range, pfn, end, &batch);
		ret = migrate(heap, range, &batch, bill);
	}
	return ret;
}

static void count_failure(struct heap *heap, int err, struct bill *bill)
{
	struct hk_machine *machine = heap->machine;

	if (err == -EBUSY) {
		heap->cma_counters.busy_retries++;
		machine->moves.busy_retries++;
		charge(bill, HK_COST_CMA_RETRY, 1);
	} else if (err == -ENOMEM) {
		machine->moves.no_target++;
	}
}

int contig_range_claim(void *claim, uint64_t pfn, uint64_t count)
{
	struct heap *heap = ((struct contig_claim *)claim)->heap;
	struct bill *bill = ((struct contig_claim *)claim)->bill;
	struct page_alloc *pages = heap->machine->pages;
	int ret;

	page_alloc_isolate(pages, pfn, count);
	ret = empty(heap, pfn, pfn + count, bill);
	if (!ret)
		ret = page_alloc_take_range(pages, pfn, count);
	page_alloc_undo_isolate(pages, pfn, count);
	count_failure(heap, ret, bill);
	return ret;
}

void contig_range_give(struct heap *heap, uint64_t pfn, uint64_t count)
{
	page_alloc_give_range(heap->machine->pages, pfn, count);
}
