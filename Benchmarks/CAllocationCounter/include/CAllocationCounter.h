// SPDX-License-Identifier: Apache-2.0

#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdint.h>

// How many blocks this process has taken from the heap so far: calls of malloc, calloc, realloc and posix_memalign, by
// whichever library. Linking this target puts the counting versions in front of the C library's.
uint64_t allocation_count(void);

// Gives the heap's free memory back to the kernel: what is taken from then on makes the process grow.
void allocation_trim(void);

#endif
