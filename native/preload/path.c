// SPDX-License-Identifier: MIT
//
// /dev/dma_heap and what is below it lies in the run's private directory: an
// empty file for each heap. Only absolute names are looked at; "//", "/./" and
// "/../" are taken out as text.
#include <stdio.h>
#include <string.h>

#include "preload.h"

static const char heaps[] = "/dma_heap";

int path_listings;

// The next part of a path: its length, and *@path at its beginning.
static size_t next_part(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

// @path without ".", ".." and doubled slashes; false if it is too long.
static bool normalize(const char *path, char ret[PATH_MAX])
{
	size_t used = 0, length;

	while ((length = next_part(&path))) {
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (used && ret[--used] != '/')
				;
		} else if (length != 1 || path[0] != '.') {
			if (used + length + 2 > PATH_MAX)
				return false;
			ret[used++] = '/';
			memcpy(ret + used, path, length);
			used += length;
		}
		path += length;
	}
	ret[used] = '\0';
	return true;
}

static const char directory[] = "/dev/dma_heap";

// What follows the directory in a plain path: "" or "/NAME"; NULL if it is
// elsewhere.
static const char *inside(const char *plain)
{
	const size_t length = sizeof(directory) - 1;

	if (strncmp(plain, directory, length) != 0 ||
	    (plain[length] && plain[length] != '/'))
		return NULL;
	return plain + length;
}

bool path_place(const char *path, char ret[PATH_MAX])
{
	char plain[PATH_MAX];
	const char *tail;
	int length;

	if (!preload_directory[0] || !path || path[0] != '/' ||
	    !strstr(path, "dma_heap") || !normalize(path, plain))
		return false;
	tail = inside(plain);
	if (!tail && inside(path)) {
		// "/dev/dma_heap/..": the kernel would look for a real
		// directory.
		strcpy(ret, plain[0] ? plain : "/");
		return true;
	}
	if (!tail)
		return false;
	length = snprintf(ret, PATH_MAX, "%s%s%s", preload_directory, heaps,
			  tail);
	if (!*tail)
		__atomic_add_fetch(&path_listings, 1, __ATOMIC_RELAXED);
	return length > 0 && length < PATH_MAX;
}

const char *path_tail(const char *place)
{
	const size_t length = strlen(preload_directory);

	if (!length || strncmp(place, preload_directory, length) != 0 ||
	    strncmp(place + length, heaps, sizeof(heaps) - 1) != 0)
		return NULL;
	place += length + sizeof(heaps) - 1;
	return *place && *place != '/' ? NULL : place;
}
