// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts calls of a kernel function at its begin and end, and a typed tracepoint. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} calls SEC(".maps");

static __always_inline int count(__u32 slot) {
  __u64 *counted = bpf_map_lookup_elem(&calls, &slot);
  if (counted)
    __sync_fetch_and_add(counted, 1);
  return 0;
}

SEC("fentry/vfs_open")
int begins(void *context) {
  (void)context;
  return count(0);
}

SEC("fexit/vfs_open")
int ends(void *context) {
  (void)context;
  return count(1);
}

SEC("tp_btf/sched_process_exec")
int announces(void *context) {
  (void)context;
  return count(2);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
