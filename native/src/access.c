// SPDX-License-Identifier: MIT
//
// Who maps a buffer for the CPU, and who reads and writes it.

#include "internal.h"

static bool cpu_may_map(const struct buffer *buffer)
{
	return buffer->heap->spec.kind != HK_HEAP_SECURE;
}

static int drop_one(uint32_t *count)
{
	if (!*count)
		return -EINVAL;
	--*count;
	return 0;
}

int cpu_mapping(struct buffer *buffer, enum hk_op op)
{
	if (!cpu_may_map(buffer))
		return -EINVAL;
	switch (op) {
	case HK_OP_MMAP:
		buffer->mmaps++;
		return 0;
	case HK_OP_MUNMAP:
		return drop_one(&buffer->mmaps);
	case HK_OP_VMAP:
		buffer->vmaps++;
		return 0;
	default:
		return drop_one(&buffer->vmaps);
	}
}

int memory_access(struct buffer *buffer, const struct hk_event *event)
{
	const bool by_cpu =
		event->op == HK_OP_CPU_READ || event->op == HK_OP_CPU_WRITE;

	if (event->offset > buffer->size ||
	    event->size > buffer->size - event->offset ||
	    (by_cpu && !cpu_may_map(buffer)))
		return -EFAULT;
	return 0;
}
