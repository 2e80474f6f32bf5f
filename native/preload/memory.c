// SPDX-License-Identifier: MIT
//
// Memory that the program points to and that may not be there: the kernel
// copies it, and says EFAULT where the program would have died.
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload.h"

// Where the kernel allows no such copy (a sandbox), the pointer is believed.
static bool refused(ssize_t copied)
{
	return copied < 0 && (errno == EPERM || errno == ENOSYS);
}

int memory_read(void *to, const void *from, size_t length)
{
	const struct iovec local = {to, length};
	const struct iovec remote = {(void *)(uintptr_t)from, length};
	const int saved = errno;
	ssize_t copied;

	if (!length)
		return 0;
	copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (refused(copied) && from) {
		memcpy(to, from, length);
		copied = (ssize_t)length;
	}
	errno = saved;
	return copied == (ssize_t)length ? 0 : -EFAULT;
}

int memory_write(void *to, const void *from, size_t length)
{
	const struct iovec local = {(void *)(uintptr_t)from, length};
	const struct iovec remote = {to, length};
	const int saved = errno;
	ssize_t copied;

	if (!length)
		return 0;
	copied = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	if (refused(copied) && to) {
		memcpy(to, from, length);
		copied = (ssize_t)length;
	}
	errno = saved;
	return copied == (ssize_t)length ? 0 : -EFAULT;
}
