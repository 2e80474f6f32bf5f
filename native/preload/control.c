// SPDX-License-Identifier: MIT
//
// ioctl() of a heap and of a buffer. Here the arguments are copied, as the
// kernel copies them; what they mean is the server's to say.
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "preload.h"

// Newer than some headers.
#define NAME_A _IOW(DMA_BUF_BASE, 1, uint32_t)
#define NAME_B _IOW(DMA_BUF_BASE, 1, uint64_t)
#define EXPORT_SYNC_FILE _IOWR(DMA_BUF_BASE, 2, uint64_t)
#define IMPORT_SYNC_FILE _IOW(DMA_BUF_BASE, 3, uint64_t)

struct sync_file_data { // dma_buf_export_sync_file, dma_buf_import_sync_file
	uint32_t flags;
	int32_t fd;
};

enum { LONGEST = 1 << _IOC_SIZEBITS };

static bool close_on_exec(const struct dma_heap_allocation_data *data)
{
	return (data->fd_flags & 02000000) != 0;
}

// --- A heap: dma_heap_ioctl()
// ----------------------------------------------------

static int allocate(const struct node *heap,
		    struct dma_heap_allocation_data *data)
{
	struct preload_request request = {
		.call = PRELOAD_ALLOC, .dev = heap->dev, .ino = heap->ino};
	struct preload_reply reply;
	int fd, status;

	memcpy(request.data, data, sizeof(*data));
	status = client_ask_file(&request, &reply, &fd, close_on_exec(data));
	if (status)
		return status;
	if (fd < 0) {
		// The process has no number left: the file was dropped on its
		// way.
		client_tell(PRELOAD_CLOSED, reply.values[0], reply.values[1]);
		return -EMFILE;
	}
	data->fd = (uint32_t)fd;
	return 0;
}

// Only the nr selects; size and direction say what is copied. The answer is
// copied back even if the call failed, and a descriptor that does not get there
// stays open.
static int heap_ioctl(const struct node *heap, unsigned int command, void *arg)
{
	const size_t size = _IOC_SIZE(command);
	const size_t in = _IOC_DIR(command) & _IOC_WRITE ? size : 0;
	const size_t out = _IOC_DIR(command) & _IOC_READ ? size : 0;
	union {
		struct dma_heap_allocation_data allocation;
		unsigned char bytes[LONGEST];
	} data = {0};
	int status;

	if (_IOC_NR(command) != _IOC_NR(DMA_HEAP_IOCTL_ALLOC))
		return -EINVAL;
	if (memory_read(data.bytes, arg, in))
		return -EFAULT;
	status = allocate(heap, &data.allocation);
	if (memory_write(arg, data.bytes, out))
		return -EFAULT;
	return status;
}

// --- A buffer: dma_buf_ioctl()
// ---------------------------------------------------

// strndup_user(): in pieces, for the page after the string may not be there.
static int read_name(unsigned char *name, const char *from)
{
	const size_t page = 4096;
	size_t used = 0;

	while (used < DMA_BUF_NAME_LEN) {
		size_t part = page - ((uintptr_t)(from + used) & (page - 1));

		if (part > DMA_BUF_NAME_LEN - used)
			part = DMA_BUF_NAME_LEN - used;
		if (memory_read(name + used, from + used, part))
			return -EFAULT;
		if (memchr(name + used, '\0', part))
			return 0;
		used += part;
	}
	return -EINVAL;
}

static int plain(struct preload_request *request, const void *arg, size_t size)
{
	struct preload_reply reply;

	if (memory_read(request->data, arg, size))
		return -EFAULT;
	return client_ask(request, &reply);
}

static int set_name(struct preload_request *request, const void *arg)
{
	struct preload_reply reply;
	int status = read_name(request->data, arg);

	return status ? status : client_ask(request, &reply);
}

static int export_sync_file(struct preload_request *request, void *arg)
{
	struct preload_reply reply;
	struct sync_file_data data;
	int fd, status;

	if (memory_read(&data, arg, sizeof(data)))
		return -EFAULT;
	memcpy(request->data, &data, sizeof(data));
	status = client_ask_file(request, &reply, &fd, true);
	if (status)
		return status;
	if (fd < 0)
		return -EMFILE;
	data.fd = fd;
	if (memory_write(arg, &data, sizeof(data)) == 0)
		return 0;
	close(fd);
	return -EFAULT;
}

static int import_sync_file(struct preload_request *request, const void *arg)
{
	struct sync_file_data data;
	struct node file;

	if (memory_read(&data, arg, sizeof(data)))
		return -EFAULT;
	if (node_of_fd(data.fd, &file)) {
		request->args[1] = file.dev;
		request->args[2] = file.ino;
	}
	return plain(request, arg, sizeof(data));
}

static int buffer_ioctl(const struct node *buffer, unsigned int command,
			void *arg)
{
	struct preload_request request = {.call = PRELOAD_IOCTL,
					  .dev = buffer->dev,
					  .ino = buffer->ino,
					  .args = {command}};
	const size_t partial =
		16; // struct dma_buf_sync_partial of vendors' kernels

	switch (command) {
	case DMA_BUF_IOCTL_SYNC:
		return plain(&request, arg, sizeof(struct dma_buf_sync));
	case _IOC(_IOC_WRITE, DMA_BUF_BASE, 2, 16):
		return plain(&request, arg, partial);
	case NAME_A:
	case NAME_B:
		return set_name(&request, arg);
	case EXPORT_SYNC_FILE:
		return export_sync_file(&request, arg);
	case IMPORT_SYNC_FILE:
		return import_sync_file(&request, arg);
	default:
		return plain(&request, arg, 0);
	}
}

// --- Either
// ----------------------------------------------------------------------

// do_vfs_ioctl() answers these for any file.
static bool of_any_file(unsigned int command)
{
	return command == FIOCLEX || command == FIONCLEX ||
	       command == FIONBIO || command == FIOASYNC;
}

EXPORT int ioctl(int fd, unsigned long command, ...)
{
	struct node node;
	va_list rest;
	int status;
	void *arg;

	va_start(rest, command);
	arg = va_arg(rest, void *);
	va_end(rest);
	if (of_any_file((unsigned int)command) || !node_of_fd(fd, &node) ||
	    node.kind == PRELOAD_SYNC_FILE)
		return NEXT(ioctl)(fd, command, arg);
	status = node.kind == PRELOAD_HEAP
			 ? heap_ioctl(&node, (unsigned int)command, arg)
			 : buffer_ioctl(&node, (unsigned int)command, arg);
	if (status == 0)
		return 0;
	errno = -status;
	return -1;
}
