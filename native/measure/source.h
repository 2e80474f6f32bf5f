// SPDX-License-Identifier: MIT
//
// Where a buffer comes from. Each function does one step of one source and
// writes what it took; a step that a source has not leaves its time alone.
#ifndef HKM_SOURCE_H
#define HKM_SOURCE_H

#include <stdint.h>

#include "measure.h"

// Whoever has one gives back what is in it: a map unless NULL, descriptors
// unless negative. A function that fails leaves what it had made there.
struct buffer {
	uint64_t bytes;
	uint8_t *map;
	int fd;
	int memfd; // of a udmabuf
};

int source_prepare(const struct hkm_source *source, struct buffer *buffer,
		   int64_t *ns);
int source_allocate(const struct hkm_source *source, struct buffer *buffer,
		    int64_t *ns);
int source_map(const struct hkm_source *source, struct buffer *buffer,
	       int64_t *ns);
// Four times: to read and to write, START and END.
int source_sync(const struct hkm_source *source, struct buffer *buffer,
		int64_t *ns);

#endif
