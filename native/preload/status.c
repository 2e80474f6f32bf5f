// SPDX-License-Identifier: MIT
//
// What stat() and its relatives say of a node: a heap is a character device, a
// buffer a file of no type, as the inodes of the kernel's dma-buf file system
// are.
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "preload.h"

static_assert(sizeof(struct stat) == sizeof(struct stat64),
	      "one layout for both names");

enum {
	MAJOR = 252, // the first one given out dynamically, as on a stock
		     // kernel
	STAT_BLOCK = 512, // what st_blocks counts
};

static void show(struct stat *st)
{
	const int saved = errno;
	struct node node = {.kind = PRELOAD_NONE};

	if (node_of_stat(st, &node)) {
		const bool heap = node.kind == PRELOAD_HEAP;

		st->st_mode = heap ? S_IFCHR | 0600 : 0600;
		st->st_rdev = heap ? makedev(MAJOR, node.minor) : 0;
		st->st_size = heap ? 0 : st->st_size;
		st->st_blocks = st->st_size / STAT_BLOCK;
		st->st_nlink = 1;
	}
	errno = saved;
}

static int shown(int result, void *st)
{
	if (result == 0)
		show(st);
	return result;
}

#define STAT(name, type)                                                       \
	EXPORT int name(const char *path, struct type *st)                     \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return shown(                                                  \
			NEXT(name)(path_place(path, place) ? place : path,     \
				   st),                                        \
			st);                                                   \
	}

#define FSTAT(name, type)                                                      \
	EXPORT int name(int fd, struct type *st)                               \
	{                                                                      \
		return shown(NEXT(name)(fd, st), st);                          \
	}

#define FSTATAT(name, type)                                                    \
	EXPORT int name(int dirfd, const char *path, struct type *st,          \
			int flags)                                             \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return shown(                                                  \
			NEXT(name)(dirfd,                                      \
				   path_place(path, place) ? place : path, st, \
				   flags),                                     \
			st);                                                   \
	}

STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

// --- Programs built with a glibc before 2.33
// -------------------------------------

#define XSTAT(name, type)                                                      \
	EXPORT int name(int version, const char *path, struct type *st);       \
	int name(int version, const char *path, struct type *st)               \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return shown(                                                  \
			NEXT(name)(version,                                    \
				   path_place(path, place) ? place : path,     \
				   st),                                        \
			st);                                                   \
	}

#define FXSTAT(name, type)                                                     \
	EXPORT int name(int version, int fd, struct type *st);                 \
	int name(int version, int fd, struct type *st)                         \
	{                                                                      \
		return shown(NEXT(name)(version, fd, st), st);                 \
	}

#define FXSTATAT(name, type)                                                   \
	EXPORT int name(int version, int dirfd, const char *path,              \
			struct type *st, int flags);                           \
	int name(int version, int dirfd, const char *path, struct type *st,    \
		 int flags)                                                    \
	{                                                                      \
		char place[PATH_MAX];                                          \
                                                                               \
		return shown(                                                  \
			NEXT(name)(version, dirfd,                             \
				   path_place(path, place) ? place : path, st, \
				   flags),                                     \
			st);                                                   \
	}

XSTAT(__xstat, stat)
XSTAT(__xstat64, stat64)
XSTAT(__lxstat, stat)
XSTAT(__lxstat64, stat64)
FXSTAT(__fxstat, stat)
FXSTAT(__fxstat64, stat64)
FXSTATAT(__fxstatat, stat)
FXSTATAT(__fxstatat64, stat64)

// --- statx()
// ---------------------------------------------------------------------

EXPORT int statx(int dirfd, const char *path, int flags, unsigned int mask,
		 struct statx *st)
{
	char place[PATH_MAX];
	struct stat as = {0};
	int result = NEXT(statx)(dirfd, path_place(path, place) ? place : path,
				 flags, mask | STATX_INO | STATX_MODE, st);

	if (result)
		return result;
	as.st_mode = st->stx_mode;
	if (as.st_mode != (S_IFREG | PRELOAD_MODE))
		return 0;
	as.st_dev = makedev(st->stx_dev_major, st->stx_dev_minor);
	as.st_ino = st->stx_ino;
	as.st_nlink = st->stx_nlink;
	as.st_size = (off_t)st->stx_size;
	as.st_blocks = (blkcnt_t)st->stx_blocks;
	show(&as);
	st->stx_mode = (uint16_t)as.st_mode;
	st->stx_nlink = (uint32_t)as.st_nlink;
	st->stx_size = (uint64_t)as.st_size;
	st->stx_blocks = (uint64_t)as.st_blocks;
	st->stx_rdev_major = major(as.st_rdev);
	st->stx_rdev_minor = minor(as.st_rdev);
	return 0;
}
