// SPDX-License-Identifier: MIT
//
// Opening a heap, or the directory of heaps: the file of that name in the
// private directory. What comes out is a descriptor as any other.
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "preload.h"

// A device is there or is not: open() never makes or empties it.
static int device_flags(int flags)
{
	return flags & ~(O_CREAT | O_EXCL | O_TRUNC);
}

static bool has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define MODE_OF(flags, mode)                                                   \
	do {                                                                   \
		va_list rest;                                                  \
		va_start(rest, flags);                                         \
		mode = has_mode(flags) ? va_arg(rest, mode_t) : 0;             \
		va_end(rest);                                                  \
	} while (0)

#define OPEN(name)                                                             \
	EXPORT int name(const char *path, int flags, ...)                      \
	{                                                                      \
		char place[PATH_MAX];                                          \
		mode_t mode;                                                   \
                                                                               \
		MODE_OF(flags, mode);                                          \
		if (path_place(path, place))                                   \
			return NEXT(name)(place, device_flags(flags));         \
		return NEXT(name)(path, flags, mode);                          \
	}

#define OPENAT(name)                                                           \
	EXPORT int name(int dirfd, const char *path, int flags, ...)           \
	{                                                                      \
		char place[PATH_MAX];                                          \
		mode_t mode;                                                   \
                                                                               \
		MODE_OF(flags, mode);                                          \
		if (path_place(path, place))                                   \
			return NEXT(name)(dirfd, place, device_flags(flags));  \
		return NEXT(name)(dirfd, path, flags, mode);                   \
	}

#define CREAT(name)                                                            \
	EXPORT int name(const char *path, mode_t mode)                         \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		if (path_place(path, place))                                   \
			return NEXT(open)(place, O_WRONLY);                    \
		return NEXT(name)(path, mode);                                 \
	}

#define FOPEN(name)                                                            \
	EXPORT FILE *name(const char *path, const char *mode)                  \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return NEXT(name)(path_place(path, place) ? place : path,      \
				  mode);                                       \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
CREAT(creat)
CREAT(creat64)
FOPEN(fopen)
FOPEN(fopen64)

// What _FORTIFY_SOURCE makes of an open() without a mode.
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat_2(int dirfd, const char *path, int flags);
EXPORT int __openat64_2(int dirfd, const char *path, int flags);

#define OPEN_2(name)                                                           \
	int name(const char *path, int flags)                                  \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		if (path_place(path, place))                                   \
			return NEXT(name)(place, device_flags(flags));         \
		return NEXT(name)(path, flags);                                \
	}

#define OPENAT_2(name)                                                         \
	int name(int dirfd, const char *path, int flags)                       \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		if (path_place(path, place))                                   \
			return NEXT(name)(dirfd, place, device_flags(flags));  \
		return NEXT(name)(dirfd, path, flags);                         \
	}

OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

// --- May it be opened?
// -----------------------------------------------------------

#define ACCESS(name)                                                           \
	EXPORT int name(const char *path, int mode)                            \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return NEXT(name)(path_place(path, place) ? place : path,      \
				  mode);                                       \
	}

ACCESS(access)
ACCESS(eaccess)
ACCESS(euidaccess)

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	char place[PATH_MAX];

	return NEXT(faccessat)(dirfd, path_place(path, place) ? place : path,
			       mode, flags);
}

// --- Has it an access list? ls -l asks
// -------------------------------------------

#define GETXATTR(name)                                                         \
	EXPORT ssize_t name(const char *path, const char *key, void *value,    \
			    size_t size)                                       \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return NEXT(name)(path_place(path, place) ? place : path, key, \
				  value, size);                                \
	}

#define LISTXATTR(name)                                                        \
	EXPORT ssize_t name(const char *path, char *list, size_t size)         \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return NEXT(name)(path_place(path, place) ? place : path,      \
				  list, size);                                 \
	}

GETXATTR(getxattr)
GETXATTR(lgetxattr)
LISTXATTR(listxattr)
LISTXATTR(llistxattr)
