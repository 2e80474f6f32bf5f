// SPDX-License-Identifier: MIT
// The public header of the measuring code: measure_abi.h for C compilers.
#ifndef HEAPKIT_MEASURE_H
#define HEAPKIT_MEASURE_H

#include <stdint.h>

#include "measure_abi.h"

#endif
