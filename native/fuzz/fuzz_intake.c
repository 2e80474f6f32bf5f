// SPDX-License-Identifier: MIT
//
// Any bytes as the state of an intake: they are refused, or are an intake that
// keeps every invariant, can be saved and loaded again, and goes on.
#include <string.h>

#include "board.h"
#include "harness.h"
#include "intake.h"

static void check(const struct hk_intake *intake)
{
	const char *rule;

	CHECK_EQ(id_map_check(&intake->ids, &rule), 0);
}

static void check_saved(const struct hk_intake *intake)
{
	static uint8_t saved[STATE_BYTES], again[STATE_BYTES];
	struct hk_intake *other;
	uint64_t size, length;

	CHECK_EQ(hk_intake_save(intake, saved, STATE_BYTES, &size), 0);
	CHECK_EQ(hk_intake_create(&other), 0);
	CHECK_EQ(hk_intake_load(other, saved, size), 0);
	CHECK_EQ(hk_intake_save(other, again, STATE_BYTES, &length), 0);
	CHECK_EQ(length, size);
	CHECK(!memcmp(again, saved, size));
	hk_intake_destroy(other);
}

// Free what is held, and use the numbers again.
static void go_on(struct hk_intake *intake)
{
	const uint32_t n_slots = intake->ids.n_slots;
	uint32_t number;

	for (uint32_t i = 0; i < n_slots; i += 2)
		if (intake->ids.slot[i].next == ID_HELD)
			id_map_remove(&intake->ids, intake->ids.slot[i].id);
	check(intake);
	for (uint64_t id = 0; id < 8; id++)
		if (id_map_find(&intake->ids, id) == ID_NONE)
			CHECK_EQ(id_map_add(&intake->ids, id, &number), 0);
	check(intake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hk_intake *intake;
	int ret;

	CHECK_EQ(hk_intake_create(&intake), 0);
	ret = hk_intake_load(intake, data, size);
	CHECK(ret == 0 || ret == -EINVAL);
	if (!ret) {
		check(intake);
		check_saved(intake);
		go_on(intake);
	}
	hk_intake_destroy(intake);
	return 0;
}
