// SPDX-License-Identifier: MIT
//
// Everything that crosses from the C core to Python. This file holds types,
// enums and prototypes and no preprocessor line, so that cffi reads it verbatim
// and the C compiler checks every definition against it (include heapkit.h).
//
// Words. A *page* is 4 KiB. A *region* is a run of pages with one owner. A
// *buffer* is one dma-buf, known by a dense id chosen by the caller. A
// *machine* is a board at one moment: its page allocator, its heaps and their
// buffers. Addresses and sizes are bytes, times are nanoseconds.
//
// Every function returns 0 or a negative errno; results come last. Nothing here
// reads a clock, draws a random number or keeps a global: the same calls give
// the same bytes. A machine belongs to one thread at a time; machines share
// nothing.

enum hk_limit {
	HK_PAGE_SHIFT = 12,
	HK_MAX_PAGE_ORDER = 10, // largest buddy block: 4 MiB
	HK_NR_PAGE_ORDERS = 11,
	HK_PAGEBLOCK_ORDER = 9, // pages of one migratetype: 2 MiB
	HK_MAX_ORDERS = 8, // orders a system heap may list
	HK_MAX_HEAPS = 128, // NUM_HEAP_MINORS of drivers/dma-buf/dma-heap.c
	HK_MAX_DEVICES = 256,
	HK_MAX_CMA_RANGES = 8, // CMA_MAX_RANGES of include/linux/cma.h
	HK_MAX_FINDINGS = 2, // of one event
};

// What a pageblock's pages are for: enum migratetype of linux/mmzone.h, without
// HighAtomic. A request is unmovable, movable or reclaimable.
enum hk_migratetype {
	HK_MIGRATE_UNMOVABLE = 0,
	HK_MIGRATE_MOVABLE = 1,
	HK_MIGRATE_RECLAIMABLE = 2,
	HK_MIGRATE_CMA = 3, // lent to movable requests by a CMA area
	HK_MIGRATE_ISOLATE = 4, // not to be taken
	HK_NR_MIGRATETYPES = 5,
};

enum hk_op {
	HK_OP_ALLOC = 0,
	HK_OP_FREE = 1,
	HK_OP_ATTACH = 2,
	HK_OP_DETACH = 3,
	HK_OP_MAP = 4,
	HK_OP_UNMAP = 5,
	HK_OP_BEGIN_CPU = 6,
	HK_OP_END_CPU = 7,
	HK_OP_PRESSURE = 8,
	// 9 to 15 are no ops. The first nine are what any trace of requests
	// has; these say what is done with the memory and who refers to it.
	HK_OP_CPU_READ = 16,
	HK_OP_CPU_WRITE = 17,
	HK_OP_DEVICE_READ = 18,
	HK_OP_DEVICE_WRITE = 19,
	HK_OP_MMAP = 20,
	HK_OP_MUNMAP = 21,
	HK_OP_VMAP = 22,
	HK_OP_VUNMAP = 23,
	HK_OP_SHARE = 24, // one reference more: dup(), SCM_RIGHTS, binder
	HK_NR_OPS = 25,
};

// DMA_BUF_SYNC_READ and DMA_BUF_SYNC_WRITE; both for RW.
enum hk_access {
	HK_ACCESS_READ = 1,
	HK_ACCESS_WRITE = 2,
	// MAP: DMA_ATTR_SKIP_CPU_SYNC, kept for the UNMAP of that mapping. The
	// other two mean nothing there: a mapping is DMA_BIDIRECTIONAL.
	HK_ACCESS_SKIP_SYNC = 4,
};

enum hk_heap_kind {
	HK_HEAP_SYSTEM = 0,
	HK_HEAP_CMA = 1,
	HK_HEAP_CARVEOUT = 2,
	HK_HEAP_CHUNK = 3,
	HK_HEAP_SECURE = 4,
	HK_HEAP_PAGES = 5, // no heap: what the rest of the system holds
	HK_NR_HEAP_KINDS = 6,
};

// The placement rules of lib/genalloc.c.
enum hk_fit {
	HK_FIT_FIRST = 0,
	HK_FIT_BEST = 1,
	HK_FIT_FIRST_ALIGN = 2,
	HK_FIT_ORDER_ALIGN = 3,
	HK_NR_FITS = 4,
};

enum hk_heap_flag {
	// System heap: page pools between free and allocation.
	HK_HEAP_POOLED = 1,
	// An idle thread zeroes and returns freed pages.
	HK_HEAP_DEFERRED_FREE = 2,
	// Write-combined: written back when allocated, then no cache
	// maintenance at all.
	HK_HEAP_UNCACHED = 4,
	// Carveout, chunk heap: as ION did; otherwise at allocation.
	HK_HEAP_ZERO_AT_FREE = 8,
	// ION: drain the deferred list and retry once.
	HK_HEAP_RETRY_DRAINED = 16,
	// Movable pages that do not move: somebody holds a reference.
	HK_HEAP_PINNED = 32,
	// Movable pages whose data is elsewhere too, clean page cache: CMA
	// drops
	// them instead of moving them.
	HK_HEAP_CLEAN = 64,
	// Movable pages that only a request that waits for writeback moves.
	HK_HEAP_DIRTY = 128,
	// CMA: lent to clean loads only, as GCMA lends; and so are all other
	// areas of the machine then.
	HK_HEAP_DISCARD = 256,
	// System, secure: pages are handed to another world and back.
	HK_HEAP_PROTECTED = 512,
	// ION: an allocation that fails leaves its pages in the pools, and
	// pools are shrunk from the largest order down.
	HK_HEAP_UNWIND_TO_POOL = 1024,
	HK_HEAP_SHRINK_LARGEST = 2048,
	// System: pages of a memfd that udmabuf pins, order 0.
	HK_HEAP_MEMFD = 4096,
};

// How a board keeps caches and memory alike. 0: as system_heap.c of Linux 5.12
// and later does on arm64 of 5.19 and later.
enum hk_sync_flag {
	// heap-helpers.c of 2019, ION from 4.12 on: attachments that are not
	// mapped too.
	HK_SYNC_EVERY_ATTACHMENT = 1,
	// arm64 before c50f11c6: END_CPU after reading invalidates.
	HK_SYNC_BEFORE_5_19 = 2,
	// No kernel's: a pass only where the CPU, or a device, has been there
	// since the last one, and one for all devices.
	HK_SYNC_LAZY = 4,
};

enum hk_region_state {
	HK_REGION_FREE = 0,
	HK_REGION_USED = 1,
	HK_REGION_POOL = 2,
	HK_REGION_DEFERRED = 3,
	HK_REGION_LEAKED = 4, // could not be handed back
};

// Why hk_trace_check() refuses an event.
enum hk_trace_rule {
	HK_TRACE_OK = 0,
	HK_TRACE_UNKNOWN_OP = 1,
	HK_TRACE_TIME_BACKWARDS = 2,
	HK_TRACE_SIZE_ZERO = 3,
	HK_TRACE_SIZE_HUGE = 4, // does not survive rounding up to a page
	HK_TRACE_BUFFER_RANGE = 5,
	HK_TRACE_BUFFER_LIVE = 6, // ALLOC of a buffer that is still held
	HK_TRACE_BUFFER_UNKNOWN = 7, // any other op on one that is not
	HK_TRACE_CHAIN_RANGE = 8,
	HK_TRACE_DEVICE_RANGE = 9,
	HK_TRACE_ACCESS = 10, // CPU access that is neither READ nor WRITE
};

// How a run of any length is counted in so much memory and no more.
enum hk_tally_size {
	HK_LATENCY_STEPS = 128, // bins an octave: no bin is wider than 1/128
	HK_LATENCY_BINS = 7424, // every uint64 has its bin
	HK_NR_ERRNOS = 134, // the numbers of Linux, and 0
	HK_NR_GAUGES = 4, // of struct hk_gauges, in its order
};

// The constants of struct hk_costs that an event can be charged, in its order.
enum hk_cost {
	HK_COST_ALLOCATE_CALL = 0,
	HK_COST_FREE_CALL = 1,
	HK_COST_BUDDY_BLOCK = 2,
	HK_COST_BUDDY_SPLIT = 3,
	HK_COST_BUDDY_PAGE = 4,
	HK_COST_POOL_BLOCK = 5,
	HK_COST_ZERO_PAGE = 6,
	HK_COST_ZERO_PAGE_64K = 7,
	HK_COST_ZERO_PAGE_1M = 8,
	HK_COST_RECLAIM_PAGE = 9,
	HK_COST_GEN_POOL_CALL = 10,
	HK_COST_CMA_CALL = 11,
	HK_COST_CMA_PAGE = 12,
	HK_COST_CMA_RETRY = 13,
	HK_COST_MIGRATE_PAGE = 14,
	HK_COST_UNMAP_MAPPING = 15,
	HK_COST_DISCARD_PAGE = 16,
	HK_COST_PROTECT_PAGE = 17,
	HK_COST_MEMFD_PAGE = 18,
	HK_COST_ATTACH_CALL = 19,
	HK_COST_ATTACH_ENTRY = 20,
	HK_COST_MAP_ENTRY = 21,
	HK_COST_UNMAP_ENTRY = 22,
	HK_COST_IOMMU_MAP_ENTRY = 23,
	HK_COST_IOMMU_UNMAP_ENTRY = 24,
	HK_COST_SYNC_CALL = 25,
	HK_COST_SYNC_ENTRY = 26,
	HK_COST_CLEAN_LINE = 27,
	HK_COST_INVALIDATE_LINE = 28,
	HK_COST_DIRTY_LINE = 29,
	HK_COST_MMAP_CALL = 30,
	HK_COST_MMAP_PAGE = 31,
	HK_COST_MMAP_ENTRY = 32,
	HK_COST_VMAP_CALL = 33,
	HK_COST_VMAP_PAGE = 34,
	HK_COST_CPU_READ_LINE = 35,
	HK_COST_CPU_WRITE_LINE = 36,
	HK_COST_UNCACHED_READ_LINE = 37,
	HK_NR_COSTS = 38, // line_bytes and cache_bytes are no prices
};

struct hk_memory_spec {
	uint64_t base;
	uint64_t total; // 0: no page allocator
	// Kept back from orders that may not reclaim; order 0 goes below it.
	uint64_t min_free;
};

struct hk_range {
	uint64_t base;
	uint64_t size;
};

struct hk_heap_spec {
	uint32_t kind; // enum hk_heap_kind
	uint32_t fit; // enum hk_fit; carveout and secure heap
	uint32_t flags; // enum hk_heap_flag, or'ed
	uint32_t alignment_order; // CMA: CONFIG_CMA_ALIGNMENT, a cap
	uint64_t base;
	uint64_t size; // 0 for a system heap
	uint64_t granule; // bytes a bit: chunk, PAGE << order_per_bit, page
	uint64_t align; // HK_FIT_FIRST_ALIGN: bytes
	uint32_t n_orders; // system heap: 8, 4, 0 in mainline; pages: 1
	uint32_t order[8];
	uint64_t pool_fill[8]; // refill up to so many bytes; 0: never
	uint64_t pool_low[8]; // an allocation that leaves less wakes the refill
	uint64_t pool_limit; // bytes a pool may hold; 0: no bound, as Android
	uint64_t refill_defer_ns; // a pool's pause when memory was low
	// CMA: where the area lies in several pieces, tried in this order; base
	// and size are then not looked at. 0: one piece, base and size.
	uint32_t n_ranges;
	struct hk_range range[8];
	// Pages: up to HK_MIGRATE_RECLAIMABLE; movable ones are order 0.
	uint32_t migratetype;
	// Pages: page table entries that map each of them.
	uint32_t mapcount;
	// Protected: the share of hand-backs that fail, of 2^32; UINT32_MAX:
	// all.
	uint32_t failures;
	// System: a larger buffer is refused, with EINVAL of a memfd, else
	// ENOMEM; 0: none is.
	uint64_t size_limit;
	// CMA: bytes of the equal pieces a buffer is made of; 0: it is one run.
	uint64_t chunk;
};

struct hk_device_spec {
	uint32_t coherent; // not 0: it snoops, cache maintenance is free
	uint32_t iommu; // not 0: its mappings are made in an IOMMU
};

// Nanoseconds, except where said. The values, their units and their sources are
// heapkit/costs.py; a test holds its names to these.
struct hk_costs {
	double allocate_call; // ioctl, dma-buf and fd; of every heap tried
	double free_call; // the last put
	double buddy_block; // one from or to the page allocator, any order
	double buddy_split; // each order that a larger block is split down
	double buddy_page; // setting up the struct page of each page of a block
	double pool_block; // one block from or to a pool
	double zero_page; // clearing 4 KiB, in a piece below 64 KiB
	double zero_page_64k; // the same in a piece from 64 KiB up
	double zero_page_1m; // the same in a piece from 1 MiB up
	double reclaim_page; // a shrinker gives back 4 KiB
	double gen_pool_call; // one search of a carveout's bitmap
	double cma_call; // fixed part of cma_alloc()
	double cma_page; // each page of an idle CMA range
	double cma_retry; // a place that was busy, without what was moved
	double migrate_page; // moving one borrowed page out of the way
	double unmap_mapping; // each page table entry of a page moved or
			      // dropped
	double discard_page; // dropping one borrowed page whose data is
			     // elsewhere
	double protect_page; // handing 4 KiB to or from a protected world
	double memfd_page; // udmabuf: finding and pinning one page of a memfd
	double attach_call; // one attach or detach
	double attach_entry; // copying one sg entry
	double map_entry; // mapping one sg entry for a device
	double unmap_entry;
	double iommu_map_entry; // on top, for a device behind an IOMMU
	double iommu_unmap_entry;
	double sync_call; // DMA_BUF_IOCTL_SYNC itself
	double sync_entry; // the barrier that ends each sg entry's pass
	double clean_line; // one cache line, clean to the point of coherency
	double invalidate_line;
	double dirty_line; // on top of clean_line, where there is something to
			   // write
	double mmap_call;
	double mmap_page; // each page table entry of a mapping for a program
	double mmap_entry; // each sg entry of one
	double vmap_call;
	double vmap_page;
	double cpu_read_line; // the CPU reads one line of cached memory
	double cpu_write_line;
	double uncached_read_line; // the CPU reads one line of uncached memory
	double line_bytes; // bytes, not a time
	double cache_bytes; // bytes: no more of a buffer is dirty in the cache
};

struct hk_machine_spec {
	struct hk_memory_spec memory;
	const struct hk_heap_spec *heap;
	uint32_t n_heaps;
	const struct hk_device_spec *device;
	uint32_t n_devices;
	struct hk_costs costs;
	uint32_t sync_flags; // enum hk_sync_flag, or'ed
	uint64_t seed; // of whatever is left to chance
};

// One event of a trace. Columns that an op does not use are ignored.
struct hk_event {
	uint32_t op; // enum hk_op
	uint32_t buffer;
	uint64_t size; // ALLOC: bytes wanted; PRESSURE: bytes to give back;
		       // BEGIN_CPU, END_CPU, CPU_… and DEVICE_READ and
		       // _WRITE: length, 0 to the buffer's end
	uint64_t offset; // of the same
	int64_t time_ns;
	uint32_t device;
	uint32_t access; // enum hk_access, or'ed
	const uint16_t *heap; // ALLOC: heaps to try, in order
	uint32_t n_heaps;
};

// A trace, column by column. Chain c tries the heaps
// chain_heap[chain_start[c]] … chain_heap[chain_start[c + 1] - 1].
struct hk_trace {
	uint64_t n;
	const uint8_t *op;
	const uint32_t *buffer;
	const uint64_t *size;
	const uint16_t *chain;
	const int64_t *time_ns;
	const uint16_t *device; // may be NULL: device 0
	const uint8_t *access; // may be NULL: READ and WRITE
	const uint64_t *offset; // may be NULL: 0
	uint32_t n_buffers; // every buffer id is below
	uint32_t n_chains;
	uint32_t n_devices; // every device is below
	const uint32_t *chain_start; // NULL while only checking
	const uint16_t *chain_heap;
};

struct hk_fault {
	uint64_t index; // of the first refused event
	uint32_t rule; // enum hk_trace_rule
};

// What one event did. 32 bytes.
struct hk_row {
	int32_t status; // 0 or -errno
	int16_t heap; // that served it, or the last tried; -1 for PRESSURE
	uint16_t tried; // heaps tried
	uint32_t entries; // sg entries of the buffer
	uint32_t pool_entries; // of which the pool served
	uint64_t address; // of the buffer's first entry; 0 if it has none
	uint64_t latency_ns;
};

// Quantities after an event, of the heap the row names. For PRESSURE: of the
// memory and of all pools. A system heap's largest free is the page allocator's
// largest free block; both it and its free bytes count lent CMA pages, as
// MemFree of /proc/meminfo does, although only movable loads get those.
struct hk_gauges {
	uint64_t free_bytes;
	uint64_t largest_free_bytes;
	uint64_t pool_bytes;
	uint64_t deferred_bytes;
};

// Blocks held by each pool after an event, in the order of hk_heap_spec.order.
struct hk_pool_fill {
	uint32_t items[8];
};

// What CMA allocations did in one event, all areas of its chain together.
struct hk_moves {
	uint32_t busy_retries; // places that held a page that could not go
	uint32_t pages_migrated;
	uint32_t no_target; // attempts given up: no page left to move to
	uint32_t pages_discarded; // dropped, not moved
};

// Of one CMA area since it was made; where the kernel shows the same, with its
// name there.
struct hk_cma_counters {
	uint64_t alloc_success; // calls: cma_alloc_success of /proc/vmstat
	uint64_t alloc_fail;
	uint64_t alloc_pages_success; // pages: /sys/kernel/mm/cma/<name>/
	uint64_t alloc_pages_fail;
	uint64_t release_pages_success;
	uint64_t busy_retries; // tracepoint cma_alloc_busy_retry
	uint64_t pages_migrated;
	uint64_t pages_discarded;
	uint64_t pages_lent; // borrowed now
};

// How often each constant was charged in one event.
struct hk_counts {
	uint64_t n[38]; // by enum hk_cost
};

// What an event did that a program or driver should not rely on.
enum hk_finding_kind {
	// Data went wrong.
	HK_STALE_CPU_READ = 0, // a device wrote, nothing was invalidated since
	HK_STALE_DEVICE_READ = 1, // the CPU wrote, nothing was cleaned since
	HK_LOST_CPU_WRITE = 2, // invalidated before it was cleaned
	HK_LOST_DEVICE_WRITE = 3, // a dirty line may be written over it; the
				  // CPU: it wrote a part of a stale line
	HK_UNMAPPED_DEVICE = 4, // an access without a mapping
	// What the kernel lets pass.
	HK_END_WITHOUT_BEGIN = 5,
	HK_NESTED_BEGIN = 6,
	HK_DIRECTION_MISMATCH = 7, // END with another access than BEGIN; of
	// nested ones only the innermost is held to it
	HK_OPEN_AT_FREE = 8, // a BEGIN without END
	HK_MAPPED_AT_FREE = 9, // attached or mapped
	// What is right as long as no cache has fetched the lines, which it may
	// at any time: a device that snoops reads what one that does not wrote,
	// and nothing was invalidated since. No call of the kernel is for it.
	HK_SNOOPED_STALE = 10,
	HK_NR_FINDINGS = 11,
};

struct hk_finding {
	uint64_t event; // of the trace, or since the machine was made
	uint64_t offset; // of the first byte that matters
	uint64_t bytes; // in whole cache lines, of UNMAPPED_DEVICE those of the
			// access; 0: none in particular
	uint32_t buffer;
	uint32_t device; // of an op on a device
	uint32_t kind; // enum hk_finding_kind
	uint32_t op; // enum hk_op
};

// Where a replay puts what each event did. All but row may be NULL.
struct hk_columns {
	struct hk_row *row;
	struct hk_gauges *gauges;
	struct hk_pool_fill *fills; // of heap fill_heap
	struct hk_moves *moves;
	struct hk_counts *counts;
	struct hk_finding *findings; // not one an event: room for n_findings
	uint64_t n_findings;
	uint64_t found; // as many there were; may exceed n_findings
	uint32_t fill_heap;
};

struct hk_region {
	uint64_t address;
	uint64_t size;
	uint32_t owner; // buffer id; UINT32_MAX if none
	uint32_t state; // enum hk_region_state
};

// --- What is kept of a trace that comes in parts ---

// Of one op on one heap. A bin of the histogram holds the latencies that share
// their highest bit and the seven below it: bins 0 … 255 one value each, then
// 128 for every power of two.
struct hk_op_tally {
	uint64_t latency_ns; // summed, refused events too
	uint64_t least_ns; // of the events with status 0; 0 if there is none
	uint64_t most_ns;
};

struct hk_heap_tally {
	uint64_t granule; // given: a buffer holds whole ones of so many bytes
	uint64_t asked; // ALLOCs that tried the heap
	uint64_t refused; // of those, what it did not serve
	uint64_t served;
	uint64_t entries; // of what it served
	uint64_t pool_entries;
	uint64_t held_bytes; // by buffers that are not freed
	uint64_t peak_bytes;
};

// The events of one heap in a span of the trace.
struct hk_bucket {
	uint64_t events; // whose row names the heap
	uint64_t refused; // ALLOCs that the heap did not serve
	uint64_t low[4]; // each gauge after those events; 0 if there are none
	uint64_t high[4];
	uint64_t sum[4]; // over those events
};

// An event whose status is not 0.
struct hk_refusal {
	uint64_t event; // counted from the start of the trace
	uint64_t buffer; // its id in the trace
	uint64_t size;
	uint64_t offset;
	int64_t time_ns;
	uint64_t latency_ns;
	int32_t status;
	int16_t heap; // the last tried
	uint16_t tried;
	uint16_t chain; // ALLOC: what it asked
	uint16_t device;
	uint8_t op;
	uint8_t access;
};

struct hk_totals {
	uint64_t events;
	uint64_t fallbacks; // ALLOCs that a later heap of their chain served
	uint64_t refusals; // events with a status that is not 0
	uint64_t bucket_events; // events in each bucket: a power of two
	int64_t time_ns; // of the last event
	uint64_t busy_retries; // sums of struct hk_moves
	uint64_t pages_migrated;
	uint64_t no_target;
	uint64_t pages_discarded;
};

// All zero to begin with, but for what is given; the arrays are the caller's.
// Row n_heaps is for events of no heap (PRESSURE).
struct hk_tally {
	uint32_t n_heaps;
	uint32_t n_buckets; // even
	uint32_t n_kept;
	struct hk_totals *totals; // bucket_events is 1 to begin with
	struct hk_heap_tally *heap; // [n_heaps + 1]
	struct hk_op_tally *op; // [n_heaps + 1][HK_NR_OPS]
	uint64_t *status; // [n_heaps + 1][HK_NR_OPS][HK_NR_ERRNOS]: events
	uint64_t *latency; // [n_heaps + 1][HK_NR_OPS][HK_LATENCY_BINS]: those
			   // with status 0
	struct hk_bucket *bucket; // [n_heaps + 1][n_buckets]
	int64_t *bucket_time_ns; // [n_buckets]: of the first event
	struct hk_refusal *kept; // [n_kept]: the first ones
};

struct hk_machine;
struct hk_intake;

// --- A machine -------------------------------------------------------------

// Build the page allocator and the heaps of @spec, all idle. -EINVAL: a kind,
// fit, order, alignment or number outside its range, a flag its kind has not, a
// region that is not whole granules, overlapping regions, a CMA area outside
// the memory, a system heap without any, a cost that is no finite number.
// -ENOMEM.
int hk_machine_create(const struct hk_machine_spec *spec,
		      struct hk_machine **ret);
// Also takes NULL.
void hk_machine_destroy(struct hk_machine *machine);

// --- Events ------------------------------------------------------------------

// Carry out one event and fill @row and, if not NULL, @gauges. Refusals of the
// modelled kernel are in row->status: -ENOMEM of the last heap tried, -EINVAL
// of a size that is 0 or does not survive rounding up, of a range outside the
// buffer, of DETACH, MAP and UNMAP without such an attachment. The return value
// is 0, or -EINVAL for any other event that hk_trace_check() would refuse and
// for heaps or a device the machine has not, or -ENOMEM: the core itself
// starved, the event was not carried out, and every invariant holds. A debug
// build checks all invariants after the event: -EUCLEAN.
//
// A buffer whose allocation failed is held until its FREE like any other; every
// op on it does nothing, at no cost, with status 0. FREE detaches all devices.
int hk_machine_step(struct hk_machine *machine, const struct hk_event *event,
		    struct hk_row *row, struct hk_gauges *gauges);
// Carry out @count events from @first on, each with its element of @ret's
// arrays. With @check_every not 0 all invariants are checked after every so
// many events of the trace, in a debug build after each. *@done is the event at
// which it stopped: @first + @count; or with -EUCLEAN the one after which an
// invariant was broken; or with -EINVAL and -ENOMEM, as hk_machine_step() has
// them, the one that was not carried out. Chains no ALLOC uses may be empty.
int hk_machine_replay(struct hk_machine *machine, const struct hk_trace *trace,
		      uint64_t first, uint64_t count, struct hk_columns *ret,
		      uint64_t check_every, uint64_t *done);
// What the steps that follow do: each adds what it charges to @counts, and what
// is wrong with it to the @capacity findings from @findings on, as
// hk_machine_found() counts them. NULL: nobody asks.
void hk_machine_watch(struct hk_machine *machine, struct hk_counts *counts,
		      struct hk_finding *findings, uint64_t capacity);
// Since hk_machine_watch(); may exceed its capacity.
uint64_t hk_machine_found(const struct hk_machine *machine);
// Let the idle threads (deferred free, pool refill) run until @now_ns. -EINVAL
// if that is in the past; -ENOMEM.
int hk_machine_advance(struct hk_machine *machine, int64_t now_ns);
// 0, or -EINVAL with the first event that breaks a rule in *@ret.
int hk_trace_check(const struct hk_trace *trace, struct hk_fault *ret);

// --- A trace that comes in parts ---------------------------------------------

// What has to be known of the parts before: which ids are held. It grows with
// the buffers held at once. -ENOMEM.
int hk_intake_create(struct hk_intake **ret);
// Also takes NULL.
void hk_intake_destroy(struct hk_intake *intake);
// Events taken so far.
uint64_t hk_intake_events(const struct hk_intake *intake);
// Check events @first … of the next part as hk_trace_check() does the whole,
// and that no time is negative. @ids are its buffers, any numbers; part->buffer
// is not read. @numbers, if not NULL, gets a number for each, which are used
// again after a FREE and so stay small. -EINVAL: *@fault has the first refused
// event, counted from the start of the trace; -ENOMEM. After either only
// hk_intake_destroy() may follow.
int hk_intake_take(struct hk_intake *intake, const struct hk_trace *part,
		   const uint64_t *ids, uint64_t first, uint64_t count,
		   uint32_t *numbers, struct hk_fault *fault);
// As hk_machine_save() and hk_machine_load(): of a new intake, and -EINVAL for
// bytes that hk_intake_save() did not write.
int hk_intake_save(const struct hk_intake *intake, void *bytes,
		   uint64_t capacity, uint64_t *size);
int hk_intake_load(struct hk_intake *intake, const void *bytes, uint64_t size);
// Check, replay and count events of the next part: machine, intake and tally
// have then seen the same events. Errors are those of hk_intake_take() and
// hk_machine_replay(); *@fault has rule 0 if no rule of a trace was broken, but
// an argument or the chain of an ALLOC was. After one, all three are undefined.
int hk_machine_replay_part(struct hk_machine *machine, struct hk_intake *intake,
			   struct hk_tally *tally, const struct hk_trace *part,
			   const uint64_t *ids, uint64_t first, uint64_t count,
			   struct hk_fault *fault);

// --- A machine as bytes ------------------------------------------------------

// Write all that a machine of the same spec needs to go on from here exactly as
// this one would. Equal machines have equal bytes, on any computer. -ENOSPC if
// they are more than @capacity; *@size is how many they are either way.
int hk_machine_save(const struct hk_machine *machine, void *bytes,
		    uint64_t capacity, uint64_t *size);
// Make a machine, whatever it did before, what one of the same spec was when it
// was saved. @bytes need not be trusted: -EINVAL for those of another spec or
// version, cut short or changed, or in which a page has two owners or none;
// -ENOMEM. After an error the machine can only be destroyed.
int hk_machine_load(struct hk_machine *machine, const void *bytes,
		    uint64_t size);

// --- Looking inside ----------------------------------------------------------

int hk_machine_gauges(const struct hk_machine *machine, uint32_t heap,
		      struct hk_gauges *ret);
// Every region of @heap by address. -ENOSPC if there are more than @capacity;
// *@count is how many there are either way. For a system heap: its buffers, its
// pools, its deferred pages and the page allocator's free blocks.
int hk_machine_snapshot(const struct hk_machine *machine, uint32_t heap,
			struct hk_region *regions, uint64_t capacity,
			uint64_t *count);
// The sg entries of a live buffer, in allocation order. -EINVAL, -ENOSPC.
int hk_machine_entries(const struct hk_machine *machine, uint32_t buffer,
		       struct hk_region *regions, uint64_t capacity,
		       uint64_t *count);
// Free blocks of each order: the numbers of /proc/buddyinfo. @counts holds
// HK_NR_PAGE_ORDERS. -EINVAL without memory.
int hk_machine_buddyinfo(const struct hk_machine *machine, uint64_t *counts);
// The same by migratetype, and how many pageblocks have each: the numbers of
// /proc/pagetypeinfo. @counts holds HK_NR_PAGE_ORDERS for each of the
// HK_NR_MIGRATETYPES in turn, @pageblocks HK_NR_MIGRATETYPES. -EINVAL without
// memory.
int hk_machine_pagetypeinfo(const struct hk_machine *machine, uint64_t *counts,
			    uint64_t *pageblocks);
// Blocks in each pool of @heap now.
int hk_machine_pool_fill(const struct hk_machine *machine, uint32_t heap,
			 struct hk_pool_fill *ret);
// What a CMA area has counted. -EINVAL of any other heap.
int hk_machine_cma_counters(const struct hk_machine *machine, uint32_t heap,
			    struct hk_cma_counters *ret);
// All invariants of all structures: 0, or -EUCLEAN and the broken rule, a
// static string; -ENOMEM.
int hk_machine_check(const struct hk_machine *machine, const char **rule);
