// SPDX-License-Identifier: MIT
#include "usable_tree.h"

#include <errno.h>
#include <string.h>

#include "harness.h"

enum { LEAVES = 4097 }; // three levels, and one leaf beyond them

struct model {
	struct usable_tree tree;
	uint64_t value[LEAVES];
	uint32_t leaves;
};

static void setup(struct model *model, uint32_t leaves)
{
	memset(model, 0, sizeof(*model));
	model->leaves = leaves;
	CHECK_EQ(usable_tree_create(&model->tree, leaves), 0);
}

static uint32_t scan(const struct model *model, uint32_t from, uint32_t bits,
		     uint32_t order)
{
	while (from < model->leaves &&
	       usable_byte(model->value[from], order) < bits)
		from++;
	return from < model->leaves ? from : HK_NO_LEAF;
}

static uint32_t scan_previous(const struct model *model, uint32_t end)
{
	while (end > 0 && model->value[end - 1] == 0)
		end--;
	return end ? end - 1 : HK_NO_LEAF;
}

static void compare(const struct model *model, struct rng *rng)
{
	uint32_t order = rng_below(rng, USABLE_ORDERS);
	uint32_t bits = 1 + rng_below(rng, USABLE_MOST);
	uint32_t from = rng_below(rng, 2) * rng_below(rng, model->leaves + 1);

	CHECK_EQ(usable_tree_next(&model->tree, from, bits, order),
		 scan(model, from, bits, order));
	CHECK_EQ(usable_tree_previous(&model->tree, from),
		 scan_previous(model, from));
}

// Few values stay above 0, so that searches cross nodes at every level.
static void churn(uint32_t leaves, uint32_t zeros_in_ten)
{
	static struct model model;
	struct rng rng = {.state = leaves};

	setup(&model, leaves);
	for (uint32_t i = 0; i < scaled(2000); i++) {
		bool zero = rng_below(&rng, 10) < zeros_in_ten;
		uint32_t leaf = rng_below(&rng, leaves);
		uint64_t bytes = rng_next(&rng) & 0xfefefefefefefefe;

		if (!zero && i % 3 == 0) {
			model.value[leaf] =
				usable_max(model.value[leaf], bytes);
			usable_tree_raise(&model.tree, leaf, bytes);
		} else {
			model.value[leaf] = zero ? 0 : bytes;
			usable_tree_set(&model.tree, leaf, model.value[leaf]);
		}
		compare(&model, &rng);
	}
	CHECK_EQ(usable_tree_check(&model.tree), 0);
	usable_tree_destroy(&model.tree);
}

TEST(a_tree_of_usable_bytes_finds_what_a_scan_finds_at_every_size)
{
	static const uint32_t sizes[] = {1,   2,   15,	16,   17,   255,
					 256, 257, 272, 4095, 4096, 4097};

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		churn(sizes[i], 5);
	churn(LEAVES, 9);
	churn(LEAVES, 10);
}

TEST(a_wrong_usable_maximum_at_any_level_is_noticed)
{
	static struct model model;

	for (uint32_t level = 1; level <= 4; level++) {
		setup(&model, LEAVES);
		usable_tree_set(&model.tree, 100, 0x0700);
		CHECK_EQ(usable_tree_check(&model.tree), 0);
		model.tree.level[level][0]++;
		CHECK_EQ(usable_tree_check(&model.tree), -EUCLEAN);
		usable_tree_destroy(&model.tree);
	}
}

TEST(a_tree_of_usable_bytes_without_memory_is_refused)
{
	struct usable_tree tree;

	fail_allocation(1);
	CHECK_EQ(usable_tree_create(&tree, 100), -ENOMEM);
}
