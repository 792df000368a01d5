// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps of the names and sizes of objects.bpf.c, with other fields. */
#include "samples.h"

struct sample_pair {
  __u32 right;
  __u32 middle;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __s32);
  __type(value, struct sample_pair);
  __uint(max_entries, 16);
} pairs SEC(".maps");

char program_license[] SEC("license") = "Dual BSD/GPL";
