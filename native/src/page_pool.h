// SPDX-License-Identifier: MIT
//
// Freed pages of one order, zeroed, oldest first out. Kernel: struct
// dmabuf_page_pool.
#ifndef HK_PAGE_POOL_H
#define HK_PAGE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "heapkit.h"
#include "state.h"

struct bill;
struct heap;

struct page_pool {
	struct page_pool *next; // on hk_machine.pool_list
	struct hk_machine *machine;
	const struct heap *heap;
	uint32_t order;
	uint32_t head;
	uint32_t count;
	uint32_t capacity; // of the ring, a power of two or 0
	uint64_t *ring;
	uint64_t limit; // items
	uint64_t fill; // items; 0: never refilled
	uint64_t low; // items
	int64_t refuse_until; // memory was too low to refill
};

// Make the pool of @slot of a heap and list it for the shrinkers.
void page_pool_init(struct heap *heap, uint32_t slot);
void page_pool_destroy(struct page_pool *pool);
// Room for @items more. OUT_OF_CORE.
int page_pool_reserve(struct page_pool *pool, uint64_t items);
bool page_pool_take(struct page_pool *pool, uint64_t *address);
// The oldest @n, which must be there, as entries.
void page_pool_take_many(struct page_pool *pool, uint32_t n,
			 struct sg_entry *entries);
// The room must be there.
void page_pool_add(struct page_pool *pool, uint64_t address);
void page_pool_add_many(struct page_pool *pool, uint32_t n,
			const struct sg_entry *entries);

uint64_t page_pool_bytes(const struct page_pool *pool);
// Address of an item; 0 is the oldest.
uint64_t page_pool_item(const struct page_pool *pool, uint32_t index);
// Give at least @pages back to the page allocator as long as a shrinker finds
// any: deferred buffers first, then pools. Returns the pages given back.
uint64_t reclaim(struct hk_machine *machine, uint64_t pages, struct bill *bill);

struct page_request {
	uint32_t order;
	enum hk_migratetype type;
	bool without_cma; // nothing that an area lends
};

// A block from the page allocator. Order 0 reclaims for it; the gfp flags of
// the larger ones lack __GFP_RECLAIM.
bool take_or_reclaim(struct hk_machine *machine, struct page_request wanted,
		     uint64_t *pfn, struct bill *bill);
// The same, and what the page allocator itself did is charged too.
bool take_charged(struct hk_machine *machine, struct page_request wanted,
		  uint64_t *pfn, struct bill *bill);

void page_pool_save(const struct page_pool *pool, struct state_writer *out);
// Into a new pool. -EINVAL, OUT_OF_CORE.
int page_pool_load(struct page_pool *pool, struct state_reader *in);

#endif
