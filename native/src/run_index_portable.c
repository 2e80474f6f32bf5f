// SPDX-License-Identifier: MIT
#include "run_index_hot.h"

const struct run_index_code run_index_portable = RUN_INDEX_CODE;
