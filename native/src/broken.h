// SPDX-License-Identifier: MIT
//
// How every check says which invariant does not hold.
#ifndef HK_BROKEN_H
#define HK_BROKEN_H

#include <errno.h>

// @text, a string literal, is the broken rule.
static inline int broken(const char **rule, const char *text)
{
	*rule = text;
	return -EUCLEAN;
}

#endif
