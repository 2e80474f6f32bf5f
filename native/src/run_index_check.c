// SPDX-License-Identifier: MIT
//
// All invariants of a run index.
#include "broken.h"
#include "run_index_internal.h"

static bool is_blank(const struct run_word *word)
{
	return !word->free && !word->below && !word->above;
}

static uint32_t border_of(uint32_t word)
{
	return word << WORD_SHIFT;
}

// What @word says of the run that enters it, which began at @run.bit.
static int check_entering(const struct run_word *word, uint32_t border,
			  struct run run, const char **rule)
{
	if (run.end <= border)
		return word->below
			       ? broken(rule, "run_index: no run enters a word")
			       : 0;
	if (word->below != border - run.bit)
		return broken(rule, "run_index: a run's ends differ");
	if (ones_from(word->free, 0) != run.end - border)
		return broken(rule, "run_index: a run ends elsewhere");
	return 0;
}

// What it says of the run that leaves it, if one does.
static int check_leaving(const struct run_index *index, uint32_t word,
			 const char **rule)
{
	const struct run_word *w = &index->words[word];
	uint32_t border = border_of(word + 1);

	if (!(w->free >> WORD_MASK) || border >= run_index_end(index))
		return w->above
			       ? broken(rule, "run_index: a run passes the end")
			       : 0;
	if (w->above > run_index_end(index) - border)
		return broken(rule, "run_index: a run passes the end");
	if (!w->above && w[1].free & 1)
		return broken(rule, "run_index: two runs touch");
	return 0;
}

// No bit is free outside of the map.
static int check_margins(const struct run_index *index, const char **rule)
{
	uint32_t last = run_index_words(index) - 1;
	uint64_t before = ~ones_at_and_above(index->origin);
	uint64_t after = ~ones_at_and_below(run_index_end(index) - 1);

	if (!is_blank(&index->words[-1]) ||
	    !is_blank(&index->words[last + 1]) ||
	    index->words[0].free & before || index->words[last].free & after)
		return broken(rule, "run_index: a free bit beside the map");
	return 0;
}

static int check_word(const struct run_index *index, uint32_t word,
		      struct run *run, uint64_t *free_bits, const char **rule)
{
	const struct run_word *w = &index->words[word];
	uint32_t next = border_of(word + 1);
	int err;

	if (run->end > next)
		return is_blank(w)
			       ? 0
			       : broken(rule, "run_index: a run inside a run");
	err = check_entering(w, border_of(word), *run, rule);
	if (!err)
		err = check_leaving(index, word, rule);
	*free_bits += (uint64_t)__builtin_popcountll(w->free);
	if (w->above) // the words wholly inside say nothing
		*free_bits += (w->above - 1) & ~(uint32_t)WORD_MASK;
	if (w->above)
		*run = (struct run){
			.bit = next - ones_down_from(w->free, WORD_MASK),
			.end = next + w->above,
		};
	return err;
}

static int check_words(const struct run_index *index, const char **rule)
{
	struct run run = {0, 0};
	uint64_t free_bits = 0;
	int err = check_margins(index, rule);

	for (uint32_t i = 0; !err && i < run_index_words(index); i++)
		err = check_word(index, i, &run, &free_bits, rule);
	if (!err && free_bits != index->free)
		return broken(rule, "run_index: the free bits do not add up");
	return err;
}

// The longest run in @word that ->starts holds.
static uint32_t longest_start(const struct run_index *index,
			      const struct run_word *word)
{
	uint32_t top = top_bits(word) + word->above;
	uint32_t inside = longest_ones(own_bits(word));
	uint32_t longest = top > inside ? top : inside;

	return index->usable.depth && longest < LONG_RUN ? 0 : longest;
}

// What the trees say of each word follows from it.
static int check_trees(const struct run_index *index, const char **rule)
{
	for (uint32_t i = 0; i < run_index_words(index); i++) {
		const struct run_word *w = &index->words[i];

		if (max_tree_get(&index->starts, i) != longest_start(index, w))
			return broken(rule, "run_index: a longest run is not");
		if (index->usable.depth &&
		    usable_tree_get(&index->usable, i) != usable_in(i, w))
			return broken(rule, "run_index: a usable run is not");
	}
	if (max_tree_check(&index->starts))
		return broken(rule, "run_index: a maximum is wrong");
	if (!index->usable.depth)
		return 0;
	if (usable_tree_check(&index->usable))
		return broken(rule, "run_index: a usable maximum is wrong");
	if (index->first_sure != max_tree_first(&index->starts, USABLE_SURE))
		return broken(rule, "run_index: the first sure run is not");
	return 0;
}

// What @point of @runs should say.
static uint64_t usable_at(const struct run_index *index,
			  const struct aligned_runs *runs, uint32_t point)
{
	uint64_t bit = aligned_runs_bit(runs, point);
	struct run run;

	if (bit >= run_index_end(index))
		return 0;
	run = run_holding(index, (uint32_t)bit);
	return aligned_runs_point(runs, run.bit) == point ? run.end - bit : 0;
}

static int check_aligned(const struct run_index *index,
			 const struct aligned_runs *runs, const char **rule)
{
	if (max_tree_check(&runs->usable))
		return broken(rule, "run_index: an aligned maximum is wrong");
	for (uint32_t point = 0; point < runs->usable.leaves; point++)
		if (max_tree_get(&runs->usable, point) !=
		    usable_at(index, runs, point))
			return broken(rule, "run_index: an aligned run is not");
	return 0;
}

int run_index_check(const struct run_index *index, const char **rule)
{
	int err = check_words(index, rule);

	if (!err)
		err = check_trees(index, rule);
	for (uint32_t i = 0; !err && i < index->n_aligned; i++)
		err = check_aligned(index, &index->aligned[i], rule);
	return err;
}
