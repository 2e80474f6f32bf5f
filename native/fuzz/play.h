// SPDX-License-Identifier: MIT
//
// The input as takes and gives on an allocator and its naive model.
#ifndef HK_FUZZ_PLAY_H
#define HK_FUZZ_PLAY_H

#include "adversary.h"
#include "bytes.h"

// To the end of @bytes, compared after each event, checked after every eighth;
// then all is given back.
void play(const struct subject *subject, struct bytes *bytes);

#endif
