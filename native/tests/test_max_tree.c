// SPDX-License-Identifier: MIT
#include <errno.h>

#include <string.h>

#include "harness.h"
#include "max_tree.h"

enum { LEAVES = 32769 }; // three levels, and one leaf beyond them

struct model {
	struct max_tree tree;
	uint32_t value[LEAVES];
	uint32_t leaves;
};

static void setup(struct model *model, uint32_t leaves)
{
	memset(model, 0, sizeof(*model));
	model->leaves = leaves;
	CHECK_EQ(max_tree_create(&model->tree, leaves), 0);
}

static void set(struct model *model, uint32_t leaf, uint32_t value)
{
	max_tree_set(&model->tree, leaf, value);
	model->value[leaf] = value;
}

static uint32_t scan_next(const struct model *model, uint32_t from,
			  uint32_t value)
{
	while (from < model->leaves && model->value[from] < value)
		from++;
	return from < model->leaves ? from : HK_NO_LEAF;
}

static uint32_t scan_previous(const struct model *model, uint32_t end)
{
	while (end > 0 && model->value[end - 1] == 0)
		end--;
	return end ? end - 1 : HK_NO_LEAF;
}

static uint32_t scan_max(const struct model *model)
{
	uint32_t max = 0;

	for (uint32_t leaf = 0; leaf < model->leaves; leaf++)
		if (model->value[leaf] > max)
			max = model->value[leaf];
	return max;
}

static void compare(const struct model *model, struct rng *rng)
{
	uint32_t from = rng_below(rng, model->leaves + 1);
	uint32_t value = 1 + rng_below(rng, 100);

	CHECK_EQ(max_tree_root(&model->tree), scan_max(model));
	CHECK_EQ(max_tree_first(&model->tree, value),
		 scan_next(model, 0, value));
	CHECK_EQ(max_tree_next(&model->tree, from, value),
		 scan_next(model, from, value));
	CHECK_EQ(max_tree_previous(&model->tree, from),
		 scan_previous(model, from));
}

// Few values stay above 0, so that searches cross nodes at every level.
static void churn(uint32_t leaves, uint32_t zeros_in_ten)
{
	struct rng rng = {.state = leaves};
	static struct model model;

	setup(&model, leaves);
	for (uint32_t i = 0; i < scaled(2000); i++) {
		bool zero = rng_below(&rng, 10) < zeros_in_ten;
		uint32_t leaf = rng_below(&rng, leaves);

		set(&model, leaf, zero ? 0 : rng_below(&rng, 100));
		compare(&model, &rng);
	}
	CHECK_EQ(max_tree_check(&model.tree), 0);
	max_tree_destroy(&model.tree);
}

TEST(a_tree_of_maxima_finds_what_a_scan_finds_at_every_size)
{
	static const uint32_t sizes[] = {1,   2,    31,	  32,	33,
					 255, 1023, 1024, 1025, 1056};

	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		churn(sizes[i], 5);
}

TEST(a_sparse_tree_of_maxima_finds_what_a_scan_finds)
{
	churn(LEAVES, 9);
}

TEST(an_empty_tree_of_maxima_finds_nothing)
{
	static struct model model;

	setup(&model, 256);
	CHECK_EQ(max_tree_root(&model.tree), 0);
	CHECK_EQ(max_tree_first(&model.tree, 1), HK_NO_LEAF);
	CHECK_EQ(max_tree_next(&model.tree, 256, 1), HK_NO_LEAF);
	CHECK_EQ(max_tree_previous(&model.tree, 256), HK_NO_LEAF);
	max_tree_destroy(&model.tree);
}

TEST(values_up_to_2_to_the_31_less_1_compare_right)
{
	static struct model model;

	setup(&model, 40);
	set(&model, 3, 5);
	set(&model, 30, INT32_MAX);
	CHECK_EQ(max_tree_root(&model.tree), INT32_MAX);
	CHECK_EQ(max_tree_first(&model.tree, INT32_MAX - 1), 30);
	CHECK_EQ(max_tree_first(&model.tree, 5), 3);
	CHECK_EQ(max_tree_next(&model.tree, 1, UINT32_MAX), HK_NO_LEAF);
	max_tree_destroy(&model.tree);
}

TEST(a_wrong_maximum_at_any_level_is_noticed)
{
	for (uint32_t level = 1; level <= 4; level++) {
		static struct model model;

		setup(&model, LEAVES);
		set(&model, 100, 7);
		CHECK_EQ(max_tree_check(&model.tree), 0);
		model.tree.level[level][0]++;
		CHECK_EQ(max_tree_check(&model.tree), -EUCLEAN);
		max_tree_destroy(&model.tree);
	}
}

TEST(a_tree_of_maxima_without_memory_is_refused)
{
	struct max_tree tree;

	fail_allocation(1);
	CHECK_EQ(max_tree_create(&tree, 100), -ENOMEM);
}
