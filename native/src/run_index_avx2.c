// SPDX-License-Identifier: MIT
//
// CMakeLists.txt compiles this file alone for AVX2, BMI and LZCNT.
#ifdef __x86_64__

#include "run_index_hot.h"

const struct run_index_code run_index_avx2 = RUN_INDEX_CODE;

#endif
