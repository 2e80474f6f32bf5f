// SPDX-License-Identifier: MIT
// The public header of the C core: heapkit_abi.h for C compilers.
#ifndef HEAPKIT_H
#define HEAPKIT_H

#include <stdint.h>

#include "heapkit_abi.h"

#endif
