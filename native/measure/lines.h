// SPDX-License-Identifier: MIT
// Cache lines, as far as a program may maintain them by itself.
#ifndef HKM_LINES_H
#define HKM_LINES_H

#include <stdbool.h>
#include <stdint.h>

// Whether this CPU has an instruction that writes a line back and keeps it.
bool lines_can_clean(void);
// Whether it has one that writes it back and forgets it.
bool lines_can_flush(void);

// The lines of @bytes from @from on, and waits for them to be in memory. @line
// is hkm_line_bytes(), asked for beforehand: cpuid traps in a virtual machine,
// which takes longer than what is timed.
void lines_clean(uint8_t *from, uint64_t bytes, uint32_t line);
void lines_flush(uint8_t *from, uint64_t bytes, uint32_t line);

#endif
