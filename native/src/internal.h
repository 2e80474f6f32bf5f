// SPDX-License-Identifier: MIT
//
// What the files of the machine share. heapkit_abi.h has the public words; here
//
//   slot      the index of an order in a heap's list of orders
//   cost      nanoseconds as a double, summed in a fixed order
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

#include "cma_area.h"
#include "gen_pool.h"
#include "heapkit.h"
#include "page_alloc.h"

enum { PAGE_BYTES = 1 << HK_PAGE_SHIFT };

// The core starved. Inside, -ENOMEM is only ever an answer of the model; the
// front door turns this into -ENOMEM.
enum { OUT_OF_CORE = -ENOBUFS };

static const int64_t NEVER = INT64_MAX;

struct attachment;
struct heap;

struct sg_entry {
	uint64_t address;
	uint64_t size;
};

// One dma-buf. A failed allocation is a buffer without entries. Spare buffers
// are kept for reuse, so that a free needs no memory.
struct buffer {
	struct buffer *next; // on a deferred list, or among the spares
	struct heap *heap; // that served it, or the last tried
	uint64_t size; // asked for, in whole pages
	uint64_t bytes; // of its entries; more than size in a chunk heap
	int64_t freed_at;
	struct attachment *attachments;
	struct sg_entry *entry;
	uint32_t n_entries;
	uint32_t capacity;
	uint32_t pool_entries;
	struct sg_entry first; // where entry points until a second is needed
};

struct buffer_table {
	struct buffer **slot; // by buffer id; NULL where none is held
	uint32_t n_slots;
	struct buffer *spare;
	struct attachment *spare_attachment;
};

struct worker {
	struct worker *next; // on hk_machine.workers
	int64_t due; // when it next does something; NEVER
	int64_t free_at; // when its last piece of work ended
	// Does what is due and sets @due anew. OUT_OF_CORE: did nothing.
	int (*run)(struct hk_machine *machine, struct worker *worker);
};

// Kernel: deferred-free-helper.c of the Android common kernel.
struct deferred_free {
	struct worker worker;
	struct buffer *list; // newest first
	struct buffer *hand;
};

// Freed pages of one order, zeroed, oldest first out. Kernel: struct
// dmabuf_page_pool.
struct page_pool {
	struct page_pool *next; // on hk_machine.pool_list
	struct hk_machine *machine;
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

// Kernel: the <heap>-pool-refill-thread of Qualcomm's system heap.
struct refill {
	struct worker worker;
	struct heap *heap;
	uint32_t slot; // pool at work
	bool awake;
};

// Why memory is returned. Kernel: enum df_reason.
enum free_reason {
	FREE_NORMAL, // zero it if the heap does so at free, keep it in the pool
	FREE_UNDER_PRESSURE, // straight to the allocator below
};

struct survey {
	struct hk_region *region;
	uint64_t capacity;
	uint64_t count; // may exceed capacity
	uint64_t granule; // entries take whole granules
};

// A kind of heap. Everything about buffers that all kinds share is in buffer.c
// and event.c.
struct heap_ops {
	// -ENOMEM, -EINVAL. destroy() also takes a heap whose create() failed.
	int (*create)(struct heap *heap);
	void (*destroy)(struct heap *heap);
	// Give @buffer, whose size is set, its entries. 0, -ENOMEM (refused) or
	// OUT_OF_CORE, both with no entries held.
	int (*allocate)(struct heap *heap, struct buffer *buffer, double *cost);
	// Take the entries back. 0, or OUT_OF_CORE with nothing changed;
	// FREE_UNDER_PRESSURE never starves.
	int (*release)(struct heap *heap, struct buffer *buffer,
		       enum free_reason reason, double *cost);
	void (*gauges)(const struct heap *heap, struct hk_gauges *ret);
	// All memory of the heap that no buffer has.
	void (*survey)(const struct heap *heap, struct survey *survey);
	int (*check)(const struct heap *heap, const char **rule);
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
	struct deferred_free own_deferred; // carveout
	struct gen_pool *gen_pool; // carveout, chunk, secure
	struct cma_area *cma;
	struct page_pool pool[HK_MAX_ORDERS]; // system, by slot
	struct refill refill;
};

struct hk_machine {
	struct hk_memory_spec memory;
	struct hk_costs costs;
	struct page_alloc *pages; // NULL without memory
	struct heap *heap;
	uint32_t n_heaps;
	struct hk_device_spec *device;
	uint32_t n_devices;
	struct buffer_table buffers;
	// Head-inserted as pools are made, so that shrinkers meet the last
	// heap's order 0 first, as dmabuf_page_pool_create() has it.
	struct page_pool *pool_list;
	struct deferred_free system_deferred; // one for all system heaps
	struct worker *workers; // in the order they were made
	int64_t now_ns;
	int64_t idle_due; // no worker is due before
};

// --- The door, machine.c and machine_spec.c
// ------------------------------------

int machine_spec_check(const struct hk_machine_spec *spec);
int heap_spec_check(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory);
bool heap_is_inside(const struct hk_heap_spec *spec,
		    const struct hk_memory_spec *memory);
// Carry out a @event that need not be trusted. As hk_machine_step().
int event_carry_out(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row);
void event_gauges(const struct hk_machine *machine, const struct hk_row *row,
		  struct hk_gauges *ret);

// --- Kinds of heap
// -------------------------------------------------------------

extern const struct heap_ops system_heap_ops;
extern const struct heap_ops cma_heap_ops;
extern const struct heap_ops carveout_heap_ops;
extern const struct heap_ops chunk_heap_ops;
extern const struct heap_ops secure_heap_ops;

// Shared by the heaps over a gen_pool: carveout, chunk and secure.
int region_heap_create(struct heap *heap, enum hk_fit fit);
void region_heap_destroy(struct heap *heap);
int region_heap_place(struct heap *heap, struct buffer *buffer, uint64_t size,
		      double *cost);
int region_heap_release(struct heap *heap, struct buffer *buffer,
			enum free_reason reason, double *cost);
void region_heap_gauges(const struct heap *heap, struct hk_gauges *ret);
void region_heap_survey(const struct heap *heap, struct survey *survey);
int region_heap_check(const struct heap *heap, const char **rule);

// --- Buffers, buffer.c
// ---------------------------------------------------------

// Room for ids below @n_slots. OUT_OF_CORE.
int buffer_table_reserve(struct buffer_table *table, uint32_t n_slots);
void buffer_table_destroy(struct buffer_table *table);
struct buffer *buffer_find(const struct buffer_table *table, uint32_t id);
// NULL when the core starves.
struct buffer *buffer_new(struct buffer_table *table);
void buffer_recycle(struct buffer_table *table, struct buffer *buffer);
// Make room for one more entry. OUT_OF_CORE.
int buffer_reserve_entry(struct buffer *buffer);
void buffer_add_entry(struct buffer *buffer, uint64_t address, uint64_t size);
void buffer_drop_entries(struct buffer *buffer);
// The last reference is gone: hand the memory of a served buffer back, now or
// later, and the buffer with it. OUT_OF_CORE: nothing changed.
int buffer_free(struct hk_machine *machine, struct buffer *buffer,
		int64_t now_ns, double *cost);

// --- Devices, attachment.c and cache_sync.c
// ------------------------------------

int attachment_attach(struct hk_machine *machine, struct buffer *buffer,
		      uint32_t device, double *cost);
int attachment_detach(struct hk_machine *machine, struct buffer *buffer,
		      uint32_t device, double *cost);
int attachment_map(const struct hk_machine *machine, struct buffer *buffer,
		   uint32_t device, double *cost);
int attachment_unmap(const struct hk_machine *machine, struct buffer *buffer,
		     uint32_t device, double *cost);
void attachment_detach_all(struct buffer_table *table, struct buffer *buffer);
void attachment_free_list(struct attachment *attachment);
// Mapped attachments whose device does not snoop.
uint64_t attachment_count_syncable(const struct hk_machine *machine,
				   const struct buffer *buffer);

double cache_clean_cost(const struct hk_costs *costs,
			const struct buffer *buffer);
double cache_invalidate_cost(const struct hk_costs *costs,
			     const struct buffer *buffer);
// Begin or end CPU access to part of @buffer. 0, or -EINVAL outside of it.
int cache_sync(const struct hk_machine *machine, const struct buffer *buffer,
	       const struct hk_event *event, double *cost);

// --- Idle threads, worker.c, deferred_free.c and refill.c
// ----------------------

void worker_add(struct hk_machine *machine, struct worker *worker);
void worker_set_due(struct hk_machine *machine, struct worker *worker,
		    int64_t due);
// Let all workers run until @now_ns. OUT_OF_CORE.
int worker_run_all(struct hk_machine *machine, int64_t now_ns);
int64_t time_after(int64_t start_ns, double cost);

void deferred_free_init(struct hk_machine *machine,
			struct deferred_free *deferred);
void deferred_free_push(struct hk_machine *machine,
			struct deferred_free *deferred, struct buffer *buffer);
// Give back at least @pages, whole buffers, as long as there are any. Returns
// the pages given back.
uint64_t deferred_free_drain(struct hk_machine *machine,
			     struct deferred_free *deferred, uint64_t pages,
			     enum free_reason reason, double *cost);
void deferred_free_destroy(struct buffer_table *table,
			   struct deferred_free *deferred);

void refill_init(struct heap *heap);
void refill_wake(struct heap *heap);

// --- Pools and reclaim, page_pool.c
// --------------------------------------------

void page_pool_init(struct heap *heap, uint32_t slot);
void page_pool_destroy(struct page_pool *pool);
// Room for @items more. OUT_OF_CORE.
int page_pool_reserve(struct page_pool *pool, uint64_t items);
bool page_pool_take(struct page_pool *pool, uint64_t *address);
// The room must be there.
void page_pool_add(struct page_pool *pool, uint64_t address);
uint64_t page_pool_bytes(const struct page_pool *pool);
uint64_t page_pool_item(const struct page_pool *pool, uint32_t index);
// Give at least @pages back to the page allocator as long as a shrinker finds
// any: deferred buffers first, then pools. Returns the pages given back.
uint64_t reclaim(struct hk_machine *machine, uint64_t pages, double *cost);

// --- Looking inside, snapshot.c
// ------------------------------------------------

void survey_add(struct survey *survey, uint64_t address, uint64_t size,
		uint32_t owner, enum hk_region_state state);
void survey_add_free(void *survey, uint64_t address, uint64_t size);
void survey_add_free_pages(void *survey, uint64_t pfn, uint64_t pages);
void survey_heap(const struct heap *heap, struct survey *survey);
void survey_sort(struct survey *survey);

// --- Small arithmetic
// ----------------------------------------------------------

static inline double times(double cost, uint64_t n)
{
	return cost * (double)n;
}

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
