// SPDX-License-Identifier: MIT
//
// What the files of the machine share. heapkit_abi.h has the public words; here
//
//   slot      the index of an order in a heap's list of orders
//   bill      what an event costs so far, summed in a fixed order
//   worker    a thread that runs when nothing else wants the CPU
//   hand      the freed buffer the deferred-free worker is busy with
//   survey    a list of regions that the owners of memory write themselves into
//   refuse    what the modelled kernel does: -ENOMEM of ops->allocate
//   starve    what the core does when malloc() fails: OUT_OF_CORE
#ifndef HK_INTERNAL_H
#define HK_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bill.h"
#include "buffer.h"
#include "cma_area.h"
#include "findings.h"
#include "gen_pool.h"
#include "heapkit.h"
#include "idle.h"
#include "leaks.h"
#include "lent_pages.h"
#include "page_alloc.h"
#include "page_pool.h"
#include "state.h"

enum { PAGE_BYTES = 1 << HK_PAGE_SHIFT };

// The core starved. Inside, -ENOMEM is only ever an answer of the model; the
// front door turns this into -ENOMEM.
enum { OUT_OF_CORE = -ENOBUFS };

struct survey {
	struct hk_region *region;
	uint64_t capacity;
	uint64_t count; // may exceed capacity
	uint64_t granule; // entries take whole granules
	bool join; // entries of one buffer that continue each other are one
};

// A kind of heap. Everything about buffers that all kinds share is in buffer.c
// and event.c.
struct heap_ops {
	// -ENOMEM, -EINVAL. destroy() also takes a heap whose create() failed.
	int (*create)(struct heap *heap);
	void (*destroy)(struct heap *heap);
	// Give @buffer, whose size is set, its entries. 0; or, with no entries
	// held, -ENOMEM or -EINVAL (refused) or OUT_OF_CORE.
	int (*allocate)(struct heap *heap, struct buffer *buffer,
			struct bill *bill);
	// Take the entries back. 0, or OUT_OF_CORE with nothing changed;
	// FREE_UNDER_PRESSURE never starves.
	int (*release)(struct heap *heap, struct buffer *buffer,
		       enum free_reason reason, struct bill *bill);
	void (*gauges)(const struct heap *heap, struct hk_gauges *ret);
	// All memory of the heap that no buffer has.
	void (*survey)(const struct heap *heap, struct survey *survey);
	int (*check)(const struct heap *heap, const char **rule);
	// What the heap has beside its buffers; NULL if that is nothing.
	void (*save)(const struct heap *heap, struct state_writer *out);
	int (*load)(struct heap *heap, struct state_reader *in);
	// Take what a @buffer that was read says it has. -EINVAL: no buffer of
	// this heap is like that, or somebody has it already.
	int (*hold)(struct heap *heap, struct buffer *buffer,
		    struct state_reader *in);
	// All buffers were read: make what nobody claimed the heap's free
	// memory. NULL: hold() has done so.
	void (*settle)(struct heap *heap, const struct state_reader *in);
};

struct heap {
	const struct heap_ops *ops;
	struct hk_machine *machine;
	struct hk_heap_spec spec;
	uint16_t index;
	bool zero_at_free;
	bool skip_cpu_sync; // never any cache maintenance for devices
	struct deferred_free *deferred; // NULL: buffers are returned at once
	uint64_t held_bytes; // entries of live buffers
	uint64_t deferred_bytes;
	struct hk_gauges gauges; // as they were at
	uint64_t gauged_at; // hk_machine.changes; 0: never asked
	struct deferred_free own_deferred; // carveout
	struct gen_pool *gen_pool; // carveout, chunk, secure
	struct cma_area *cma;
	bool lent; // CMA: movable loads may borrow its pages
	struct hk_cma_counters cma_counters;
	struct page_pool pool[HK_MAX_ORDERS]; // system, by slot
	struct refill refill;
	struct leaks leaks; // secure, system
};

struct hk_machine {
	struct hk_memory_spec memory;
	struct hk_costs costs;
	uint32_t line_shift; // log2 of costs.line_bytes
	uint32_t sync_flags; // enum hk_sync_flag
	uint64_t seed;
	bool lends_to_clean; // loads only: a CMA area discards
	struct page_alloc *pages; // NULL without memory
	struct heap *heap;
	uint32_t n_heaps;
	struct hk_device_spec *device;
	uint32_t n_devices;
	struct buffer_table buffers;
	struct lent_pages lent; // of all CMA areas
	struct hk_moves moves; // since somebody last cleared them
	// Head-inserted as pools are made, so that shrinkers meet the last
	// heap's order 0 first, as dmabuf_page_pool_create() has it.
	struct page_pool *pool_list;
	struct deferred_free system_deferred; // one for all system heaps
	struct worker *workers; // in the order they were made
	int64_t now_ns;
	int64_t idle_due; // no worker is due before
	uint64_t n_events; // carried out, as findings count them
	uint64_t *count; // of the next bill; NULL: nobody asks
	struct findings findings;
	uint64_t changes; // how often memory may have moved, plus 1
};

// --- The door, machine_spec.c, heap_spec.c and event.c ---

// Where a heap's own memory lies: nowhere for a system heap.
struct heap_ranges {
	uint32_t n;
	struct hk_range at[HK_MAX_CMA_RANGES];
};

int machine_spec_check(const struct hk_machine_spec *spec);
// As hk_machine_create() left it, but with the memory of its buffers kept for
// others. -ENOMEM: it can only be destroyed, if anything was changed.
int machine_restart(struct hk_machine *machine);
struct heap_ranges heap_ranges(const struct hk_heap_spec *spec);
bool heap_is_inside(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory);
// Whether the board has a movable load: what may borrow a CMA area's pages.
bool machine_lends(const struct hk_machine_spec *spec);
// Whether a heap's memory is the page allocator's.
bool heap_is_paged(const struct hk_heap_spec *spec);
// Carry out a @event that need not be trusted. As hk_machine_step().
int event_carry_out(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row);
void event_gauges(const struct hk_machine *machine, const struct hk_row *row,
		  struct hk_gauges *ret);
bool machine_device_snoops(const struct hk_machine *machine, uint32_t device);
bool machine_has_device(const struct hk_machine *machine, uint32_t device);

// A debug build looks at all invariants after every event without being asked.
#ifdef HEAPKIT_CHECK
enum { CHECKS_EVERY_EVENT = 1 };
#else
enum { CHECKS_EVERY_EVENT = 0 };
#endif

// --- Kinds of heap ---

extern const struct heap_ops system_heap_ops;
extern const struct heap_ops cma_heap_ops;
extern const struct heap_ops carveout_heap_ops;
extern const struct heap_ops chunk_heap_ops;
extern const struct heap_ops secure_heap_ops;
extern const struct heap_ops page_load_ops;

// Shared by the heaps over a gen_pool: carveout, chunk and secure.
int region_heap_create(struct heap *heap, enum hk_fit fit);
void region_heap_destroy(struct heap *heap);
int region_heap_place(struct heap *heap, struct buffer *buffer, uint64_t size,
		      struct bill *bill);
int region_heap_release(struct heap *heap, struct buffer *buffer,
			enum free_reason reason, struct bill *bill);
void region_heap_gauges(const struct heap *heap, struct hk_gauges *ret);
void region_heap_survey(const struct heap *heap, struct survey *survey);
int region_heap_check(const struct heap *heap, const char **rule);
int region_heap_hold(struct heap *heap, struct buffer *buffer,
		     struct state_reader *in);
int region_heap_load_leaks(struct heap *heap, struct state_reader *in);
int region_heap_claim(struct heap *heap, const struct sg_entry *entry,
		      struct state_reader *in);
void region_heap_settle(struct heap *heap, const struct state_reader *in);

int lent_pages_check(const struct hk_machine *machine, const char **rule);

// --- Looking inside, snapshot.c ---

void survey_add(struct survey *survey, uint64_t address, uint64_t size,
		uint32_t owner, enum hk_region_state state);
void survey_add_free(void *survey, uint64_t address, uint64_t size);
void survey_add_free_pages(void *survey, uint64_t pfn, uint64_t pages);
void survey_heap(const struct heap *heap, struct survey *survey);
// Only what buffers hold, page by page.
void survey_buffers(const struct heap *heap, struct survey *survey);
void survey_sort(struct survey *survey);

// --- Bills ---

static inline struct bill machine_bill(const struct hk_machine *machine,
				       uint64_t *count)
{
	return (struct bill){
		.price = (const double *)&machine->costs,
		.count = count,
	};
}

// Zeroing @buffer, sg entry by sg entry.
static inline void charge_each_zeroing(struct bill *bill,
				       const struct buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->n_entries; i++)
		charge_zeroing(bill, buffer->entry[i].size >> HK_PAGE_SHIFT);
}

// --- Small arithmetic ---

// Nanoseconds of @cost, rounded, at most INT64_MAX.
static inline int64_t round_ns(double cost)
{
	return cost < 9.2e18 ? (int64_t)(cost + 0.5) : INT64_MAX;
}

static inline uint64_t bytes_to_pages(uint64_t bytes)
{
	return (bytes >> HK_PAGE_SHIFT) + ((bytes & (PAGE_BYTES - 1)) != 0);
}

static inline uint64_t order_bytes(uint32_t order)
{
	return (uint64_t)PAGE_BYTES << order;
}

#endif
