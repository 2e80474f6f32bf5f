// SPDX-License-Identifier: MIT
//
// Everything that crosses from the measuring code to Python. It is no part of
// the core: it has a clock (CLOCK_MONOTONIC_RAW), asks the running kernel for
// memory, and changes no setting. Like heapkit_abi.h this file holds no
// preprocessor line, so that cffi reads it verbatim (C includes measure.h).
//
// Words. A *buffer* is memory of one source, made, mapped, touched and given
// back. A *step* is what is timed of it. An *area* is memory of this process in
// which blocks are zeroed, read, written, copied and flushed.
//
// Every function returns 0 or a negative errno; results come last. A call is
// short enough to be waited for: whoever wants to stop does so between two.

enum hkm_source_kind {
	HKM_DMA_HEAP = 0, // @fd is a node of the kernel's dma-buf heaps
	HKM_UDMABUF = 1, // @fd is the udmabuf device
	HKM_MEMFD = 2, // a memfd, @fd is not looked at
	HKM_ANONYMOUS = 3, // private memory in 4 KiB pages, without a file
};

// In the order in which they are done. MUNMAP and FREE come after all buffers
// of the call were made and used.
enum hkm_step {
	HKM_PREPARE = 0, // memfd_create() and its size; udmabuf: its pages, too
	HKM_ALLOCATE =
		1, // the ioctl that makes the dma-buf; memfd: fallocate()
	HKM_MMAP = 2,
	HKM_FIRST_TOUCH = 3, // one byte of every page is written
	HKM_SECOND_TOUCH = 4, // and again
	HKM_BEGIN_READ = 5, // DMA_BUF_IOCTL_SYNC, START and END
	HKM_END_READ = 6,
	HKM_BEGIN_WRITE = 7,
	HKM_END_WRITE = 8,
	HKM_MUNMAP = 9,
	HKM_FREE = 10, // close() of the last descriptor
	HKM_NR_STEPS = 11,
};

enum hkm_measure_limit {
	HKM_MAX_HELD = 64, // buffers of one call
	HKM_HYPERVISOR_BYTES = 13, // a name of 12 characters and a NUL
};

struct hkm_source {
	int32_t kind;
	int32_t fd;
	uint64_t max_bytes; // one call holds no more than this at once
};

// Makes @count buffers of @bytes (whole pages), one after the other, and then
// gives all back in the same order. @ns has HKM_NR_STEPS columns a buffer:
// nanoseconds, -1 where a source has no such step. With a count of 1, called
// again and again, each buffer is likely to get what the one before had; with
// more, memory that was not given back just now.
// -EINVAL: an unknown kind, a count of 0 or above HKM_MAX_HELD, a size that is
// not whole pages. -E2BIG: more than @max_bytes. Otherwise what the kernel
// said. Whatever happens, nothing stays open, mapped or allocated.
int hkm_buffers(const struct hkm_source *source, uint64_t bytes, uint32_t count,
		int64_t *ns);

enum hkm_work {
	HKM_ZERO = 0, // a page at a time: x86-64 with rep stosb, as Linux does
	HKM_READ = 1, // every byte
	HKM_WRITE = 2, // every byte, other than 0
	HKM_COPY = 3, // from another block
	HKM_CLEAN = 4, // write back lines that are clean: x86-64 clwb, arm64 dc
		       // cvac
	HKM_CLEAN_DIRTY = 5, // lines that were just written
	HKM_FLUSH = 6, // and forget them: x86-64 clflush, arm64 dc civac
	HKM_FLUSH_DIRTY = 7,
};

// Memory of this process, in 4 KiB pages that are there. -EINVAL: not a power
// of two of 4 KiB or more. -ENOMEM.
struct hkm_area;
int hkm_area_create(uint64_t bytes, struct hkm_area **ret);
void hkm_area_destroy(struct hkm_area *area); // NULL is well

// Does @work on @count blocks, each at another place of the area than those
// before, so that a large area is in no cache. @ns: of each block.
// -EINVAL: an unknown work; a block that is not a power of two, smaller than a
// page or larger than half the area. -EOPNOTSUPP: this CPU cannot.
int hkm_area_work(struct hkm_area *area, int32_t work, uint64_t block,
		  uint32_t count, int64_t *ns);

// The time between two readings of the clock with nothing between, @count
// times.
void hkm_clock(uint32_t count, int64_t *ns);
// Bytes of a data cache line that one instruction maintains, as the CPU says;
// 0 if it does not.
uint32_t hkm_line_bytes(void);
// What a hypervisor calls itself (x86-64: cpuid leaf 0x40000000), "" if none
// does.
void hkm_hypervisor(char *name);
