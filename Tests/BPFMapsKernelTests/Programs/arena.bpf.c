// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A map of a kind that Linux 6.9 brought; the header of older distributions has no name for it. */
#include "samples.h"

struct {
  __uint(type, 33); /* BPF_MAP_TYPE_ARENA */
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
} heap SEC(".maps");

/* A hash of which the loader sets the size. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64[1024]);
  __uint(max_entries, 1);
} large SEC(".maps");

char program_license[] SEC("license") = "Dual BSD/GPL";
