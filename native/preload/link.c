// SPDX-License-Identifier: MIT
//
// Names that the kernel gives back: /proc/self/fd/N of a heap is its device,
// that of a buffer "/dmabuf:" and the buffer's name. realpath() knows the
// devices.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"

// What a buffer's file is called by those who made it.
static const char memfd[] = "/memfd:dmabuf";

static void name_of_buffer(int dirfd, const char *path, char ret[PATH_MAX])
{
	struct preload_request request = {.call = PRELOAD_IDENTIFY};
	struct preload_reply reply = {0};
	struct stat st;

	if (NEXT(fstatat)(dirfd, path, &st, 0) != 0)
		return;
	request.dev = st.st_dev;
	request.ino = st.st_ino;
	if (client_ask(&request, &reply) == 0)
		snprintf(ret, PATH_MAX, "/dmabuf:%.*s", PRELOAD_DATA,
			 (const char *)reply.data);
}

// How the kernel would call what the link @path leads to: "" if as it does.
static void name_of_node(int dirfd, const char *path, char ret[PATH_MAX])
{
	char link[PATH_MAX] = {0};
	const char *tail;

	ret[0] = '\0';
	if (NEXT(readlinkat)(dirfd, path, link, sizeof(link) - 1) < 0)
		return;
	tail = path_tail(link);
	if (tail)
		snprintf(ret, PATH_MAX, "/dev/dma_heap%.*s", NAME_MAX + 1,
			 tail);
	else if (strncmp(link, memfd, sizeof(memfd) - 1) == 0)
		name_of_buffer(dirfd, path, ret);
}

// @length is what readlink() returned; a longer name is cut, as it does.
static ssize_t renamed(int dirfd, const char *path, char *buffer, size_t size,
		       ssize_t length)
{
	const int saved = errno;
	char name[PATH_MAX];

	if (length <= 0 || !preload_directory[0])
		return length;
	name_of_node(dirfd, path, name);
	errno = saved;
	if (!name[0])
		return length;
	if (strlen(name) < size)
		size = strlen(name);
	memcpy(buffer, name, size);
	return (ssize_t)size;
}

EXPORT ssize_t readlink(const char *path, char *buffer, size_t size)
{
	char place[PATH_MAX];

	if (path_place(path, place))
		path = place;
	return renamed(AT_FDCWD, path, buffer, size,
		       NEXT(readlink)(path, buffer, size));
}

EXPORT ssize_t readlinkat(int dirfd, const char *path, char *buffer,
			  size_t size)
{
	char place[PATH_MAX];

	if (path_place(path, place))
		path = place;
	return renamed(dirfd, path, buffer, size,
		       NEXT(readlinkat)(dirfd, path, buffer, size));
}

// What _FORTIFY_SOURCE makes of them.
EXPORT ssize_t __readlink_chk(const char *path, char *buffer, size_t size,
			      size_t room);
EXPORT ssize_t __readlinkat_chk(int dirfd, const char *path, char *buffer,
				size_t size, size_t room);

ssize_t __readlink_chk(const char *path, char *buffer, size_t size, size_t room)
{
	if (size > room)
		abort();
	return readlink(path, buffer, size);
}

ssize_t __readlinkat_chk(int dirfd, const char *path, char *buffer, size_t size,
			 size_t room)
{
	if (size > room)
		abort();
	return readlinkat(dirfd, path, buffer, size);
}

// --- realpath()
// ------------------------------------------------------------------

// The plain name of what is there, or NULL and errno.
static char *canonical(const char *place, char *ret)
{
	char name[PATH_MAX];

	if (NEXT(access)(place, F_OK) != 0)
		return NULL;
	snprintf(name, sizeof(name), "/dev/dma_heap%.*s", NAME_MAX + 1,
		 path_tail(place));
	return ret ? strcpy(ret, name) : strdup(name);
}

EXPORT char *realpath(const char *path, char *ret)
{
	char place[PATH_MAX];

	return path_place(path, place) ? canonical(place, ret)
				       : NEXT(realpath)(path, ret);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}

EXPORT char *__realpath_chk(const char *path, char *ret, size_t room);

char *__realpath_chk(const char *path, char *ret, size_t room)
{
	if (room < PATH_MAX)
		abort();
	return realpath(path, ret);
}
