// SPDX-License-Identifier: MIT
//
// The system heap, mainline's and with Android's pools, against its loop over a
// naive buddy allocator: every page of every buffer, with sequences that look
// for trouble.
#include <string.h>

#include "adversary.h"
#include "bench.h"
#include "naive_buddy.h"

enum { PAGES = 4096, MAX_ENTRIES = 500, SHRINK_BATCH = 128, SLOTS = 3 };

struct naive_buffer {
	uint32_t n;
	uint64_t pfn[MAX_ENTRIES];
	uint32_t order[MAX_ENTRIES];
};

// A list of pages, the oldest first.
struct naive_pool {
	uint32_t count;
	uint64_t pfn[PAGES];
};

struct pair {
	struct bench bench;
	uint32_t order[SLOTS];
	bool pooled;
	struct naive_buddy buddy;
	struct naive_pool pool[SLOTS];
	struct naive_buffer buffer[ADVERSARY_SLOTS];
};

static uint64_t pool_pop(struct naive_pool *pool)
{
	const uint64_t pfn = pool->pfn[0];

	pool->count--;
	memmove(pool->pfn, pool->pfn + 1, pool->count * sizeof(*pool->pfn));
	return pfn;
}

// The shrinker: order 0 first, whole items.
static uint32_t naive_shrink(struct pair *pair)
{
	uint32_t freed = 0;

	for (uint32_t slot = SLOTS; slot-- > 0;)
		while (freed < SHRINK_BATCH && pair->pool[slot].count) {
			naive_buddy_give(&pair->buddy,
					 pool_pop(&pair->pool[slot]),
					 pair->order[slot]);
			freed += 1U << pair->order[slot];
		}
	return freed;
}

static bool naive_block(struct pair *pair, uint32_t slot, uint64_t *pfn)
{
	const uint32_t order = pair->order[slot];

	if (pair->pool[slot].count) {
		*pfn = pool_pop(&pair->pool[slot]);
		return true;
	}
	do {
		if (naive_buddy_take(&pair->buddy, order, NAIVE_UNMOVABLE, pfn))
			return true;
	} while (order == 0 && naive_shrink(pair));
	return false;
}

// system_heap_allocate(): the largest order first, and never a larger one
// again.
static bool naive_take(struct pair *pair, struct naive_buffer *buffer,
		       uint32_t pages)
{
	uint32_t slot = 0;

	buffer->n = 0;
	while (pages && slot < SLOTS) {
		const uint32_t order = pair->order[slot];

		if (pages < 1U << order ||
		    !naive_block(pair, slot, &buffer->pfn[buffer->n])) {
			slot++;
			continue;
		}
		buffer->order[buffer->n++] = order;
		pages -= 1U << order;
	}
	for (uint32_t i = 0; pages && i < buffer->n; i++)
		naive_buddy_give(&pair->buddy, buffer->pfn[i],
				 buffer->order[i]);
	return !pages;
}

static void naive_give(struct pair *pair, const struct naive_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n; i++) {
		uint32_t slot = 0;

		while (pair->order[slot] != buffer->order[i])
			slot++;
		if (pair->pooled)
			pair->pool[slot].pfn[pair->pool[slot].count++] =
				buffer->pfn[i];
		else
			naive_buddy_give(&pair->buddy, buffer->pfn[i],
					 buffer->order[i]);
	}
}

static void compare_entries(const struct pair *pair, uint32_t slot)
{
	const struct naive_buffer *buffer = &pair->buffer[slot];
	struct hk_region region[MAX_ENTRIES];
	uint64_t count;

	CHECK_EQ(hk_machine_entries(pair->bench.machine, slot, region,
				    MAX_ENTRIES, &count),
		 0);
	CHECK_EQ(count, buffer->n);
	for (uint32_t i = 0; i < buffer->n; i++) {
		CHECK_EQ(region[i].address, buffer->pfn[i] << HK_PAGE_SHIFT);
		CHECK_EQ(region[i].size, KIB(4) << buffer->order[i]);
	}
}

static bool both_take(void *context, uint32_t slot, uint32_t pages)
{
	struct pair *pair = context;
	const bool fits = naive_take(pair, &pair->buffer[slot], pages);
	const bool served =
		allocate(&pair->bench, slot, (uint64_t)pages << HK_PAGE_SHIFT,
			 0) != NOWHERE;

	CHECK_EQ(served, fits);
	if (served)
		compare_entries(pair, slot);
	else
		give(&pair->bench, slot);
	return served;
}

static void both_give(void *context, uint32_t slot)
{
	struct pair *pair = context;

	give(&pair->bench, slot);
	naive_give(pair, &pair->buffer[slot]);
}

static void compare(void *context)
{
	const struct pair *pair = context;
	const struct hk_gauges gauges = gauges_of(&pair->bench, 0);
	uint64_t pooled = 0;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		pooled += (uint64_t)pair->pool[slot].count << pair->order[slot];
	CHECK_EQ(gauges.free_bytes >> HK_PAGE_SHIFT,
		 naive_buddy_free(&pair->buddy));
	CHECK_EQ(gauges.largest_free_bytes >> HK_PAGE_SHIFT,
		 naive_buddy_largest(&pair->buddy));
	CHECK_EQ(gauges.pool_bytes >> HK_PAGE_SHIFT, pooled);
}

static void check_machine(void *context)
{
	const struct pair *pair = context;

	bench_check(&pair->bench);
}

static void play(uint32_t largest, bool pooled, uint64_t min_free)
{
	static struct pair pair;
	const struct subject subject = {
		.context = &pair,
		.take = both_take,
		.give = both_give,
		.compare = compare,
		.check = check_machine,
		.max_size = 500,
	};

	memset(&pair, 0, sizeof(pair));
	pair.pooled = pooled;
	pair.order[0] = largest;
	pair.order[1] = 4;
	bench_init(&pair.bench);
	bench_memory(&pair.bench, (uint64_t)PAGES << HK_PAGE_SHIFT);
	pair.bench.spec.memory.min_free = min_free << HK_PAGE_SHIFT;
	bench_system(&pair.bench, pooled ? HK_HEAP_POOLED : 0)->order[0] =
		largest;
	bench_start(&pair.bench);
	naive_buddy_init(&pair.buddy, 0, PAGES, min_free);
	naive_buddy_add(&pair.buddy, 0, PAGES);
	adversary_play(&subject, 4000, largest + pooled);
	bench_end(&pair.bench);
}

TEST(no_sequence_parts_the_system_heap_of_orders_8_4_0_from_its_loop)
{
	play(8, false, 0);
	play(8, false, 150);
}

TEST(no_sequence_parts_the_system_heap_of_orders_9_4_0_from_its_loop)
{
	play(9, false, 40);
}

TEST(no_sequence_parts_the_pools_of_android_from_their_lists)
{
	play(8, true, 0);
	play(9, true, 100);
}
