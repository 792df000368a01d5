// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts forks and execs where the kernel announces them, and adds two arguments. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} calls SEC(".maps");

static __always_inline void count(__u32 slot) {
  __u64 *counted = bpf_map_lookup_elem(&calls, &slot);
  if (counted)
    __sync_fetch_and_add(counted, 1);
}

SEC("raw_tp")
int counts_raw(void *context) {
  (void)context;
  count(0);
  return 0;
}

SEC("raw_tp")
int adds(struct bpf_raw_tracepoint_args *context) {
  return (int)(context->args[0] + context->args[1]);
}

SEC("tp")
int counts_tracepoint(void *context) {
  (void)context;
  count(1);
  return 0;
}

SEC("kprobe")
int counts_probe(void *context) {
  (void)context;
  count(2);
  return 0;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
