// SPDX-License-Identifier: MIT
//
// Listing /dev/dma_heap, which is how a program finds out which heaps there
// are. The private directory is read; what its entries are called a type for is
// changed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

EXPORT DIR *opendir(const char *path)
{
	char place[PATH_MAX];

	return NEXT(opendir)(path_place(path, place) ? place : path);
}

EXPORT int chdir(const char *path)
{
	char place[PATH_MAX];

	return NEXT(chdir)(path_place(path, place) ? place : path);
}

static bool lists_heaps(DIR *directory)
{
	char place[PATH_MAX];
	struct stat here, heaps;

	return __atomic_load_n(&path_listings, __ATOMIC_RELAXED) &&
	       snprintf(place, sizeof(place), "%s/dma_heap",
			preload_directory) < (int)sizeof(place) &&
	       NEXT(fstat)(dirfd(directory), &here) == 0 &&
	       NEXT(stat)(place, &heaps) == 0 && here.st_dev == heaps.st_dev &&
	       here.st_ino == heaps.st_ino;
}

// The type of an entry, or what it is if @directory holds heaps.
static unsigned char entry_type(DIR *directory, unsigned char type)
{
	const int saved = errno;

	if (type == DT_REG && lists_heaps(directory))
		type = DT_CHR;
	errno = saved;
	return type;
}

#define READDIR(name, type)                                                    \
	EXPORT struct type *name(DIR *directory)                               \
	{                                                                      \
		struct type *entry = NEXT(name)(directory);                    \
                                                                               \
		if (entry)                                                     \
			entry->d_type = entry_type(directory, entry->d_type);  \
		return entry;                                                  \
	}

READDIR(readdir, dirent)
READDIR(readdir64, dirent64)

// --- Functions of libc that open the directory themselves
// --------------------------

#define SCANDIR(name, type)                                                    \
	EXPORT int name(                                                       \
		const char *path, struct type ***list,                         \
		int (*filter)(const struct type *),                            \
		int (*compare)(const struct type **, const struct type **))    \
	{                                                                      \
		char place[PATH_MAX];                                          \
		bool heaps = path_place(path, place);                          \
		int n = NEXT(name)(heaps ? place : path, list, filter,         \
				   compare);                                   \
                                                                               \
		for (int i = 0; heaps && i < n; i++)                           \
			if ((*list)[i]->d_type == DT_REG)                      \
				(*list)[i]->d_type = DT_CHR;                   \
		return n;                                                      \
	}

SCANDIR(scandir, dirent)
SCANDIR(scandir64, dirent64)

// glob() calls what it is given for reading directories.
static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_readdir(void *directory)
{
	return readdir(directory);
}

static struct dirent64 *glob_readdir64(void *directory)
{
	return readdir64(directory);
}

static void glob_closedir(void *directory)
{
	closedir(directory);
}

static bool of_heaps(const char *pattern, int flags)
{
	return preload_directory[0] && !(flags & GLOB_ALTDIRFUNC) && pattern &&
	       strstr(pattern, "dma_heap") != NULL;
}

EXPORT int glob(const char *pattern, int flags, int (*fault)(const char *, int),
		glob_t *ret)
{
	if (of_heaps(pattern, flags)) {
		flags |= GLOB_ALTDIRFUNC;
		ret->gl_opendir = glob_opendir;
		ret->gl_readdir = glob_readdir;
		ret->gl_closedir = glob_closedir;
		ret->gl_stat = stat;
		ret->gl_lstat = lstat;
	}
	return NEXT(glob)(pattern, flags, fault, ret);
}

EXPORT int glob64(const char *pattern, int flags,
		  int (*fault)(const char *, int), glob64_t *ret)
{
	if (of_heaps(pattern, flags)) {
		flags |= GLOB_ALTDIRFUNC;
		ret->gl_opendir = glob_opendir;
		ret->gl_readdir = glob_readdir64;
		ret->gl_closedir = glob_closedir;
		ret->gl_stat = stat64;
		ret->gl_lstat = lstat64;
	}
	return NEXT(glob64)(pattern, flags, fault, ret);
}
