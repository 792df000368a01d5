// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* XDP programs that count, drop, rewrite, and use what is in front of the packet. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 2);
} seen SEC(".maps");

static __always_inline void count(__u32 slot) {
  __u64 *counted = bpf_map_lookup_elem(&seen, &slot);
  if (counted)
    __sync_fetch_and_add(counted, 1);
}

SEC("xdp")
int passes(struct xdp_md *context) {
  (void)context;
  count(0);
  return XDP_PASS;
}

SEC("xdp")
int passes_too(struct xdp_md *context) {
  (void)context;
  count(1);
  return XDP_PASS;
}

SEC("xdp")
int drops(struct xdp_md *context) {
  (void)context;
  return XDP_DROP;
}

/* Sends back with the first byte changed, four bytes shorter in front. */
SEC("xdp")
int sends_back(struct xdp_md *context) {
  if (bpf_xdp_adjust_head(context, 4))
    return XDP_ABORTED;
  __u8 *data = (void *)(long)context->data;
  if (data + 1 > (__u8 *)(long)context->data_end)
    return XDP_ABORTED;
  *data = 0xee;
  return XDP_TX;
}

/* Adds one to the word in front of the packet, or puts 7 there; tells the queue by dropping on the first. */
SEC("xdp")
int marks(struct xdp_md *context) {
  __u32 *mark = (void *)(long)context->data_meta;
  if ((void *)(mark + 1) > (void *)(long)context->data) {
    if (bpf_xdp_adjust_meta(context, -(int)sizeof(*mark)))
      return XDP_ABORTED;
    mark = (void *)(long)context->data_meta;
    if ((void *)(mark + 1) > (void *)(long)context->data)
      return XDP_ABORTED;
    *mark = 7;
  } else {
    *mark += 1;
  }
  return context->ingress_ifindex == 1 ? XDP_DROP : XDP_PASS;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
