// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * What is attached at a pod's interface: names the endpoint and jumps to the pod program of the node. Loaded once per
 * endpoint; the maps are those of pod.bpf.c. An upgrade swaps a slot and never touches the pod.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "drop.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "shared_maps.h"

/* Set by the loader. */
const volatile __u32 endpoint_id = 0;

static __always_inline int dispatch(struct __sk_buff *skb, __u32 slot) {
  skb->cb[0] = endpoint_id;
  bpf_tail_call_static(skb, &pod_programs, slot);
  /* Still here: the slot is empty. Closed. */
  count_drop(skb, DROP_MISSED_TAIL_CALL);
  return TC_ACT_SHOT;
}

SEC("tc")
int dispatch_egress(struct __sk_buff *skb) {
  return dispatch(skb, POD_PROGRAM_EGRESS);
}

SEC("tc")
int dispatch_ingress(struct __sk_buff *skb) {
  return dispatch(skb, POD_PROGRAM_INGRESS);
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
