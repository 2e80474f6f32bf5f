// SPDX-License-Identifier: MIT

#include "findings.h"

#include "internal.h"

void find_bytes(struct hk_machine *machine, const struct hk_event *event,
		enum hk_finding_kind kind, uint64_t offset, uint64_t bytes)
{
	struct findings *findings = &machine->findings;

	if (!findings->at || findings->count++ >= findings->capacity)
		return;
	findings->at[findings->count - 1] = (struct hk_finding){
		.event = machine->n_events,
		.offset = offset,
		.bytes = bytes,
		.buffer = event->buffer,
		.device = event->device,
		.kind = kind,
		.op = event->op,
	};
}

// The kernel keeps no such state: END without START, a nested START and another
// direction all succeed.
void find_unpaired(struct hk_machine *machine, const struct hk_event *event,
		   struct buffer *buffer)
{
	if (event->op == HK_OP_BEGIN_CPU) {
		if (buffer->begun++)
			find_bytes(machine, event, HK_NESTED_BEGIN, 0, 0);
		buffer->begun_access = (uint8_t)event->access;
		return;
	}
	if (!buffer->begun) {
		find_bytes(machine, event, HK_END_WITHOUT_BEGIN, 0, 0);
		return;
	}
	if (buffer->begun_access && buffer->begun_access != event->access)
		find_bytes(machine, event, HK_DIRECTION_MISMATCH, 0, 0);
	buffer->begun--;
	buffer->begun_access = 0;
}

void find_left_over(struct hk_machine *machine, const struct hk_event *event,
		    const struct buffer *buffer)
{
	if (buffer->begun)
		find_bytes(machine, event, HK_OPEN_AT_FREE, 0, 0);
	if (buffer->attachments || buffer->mmaps || buffer->vmaps)
		find_bytes(machine, event, HK_MAPPED_AT_FREE, 0, 0);
}
