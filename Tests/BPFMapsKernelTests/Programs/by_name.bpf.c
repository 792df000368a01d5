// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A map that is pinned under its name. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 16);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} named SEC(".maps");

char program_license[] SEC("license") = "Dual BSD/GPL";
