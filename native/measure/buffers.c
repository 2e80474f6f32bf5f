// SPDX-License-Identifier: MIT
// Buffers of a source: each step of their lives is timed, and nothing is left.
#include "measure.h"

#include "clock.h"
#include "source.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void touch(const struct buffer *buffer)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	volatile uint8_t *const bytes = buffer->map;

	for (uint64_t at = 0; at < buffer->bytes; at += page)
		bytes[at] = 1;
}

static int64_t timed_touch(const struct buffer *buffer)
{
	const int64_t start = now_ns();

	touch(buffer);
	return now_ns() - start;
}

static int make(const struct hkm_source *source, struct buffer *buffer,
		int64_t *ns)
{
	int ret = source_prepare(source, buffer, &ns[HKM_PREPARE]);

	if (!ret)
		ret = source_allocate(source, buffer, &ns[HKM_ALLOCATE]);
	if (!ret)
		ret = source_map(source, buffer, &ns[HKM_MMAP]);
	return ret;
}

static int use(const struct hkm_source *source, struct buffer *buffer,
	       int64_t *ns)
{
	ns[HKM_FIRST_TOUCH] = timed_touch(buffer);
	ns[HKM_SECOND_TOUCH] = timed_touch(buffer);
	return source_sync(source, buffer, &ns[HKM_BEGIN_READ]);
}

static void give_back(struct buffer *buffer, int64_t *ns)
{
	int64_t start;

	if (buffer->map) {
		start = now_ns();
		munmap(buffer->map, buffer->bytes);
		ns[HKM_MUNMAP] = now_ns() - start;
	}
	if (buffer->fd >= 0) {
		start = now_ns();
		close(buffer->fd);
		ns[HKM_FREE] = now_ns() - start;
	}
	// What is behind a udmabuf.
	if (buffer->memfd >= 0)
		close(buffer->memfd);
}

static int check(const struct hkm_source *source, uint64_t bytes,
		 uint32_t count)
{
	if (source->kind < HKM_DMA_HEAP || source->kind > HKM_ANONYMOUS)
		return -EINVAL;
	if (!count || count > HKM_MAX_HELD || !bytes ||
	    bytes % (uint64_t)sysconf(_SC_PAGESIZE))
		return -EINVAL;
	return bytes > source->max_bytes / count ? -E2BIG : 0;
}

int hkm_buffers(const struct hkm_source *source, uint64_t bytes, uint32_t count,
		int64_t *ns)
{
	struct buffer held[HKM_MAX_HELD];
	uint32_t made = 0;
	int ret = check(source, bytes, count);

	if (ret)
		return ret;
	memset(ns, 0xff, sizeof(*ns) * HKM_NR_STEPS * count);
	while (made < count && !ret) {
		struct buffer *const buffer = &held[made];
		int64_t *const row = ns + (uint64_t)made * HKM_NR_STEPS;

		*buffer =
			(struct buffer){.bytes = bytes, .fd = -1, .memfd = -1};
		made++;
		ret = make(source, buffer, row);
		if (!ret)
			ret = use(source, buffer, row);
	}
	for (uint32_t i = 0; i < made; i++)
		give_back(&held[i], ns + (uint64_t)i * HKM_NR_STEPS);
	return ret;
}
