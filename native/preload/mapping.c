// SPDX-License-Identifier: MIT
//
// mmap() of a buffer maps the file behind it, if the kernel would have mapped
// the buffer. The ranges are kept, so that munmap() can say what it took away.
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "preload.h"

// What is mapped beyond this many pieces is missed when it is unmapped; the
// server then finds out by itself, later.
enum { RANGES = 4096 };

static struct range {
	uintptr_t start, end;
	uint64_t dev, ino;
} ranges[RANGES];

static int used; // under client_lock()

static int count(void)
{
	return __atomic_load_n(&used, __ATOMIC_ACQUIRE);
}

static void add(const struct range *range)
{
	if (used == RANGES)
		return;
	ranges[used] = *range;
	__atomic_store_n(&used, used + 1, __ATOMIC_RELEASE);
}

static void keep(uintptr_t start, size_t length, const struct node *node)
{
	const uintptr_t pages = (length + 4095) & ~(uintptr_t)4095;
	const struct range range = {start, start + pages, node->dev, node->ino};
	sigset_t signals;

	client_lock(&signals);
	add(&range);
	client_unlock(&signals);
}

static bool overlap(const struct range *range, uintptr_t start, uintptr_t end)
{
	return range->start < end && start < range->end;
}

// Takes [@start, @end) out of one range that has some of it; false if none has.
// What is left of the range before and behind stays mapped.
static bool cut_one(uintptr_t start, uintptr_t end, struct range *ret)
{
	for (int i = 0; i < used; i++) {
		struct range before, behind;

		if (!overlap(&ranges[i], start, end))
			continue;
		before = behind = *ret = ranges[i];
		before.end = start;
		behind.start = end;
		ranges[i] = ranges[used - 1];
		__atomic_store_n(&used, used - 1, __ATOMIC_RELEASE);
		if (before.start < before.end)
			add(&before);
		if (behind.start < behind.end)
			add(&behind);
		return true;
	}
	return false;
}

static bool cut(uintptr_t start, uintptr_t end, struct range *ret)
{
	sigset_t signals;
	bool found;

	client_lock(&signals);
	found = cut_one(start, end, ret);
	client_unlock(&signals);
	return found;
}

// --- mmap()
// ----------------------------------------------------------------------

static int asked(const struct node *node, size_t length, int prot, int flags,
		 off_t offset)
{
	struct preload_request request = {
		.call = PRELOAD_MMAP,
		.dev = node->dev,
		.ino = node->ino,
		.args = {length, (uint64_t)prot, (uint64_t)flags,
			 (uint64_t)offset},
	};
	struct preload_reply reply;

	if (node->kind != PRELOAD_BUFFER)
		return -ENODEV;
	return client_ask(&request, &reply);
}

#define MMAP(name, offset_type)                                                \
	EXPORT void *name(void *address, size_t length, int prot, int flags,   \
			  int fd, offset_type offset)                          \
	{                                                                      \
		struct node node;                                              \
		void *found;                                                   \
		int status;                                                    \
                                                                               \
		if (flags & MAP_ANONYMOUS || !node_of_fd(fd, &node))           \
			return NEXT(name)(address, length, prot, flags, fd,    \
					  offset);                             \
		status = asked(&node, length, prot, flags, offset);            \
		if (status) {                                                  \
			errno = -status;                                       \
			return MAP_FAILED;                                     \
		}                                                              \
		found = NEXT(name)(address, length, prot, flags, fd, offset);  \
		if (found != MAP_FAILED)                                       \
			keep((uintptr_t)found, length, &node);                 \
		return found;                                                  \
	}

MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

EXPORT int munmap(void *address, size_t length)
{
	const uintptr_t start = (uintptr_t)address;
	int result = NEXT(munmap)(address, length);
	struct range range;

	if (result || !count())
		return result;
	while (cut(start, start + ((length + 4095) & ~(uintptr_t)4095), &range))
		client_tell(PRELOAD_MUNMAP, range.dev, range.ino);
	return result;
}

// --- madvise(): pages that no page table but the buffer's own has
// --------------------

// What VM_PFNMAP, VM_IO and VM_DONTEXPAND make of an advice: 0 or an errno.
static int refused(int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_DOFORK:
		return EINVAL;
	case MADV_REMOVE:
		return ENODEV;
	default:
		return 0;
	}
}

EXPORT int madvise(void *address, size_t length, int advice)
{
	const uintptr_t start = (uintptr_t)address;
	bool of_buffer = false;
	sigset_t signals;

	if (!count() || !refused(advice))
		return NEXT(madvise)(address, length, advice);
	client_lock(&signals);
	for (int i = 0; i < used && !of_buffer; i++)
		of_buffer = overlap(&ranges[i], start, start + length);
	client_unlock(&signals);
	if (!of_buffer)
		return NEXT(madvise)(address, length, advice);
	errno = refused(advice);
	return -1;
}
