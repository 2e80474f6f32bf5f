// SPDX-License-Identifier: MIT
//
// A trace that comes in parts: each is checked with what the parts before left,
// and its buffers are numbered.

#include "intake.h"

#include "trace_rule.h"

#include <stdlib.h>
#include <string.h>

int hk_intake_create(struct hk_intake **ret)
{
	struct hk_intake *intake = calloc(1, sizeof(*intake));

	if (!intake)
		return -ENOMEM;
	if (id_map_init(&intake->ids)) {
		free(intake);
		return -ENOMEM;
	}
	*ret = intake;
	return 0;
}

void hk_intake_destroy(struct hk_intake *intake)
{
	if (!intake)
		return;
	id_map_destroy(&intake->ids);
	free(intake->held);
	free(intake->shared);
	free(intake->counted);
	free(intake);
}

uint64_t hk_intake_events(const struct hk_intake *intake)
{
	return intake->events;
}

// @array with room for @wanted elements, zeroes where it had none. NULL with
// nothing changed.
static void *grown(void *array, uint32_t have, uint32_t wanted, size_t size)
{
	char *bytes = realloc(array, wanted * size);

	if (bytes)
		memset(bytes + have * size, 0, (wanted - have) * size);
	return bytes;
}

// Room in the arrays for every number there may be.
static int reserve_held(struct hk_intake *intake)
{
	const uint32_t wanted = intake->ids.capacity;
	const uint32_t have = intake->n_held;
	uint64_t *held;
	uint32_t *shared, *counted;

	if (have >= wanted)
		return 0;
	held = grown(intake->held, have, wanted, sizeof(*held));
	if (!held)
		return OUT_OF_CORE;
	intake->held = held;
	shared = grown(intake->shared, have, wanted, sizeof(*shared));
	if (!shared)
		return OUT_OF_CORE;
	intake->shared = shared;
	counted = grown(intake->counted, have, wanted, sizeof(*counted));
	if (!counted)
		return OUT_OF_CORE;
	intake->counted = counted;
	intake->n_held = wanted;
	return 0;
}

static int refer(struct hk_intake *intake, uint8_t op, uint64_t id,
		 uint32_t *number)
{
	if (op == HK_OP_SHARE)
		intake->shared[*number]++;
	else if (op == HK_OP_FREE && intake->shared[*number])
		intake->shared[*number]--;
	else if (op == HK_OP_FREE)
		id_map_remove(&intake->ids, id);
	else if (op == HK_OP_ALLOC &&
		 (id_map_add(&intake->ids, id, number) || reserve_held(intake)))
		return OUT_OF_CORE;
	return 0;
}

static int take_one(struct hk_intake *intake, const struct hk_trace *part,
		    uint64_t id, uint64_t i, uint32_t *number,
		    enum hk_trace_rule *rule)
{
	const uint8_t op = part->op[i];

	*number = 0;
	*rule = trace_rule_alone(part, i, intake->time_ns);
	if (*rule || op == HK_OP_PRESSURE)
		return 0;
	*number = id_map_find(&intake->ids, id);
	*rule = trace_rule_held(part, i, *number != ID_NONE);
	return *rule ? 0 : refer(intake, op, id, number);
}

int hk_intake_take(struct hk_intake *intake, const struct hk_trace *part,
		   const uint64_t *ids, uint64_t first, uint64_t count,
		   uint32_t *numbers, struct hk_fault *fault)
{
	*fault = (struct hk_fault){.index = intake->events};
	if (first > part->n || count > part->n - first)
		return -EINVAL;
	for (uint64_t i = first; i < first + count; i++) {
		enum hk_trace_rule rule;
		uint32_t number;
		int ret = take_one(intake, part, ids[i], i, &number, &rule);

		fault->index = intake->events;
		fault->rule = rule;
		if (ret)
			return -ENOMEM;
		if (rule)
			return -EINVAL;
		if (numbers)
			numbers[i - first] = number;
		intake->time_ns = part->time_ns[i];
		intake->events++;
	}
	return 0;
}

// --- As bytes ---

int hk_intake_save(const struct hk_intake *intake, void *bytes,
		   uint64_t capacity, uint64_t *size)
{
	struct state_writer out = {.bytes = bytes, .capacity = capacity};

	state_put(&out, intake->events);
	state_put_signed(&out, intake->time_ns);
	id_map_save(&intake->ids, &out);
	for (uint32_t i = 0; i < intake->ids.n_slots; i++) {
		state_put(&out, intake->held[i]);
		state_put(&out, intake->shared[i]);
	}
	*size = out.size;
	return out.size <= capacity ? 0 : -ENOSPC;
}

static int load_body(struct hk_intake *intake, struct state_reader *in)
{
	int ret;

	intake->events = state_get(in);
	intake->time_ns = state_get_signed(in);
	ret = id_map_load(&intake->ids, in);
	if (ret)
		return ret;
	if (reserve_held(intake))
		return OUT_OF_CORE;
	for (uint32_t i = 0; i < intake->ids.n_slots; i++) {
		intake->held[i] = state_get(in);
		intake->shared[i] = state_get_below(in, UINT32_MAX);
		intake->counted[i] = intake->shared[i];
	}
	return in->bad || in->at != in->end ? -EINVAL : 0;
}

int hk_intake_load(struct hk_intake *intake, const void *bytes, uint64_t size)
{
	struct state_reader in = {.at = bytes,
				  .end = (const uint8_t *)bytes + size};
	int ret = intake->events || intake->ids.n_slots
			  ? -EINVAL
			  : load_body(intake, &in);

	return ret == OUT_OF_CORE ? -ENOMEM : ret;
}
