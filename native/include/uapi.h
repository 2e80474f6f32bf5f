// SPDX-License-Identifier: MIT
//
// <linux/dma-heap.h> and <linux/dma-buf.h>, or the same declarations where a
// sysroot is older than Linux 5.6 (conda's compilers ship such a one). A test
// compiles both ways and compares the values.
#ifndef HEAPKIT_UAPI_H
#define HEAPKIT_UAPI_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>

#if __has_include(<linux/dma-heap.h>) && !defined(HEAPKIT_OWN_UAPI)
#include <linux/dma-heap.h>
#else
struct dma_heap_allocation_data {
	uint64_t len;
	uint32_t fd;
	uint32_t fd_flags;
	uint64_t heap_flags;
};
#define DMA_HEAP_VALID_FD_FLAGS (O_CLOEXEC | O_ACCMODE)
#define DMA_HEAP_VALID_HEAP_FLAGS (0)
#define DMA_HEAP_IOCTL_ALLOC _IOWR('H', 0x0, struct dma_heap_allocation_data)
#endif

#if __has_include(<linux/dma-buf.h>) && !defined(HEAPKIT_OWN_UAPI)
#include <linux/dma-buf.h>
#else
struct dma_buf_sync {
	uint64_t flags;
};
#define DMA_BUF_SYNC_READ (1 << 0)
#define DMA_BUF_SYNC_WRITE (2 << 0)
#define DMA_BUF_SYNC_RW (DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)
#define DMA_BUF_SYNC_START (0 << 2)
#define DMA_BUF_SYNC_END (1 << 2)
#define DMA_BUF_NAME_LEN 32
#define DMA_BUF_IOCTL_SYNC _IOW('b', 0, struct dma_buf_sync)
#endif

// Linux before 5.8 has one SET_NAME whose size depends on the pointer's.
#ifndef DMA_BUF_SET_NAME_B
#define DMA_BUF_SET_NAME_B _IOW('b', 1, uint64_t)
#endif

#endif
