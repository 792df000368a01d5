// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Planted mismatch: the structs have the names of the shared ones, but other layouts. */
#include "samples.h"

struct sample_state {
  __u64 last_seen;
  __u32 decision; /* swapped with flags */
  __u32 flags;
};

struct endpoint {
  __be32 address;
  __u32 flags;
  __u64 extra; /* Swift has no such field */
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, struct sample_state);
  __uint(max_entries, 4);
} flow SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, struct endpoint);
  __uint(max_entries, 4);
} endpoint SEC(".maps");

char program_license[] SEC("license") = "Dual BSD/GPL";
