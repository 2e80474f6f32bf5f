// SPDX-License-Identifier: MIT
//
// What takes a descriptor away. The server learns of it before the function
// returns, so that the memory of a last reference can be asked for again at
// once.
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "preload.h"

static bool is_buffer(int fd, struct node *ret)
{
	return node_of_fd(fd, ret) && ret->kind != PRELOAD_HEAP;
}

// A program that closes every number there is does not mean ours.
EXPORT int close(int fd)
{
	struct node node;
	bool buffer = is_buffer(fd, &node);
	int result;

	if (fd >= 0 && fd == client_fd()) {
		errno = EBADF;
		return -1;
	}
	result = NEXT(close)(fd);
	if (buffer)
		client_tell(PRELOAD_CLOSED, node.dev, node.ino);
	return result;
}

EXPORT int dup2(int from, int to)
{
	struct node node;
	bool buffer = from != to && is_buffer(to, &node);
	int result = NEXT(dup2)(from, to);

	if (buffer && result >= 0)
		client_tell(PRELOAD_CLOSED, node.dev, node.ino);
	return result;
}

EXPORT int dup3(int from, int to, int flags)
{
	struct node node;
	bool buffer = is_buffer(to, &node);
	int result = NEXT(dup3)(from, to, flags);

	if (buffer && result >= 0)
		client_tell(PRELOAD_CLOSED, node.dev, node.ino);
	return result;
}

// Around our own connection, which close-on-exec ends where that is meant.
static int close_around(unsigned int first, unsigned int last, int flags)
{
	const unsigned int own = (unsigned int)client_fd();
	int result = 0;

	if (client_fd() < 0 || own < first || own > last)
		return NEXT(close_range)(first, last, flags);
	if (own > first)
		result = NEXT(close_range)(first, own - 1, flags);
	if (result == 0 && own < last)
		result = NEXT(close_range)(own + 1, last, flags);
	return result;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	int result = close_around(first, last, flags);

	// A process that never asked for anything has nothing to give back.
	if (result == 0 && client_fd() >= 0)
		client_tell(PRELOAD_CLOSED, 0, 0);
	return result;
}

EXPORT void closefrom(int first)
{
	close_range(first > 0 ? (unsigned int)first : 0, UINT_MAX, 0);
}
