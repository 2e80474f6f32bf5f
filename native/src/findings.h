// SPDX-License-Identifier: MIT
//
// What a checker would say of an event, for whoever asked hk_machine_watch().
#ifndef HK_FINDINGS_H
#define HK_FINDINGS_H

#include <stdint.h>

#include "heapkit.h"

struct buffer;

struct findings {
	struct hk_finding *at; // NULL: nobody asks
	uint64_t capacity;
	uint64_t count; // may exceed capacity
};

// @bytes from @offset of the event's buffer on; 0 and 0 where it is no part of
// it that matters.
void find_bytes(struct hk_machine *machine, const struct hk_event *event,
		enum hk_finding_kind kind, uint64_t offset, uint64_t bytes);
// BEGIN_CPU and END_CPU against the one before; the last FREE against what is
// still open.
void find_unpaired(struct hk_machine *machine, const struct hk_event *event,
		   struct buffer *buffer);
void find_left_over(struct hk_machine *machine, const struct hk_event *event,
		    const struct buffer *buffer);

#endif
