// SPDX-License-Identifier: MIT
//
// A page allocator as bytes: the pageblocks' types in runs, then its free
// blocks, each list in its order, for a block's place on it decides when it is
// taken. Nothing is isolated between events. Which pages are held as movable is
// said by those who hold them: page_alloc_hold().
#include "page_alloc_internal.h"

#include <assert.h>
#include <errno.h>

static uint64_t address_of(const struct page_alloc *alloc, uint32_t order,
			   uint64_t number)
{
	return (alloc->base + (number << order)) << HK_PAGE_SHIFT;
}

static void save_types(const struct page_alloc *alloc, struct state_writer *out)
{
	uint64_t pageblocks = pageblocks_of(alloc);

	for (uint64_t i = 0, end; i < pageblocks; i = end) {
		uint8_t type = alloc->pageblock[i].type;

		assert(type != HK_MIGRATE_ISOLATE);
		end = i + 1;
		while (end < pageblocks && alloc->pageblock[end].type == type)
			end++;
		state_put(out, type);
		state_put(out, end - i);
	}
}

static void save_list(const struct page_alloc *alloc, uint32_t type,
		      uint32_t order, struct state_writer *out)
{
	const uint32_t head = alloc->list[type][order].head;
	uint64_t count = 0;

	for (uint32_t link = head; link != END_OF_LIST;
	     link = link_of(alloc, order, link)->next)
		count++;
	state_put(out, count);
	for (uint32_t link = head; link != END_OF_LIST;
	     link = link_of(alloc, order, link)->next)
		state_put_block(out,
				address_of(alloc, order, link - FIRST_LINK),
				order);
}

void page_alloc_save(const struct page_alloc *alloc, struct state_writer *out)
{
	save_types(alloc, out);
	for (uint32_t type = 0; type < HK_MIGRATE_ISOLATE; type++)
		for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
			save_list(alloc, type, order, out);
}

// A CMA area's pageblocks stay what they were when the machine was made.
static int load_run(struct page_alloc *alloc, uint64_t start, uint64_t end,
		    uint8_t type)
{
	for (uint64_t i = start; i < end; i++) {
		struct pageblock *pageblock = &alloc->pageblock[i];

		if ((pageblock->type == HK_MIGRATE_CMA) !=
		    (type == HK_MIGRATE_CMA))
			return -EINVAL;
		pageblock->type = type;
	}
	return 0;
}

static int load_types(struct page_alloc *alloc, struct state_reader *in)
{
	uint64_t pageblocks = pageblocks_of(alloc);
	uint64_t start = 0;

	while (start < pageblocks) {
		uint8_t type = (uint8_t)state_get_below(in, HK_MIGRATE_ISOLATE);
		uint64_t count = state_get(in);

		if (count == 0 || count > pageblocks - start ||
		    load_run(alloc, start, start + count, type))
			return -EINVAL;
		start += count;
	}
	return 0;
}

static void drop_list(struct page_alloc *alloc, enum hk_migratetype type,
		      uint32_t order)
{
	const struct free_list *list = &alloc->list[type][order];

	while (list->head != END_OF_LIST) {
		unlink_block(alloc, type, order, list->head - FIRST_LINK);
		account(alloc, type, -(INT64_C(1) << order));
	}
}

// Whether a block may be on a list: its pageblocks are of that type, and its
// buddy is not free, or they would be one block.
static bool belongs(const struct page_alloc *alloc, enum hk_migratetype type,
		    uint32_t order, uint64_t number)
{
	uint64_t page = number << order;

	if (type_of(alloc, page) != type ||
	    type_of(alloc, page + (UINT64_C(1) << order) - 1) != type)
		return false;
	return order == HK_MAX_PAGE_ORDER ||
	       !is_free_unless_buddy(alloc, order, number ^ 1) ||
	       (order == HK_PAGEBLOCK_ORDER &&
		!may_join(type, type_of(alloc, page ^ PAGEBLOCK_PAGES)));
}

static int load_list(struct page_alloc *alloc, enum hk_migratetype type,
		     uint32_t order, struct state_reader *in)
{
	const uint64_t pages = UINT64_C(1) << order;

	for (uint32_t count = state_get_count(in); count; count--) {
		const uint64_t pfn =
			state_get_block(in, order) >> HK_PAGE_SHIFT;
		const uint64_t number = (pfn - alloc->base) >> order;

		if (!claim_pages(&in->memory, pfn, pages) ||
		    !belongs(alloc, type, order, number))
			return -EINVAL;
		link_tail(alloc, type, order, number);
		account(alloc, type, (int64_t)pages);
	}
	return 0;
}

int page_alloc_load(struct page_alloc *alloc, struct state_reader *in)
{
	int err;

	for (uint32_t type = 0; type < HK_MIGRATE_ISOLATE; type++)
		for (uint32_t order = 0; order < HK_NR_PAGE_ORDERS; order++)
			drop_list(alloc, (enum hk_migratetype)type, order);
	err = load_types(alloc, in);
	for (uint32_t type = 0; !err && type < HK_MIGRATE_ISOLATE; type++)
		for (uint32_t order = 0; !err && order < HK_NR_PAGE_ORDERS;
		     order++)
			err = load_list(alloc, (enum hk_migratetype)type, order,
					in);
	return err;
}
