// SPDX-License-Identifier: Apache-2.0

#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdint.h>

// How many blocks this process has taken from the heap so far: calls of malloc, calloc, realloc and posix_memalign, by
// whichever library. Linking this target puts the counting versions in front of the C library's.
uint64_t allocation_count(void);

// How many bytes of the heap are in use now, in blocks of every size and of every thread. What was freed is not among
// them, also where the process keeps it.
uint64_t allocation_bytes(void);

#endif
