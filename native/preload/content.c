// SPDX-License-Identifier: MIT
//
// What is refused on a heap and on a buffer because they are no ordinary files,
// and what is answered otherwise: read(), write() and relatives, lseek(),
// F_GETFL.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload.h"

static int refusal(int fd, int of_heap, int of_others)
{
	struct node node;

	if (!node_of_fd(fd, &node))
		return 0;
	return node.kind == PRELOAD_HEAP ? of_heap : of_others;
}

// A function of @fd whose result is -1 and errno if refused.
#define REFUSED(result, name, of_heap, of_others, parameters, arguments)       \
	EXPORT result name parameters                                          \
	{                                                                      \
		int code = refusal(fd, of_heap, of_others);                    \
                                                                               \
		if (!code)                                                     \
			return NEXT(name) arguments;                           \
		errno = code;                                                  \
		return -1;                                                     \
	}

REFUSED(ssize_t, read, EINVAL, EINVAL, (int fd, void *to, size_t n),
	(fd, to, n))
REFUSED(ssize_t, write, EINVAL, EINVAL, (int fd, const void *from, size_t n),
	(fd, from, n))
REFUSED(ssize_t, readv, EINVAL, EINVAL,
	(int fd, const struct iovec *parts, int n), (fd, parts, n))
REFUSED(ssize_t, writev, EINVAL, EINVAL,
	(int fd, const struct iovec *parts, int n), (fd, parts, n))
REFUSED(ssize_t, pread, ESPIPE, EINVAL,
	(int fd, void *to, size_t n, off_t offset), (fd, to, n, offset))
REFUSED(ssize_t, pread64, ESPIPE, EINVAL,
	(int fd, void *to, size_t n, off64_t offset), (fd, to, n, offset))
REFUSED(ssize_t, pwrite, ESPIPE, EINVAL,
	(int fd, const void *from, size_t n, off_t offset),
	(fd, from, n, offset))
REFUSED(ssize_t, pwrite64, ESPIPE, EINVAL,
	(int fd, const void *from, size_t n, off64_t offset),
	(fd, from, n, offset))
REFUSED(int, ftruncate, EINVAL, EINVAL, (int fd, off_t length), (fd, length))
REFUSED(int, ftruncate64, EINVAL, EINVAL, (int fd, off64_t length),
	(fd, length))
REFUSED(int, fallocate, ENODEV, ENODEV,
	(int fd, int mode, off_t offset, off_t length),
	(fd, mode, offset, length))
REFUSED(int, fallocate64, ENODEV, ENODEV,
	(int fd, int mode, off64_t offset, off64_t length),
	(fd, mode, offset, length))

// posix_fallocate() returns its error.
EXPORT int posix_fallocate(int fd, off_t offset, off_t length)
{
	int code = refusal(fd, ENODEV, ENODEV);

	return code ? code : NEXT(posix_fallocate)(fd, offset, length);
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	int code = refusal(fd, ENODEV, ENODEV);

	return code ? code : NEXT(posix_fallocate64)(fd, offset, length);
}

// What _FORTIFY_SOURCE makes of read() and pread().
EXPORT ssize_t __read_chk(int fd, void *to, size_t n, size_t room);
EXPORT ssize_t __pread_chk(int fd, void *to, size_t n, off_t at, size_t room);
EXPORT ssize_t __pread64_chk(int fd, void *to, size_t n, off64_t at,
			     size_t room);

REFUSED(ssize_t, __read_chk, EINVAL, EINVAL,
	(int fd, void *to, size_t n, size_t room), (fd, to, n, room))
REFUSED(ssize_t, __pread_chk, ESPIPE, EINVAL,
	(int fd, void *to, size_t n, off_t at, size_t room),
	(fd, to, n, at, room))
REFUSED(ssize_t, __pread64_chk, ESPIPE, EINVAL,
	(int fd, void *to, size_t n, off64_t at, size_t room),
	(fd, to, n, at, room))

// --- lseek(): how a program asks for a buffer's size
// -------------------------------

// What dma_buf_llseek() answers: the position, or -errno.
static off_t position(const struct node *node, off_t offset, int whence)
{
	if (node->kind != PRELOAD_BUFFER)
		return -ESPIPE;
	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	return whence == SEEK_END ? (off_t)node->size : 0;
}

#define LSEEK(name, type)                                                      \
	EXPORT type name(int fd, type offset, int whence)                      \
	{                                                                      \
		struct node node;                                              \
		type found;                                                    \
                                                                               \
		if (!node_of_fd(fd, &node))                                    \
			return NEXT(name)(fd, offset, whence);                 \
		found = position(&node, offset, whence);                       \
		if (found >= 0)                                                \
			return found;                                          \
		errno = (int)-found;                                           \
		return -1;                                                     \
	}

LSEEK(lseek, off_t)
LSEEK(lseek64, off64_t)

// --- fcntl(F_GETFL): a buffer's access mode, and no O_LARGEFILE
// ---------------------

static int file_flags(int fd, int flags)
{
	struct node node;

	if (flags < 0 || !node_of_fd(fd, &node) || node.kind == PRELOAD_HEAP)
		return flags;
	return (int)node.mode | (flags & O_NONBLOCK);
}

#define FCNTL(name)                                                            \
	EXPORT int name(int fd, int command, ...)                              \
	{                                                                      \
		va_list rest;                                                  \
		void *arg;                                                     \
		int result;                                                    \
                                                                               \
		va_start(rest, command);                                       \
		arg = va_arg(rest, void *);                                    \
		va_end(rest);                                                  \
		result = NEXT(name)(fd, command, arg);                         \
		return command == F_GETFL ? file_flags(fd, result) : result;   \
	}

FCNTL(fcntl)
FCNTL(fcntl64)
