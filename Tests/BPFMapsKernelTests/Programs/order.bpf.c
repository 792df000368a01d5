// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that write down in which order they ran, and leave the packet to the next. */
#include "samples.h"

#define TC_ACT_UNSPEC (-1)
#define STEPS         64

/* Slot 0 counts the steps; the others hold who took them. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, STEPS);
} steps SEC(".maps");

static __always_inline int step(__u32 who) {
  __u32 slot = 0;
  __u32 *count = bpf_map_lookup_elem(&steps, &slot);
  if (!count)
    return TC_ACT_UNSPEC;
  slot = __sync_fetch_and_add(count, 1) + 1;
  bpf_map_update_elem(&steps, &slot, &who, BPF_ANY);
  return TC_ACT_UNSPEC;
}

SEC("tc")
int step_1(struct __sk_buff *skb) {
  (void)skb;
  return step(1);
}

SEC("tc")
int step_2(struct __sk_buff *skb) {
  (void)skb;
  return step(2);
}

SEC("tc")
int step_3(struct __sk_buff *skb) {
  (void)skb;
  return step(3);
}

SEC("tc")
int step_4(struct __sk_buff *skb) {
  (void)skb;
  return step(4);
}

SEC("cgroup/connect4")
int connect_1(struct bpf_sock_addr *context) {
  (void)context;
  step(1);
  return 1;
}

SEC("cgroup/connect4")
int connect_2(struct bpf_sock_addr *context) {
  (void)context;
  step(2);
  return 1;
}

SEC("cgroup/connect4")
int connect_3(struct bpf_sock_addr *context) {
  (void)context;
  step(3);
  return 1;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
