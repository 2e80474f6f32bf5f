// SPDX-License-Identifier: MIT
// The sources: dma-buf heaps, udmabuf, memfds, anonymous memory.
#include "source.h"

#include "clock.h"
#include "uapi.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

// <linux/udmabuf.h>, which sysroots older than Linux 4.20 have not.
#if __has_include(<linux/udmabuf.h>) && !defined(HEAPKIT_OWN_UAPI)
#include <linux/udmabuf.h>
#elif !defined(UDMABUF_CREATE)
struct udmabuf_create {
	uint32_t memfd;
	uint32_t flags;
	uint64_t offset;
	uint64_t size;
};
#define UDMABUF_FLAGS_CLOEXEC 0x01
#define UDMABUF_CREATE _IOW('u', 0x42, struct udmabuf_create)
#endif

static int again(int fd, unsigned long request, void *argument)
{
	int ret;

	do
		ret = ioctl(fd, request, argument);
	while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : ret;
}

static int fill(int fd, uint64_t bytes)
{
	int ret;

	do
		ret = fallocate(fd, 0, 0, (off_t)bytes);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

// --- A memfd, by itself and behind a udmabuf ------------------------------

static int open_memfd(uint64_t bytes, int *ret)
{
	const int fd = memfd_create("heapkit-measure",
				    MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	*ret = fd;
	return ftruncate(fd, (off_t)bytes) ? -errno : 0;
}

// udmabuf takes what cannot shrink under it.
static int seal_and_fill(const struct buffer *buffer)
{
	if (fcntl(buffer->memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	return fill(buffer->memfd, buffer->bytes);
}

int source_prepare(const struct hkm_source *source, struct buffer *buffer,
		   int64_t *ns)
{
	const bool behind = source->kind == HKM_UDMABUF;
	const int64_t start = now_ns();
	int ret;

	if (source->kind != HKM_MEMFD && !behind)
		return 0;
	ret = open_memfd(buffer->bytes, behind ? &buffer->memfd : &buffer->fd);
	if (!ret && behind)
		ret = seal_and_fill(buffer);
	*ns = now_ns() - start;
	return ret;
}

// --- What allocates -------------------------------------------------------

static int from_heap(int heap, struct buffer *buffer)
{
	struct dma_heap_allocation_data data = {.len = buffer->bytes,
						.fd_flags = O_RDWR | O_CLOEXEC};
	const int ret = again(heap, DMA_HEAP_IOCTL_ALLOC, &data);

	if (ret >= 0)
		buffer->fd = (int)data.fd;
	return ret < 0 ? ret : 0;
}

static int from_memfd(int device, struct buffer *buffer)
{
	struct udmabuf_create create = {.memfd = (uint32_t)buffer->memfd,
					.flags = UDMABUF_FLAGS_CLOEXEC,
					.size = buffer->bytes};
	const int ret = again(device, UDMABUF_CREATE, &create);

	if (ret >= 0)
		buffer->fd = ret;
	return ret < 0 ? ret : 0;
}

int source_allocate(const struct hkm_source *source, struct buffer *buffer,
		    int64_t *ns)
{
	const int64_t start = now_ns();
	int ret;

	switch (source->kind) {
	case HKM_DMA_HEAP:
		ret = from_heap(source->fd, buffer);
		break;
	case HKM_UDMABUF:
		ret = from_memfd(source->fd, buffer);
		break;
	case HKM_MEMFD:
		ret = fill(buffer->fd, buffer->bytes);
		break;
	default:
		return 0;
	}
	*ns = now_ns() - start;
	return ret;
}

int source_map(const struct hkm_source *source, struct buffer *buffer,
	       int64_t *ns)
{
	const bool anonymous = source->kind == HKM_ANONYMOUS;
	const int flags = anonymous ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	const int64_t start = now_ns();
	void *const map = mmap(NULL, buffer->bytes, PROT_READ | PROT_WRITE,
			       flags, anonymous ? -1 : buffer->fd, 0);

	*ns = now_ns() - start;
	if (map == MAP_FAILED)
		return -errno;
	buffer->map = map;
	// A kernel without huge pages says EINVAL, and needs no telling.
	if (anonymous)
		(void)madvise(map, buffer->bytes, MADV_NOHUGEPAGE);
	return 0;
}

int source_sync(const struct hkm_source *source, struct buffer *buffer,
		int64_t *ns)
{
	static const uint64_t flags[] = {DMA_BUF_SYNC_READ | DMA_BUF_SYNC_START,
					 DMA_BUF_SYNC_READ | DMA_BUF_SYNC_END,
					 DMA_BUF_SYNC_WRITE |
						 DMA_BUF_SYNC_START,
					 DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END};
	int ret = 0;

	if (source->kind != HKM_DMA_HEAP && source->kind != HKM_UDMABUF)
		return 0;
	for (uint32_t i = 0; i < 4 && !ret; i++) {
		struct dma_buf_sync sync = {.flags = flags[i]};
		const int64_t start = now_ns();

		ret = again(buffer->fd, DMA_BUF_IOCTL_SYNC, &sync);
		ns[i] = now_ns() - start;
	}
	return ret < 0 ? ret : 0;
}
