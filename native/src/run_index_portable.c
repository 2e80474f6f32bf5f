// SPDX-License-Identifier: MIT
#include "run_index_hot.h"

const struct run_index_code run_index_portable = {
	.next = next,
	.find = find,
	.take = take,
	.give = give,
};
