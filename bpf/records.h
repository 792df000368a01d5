/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_RECORDS_H
#define TERWAYKIT_RECORDS_H

/* Flow records: one per drop, one per new flow when the operator asked for them. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "drop.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "pod_maps.h"

static __always_inline void record(struct __sk_buff *skb, const struct packet *packet, __u8 verdict, __u8 reason) {
  const int is_egress = packet->direction == FLOW_EGRESS;
  struct flow_record *record = bpf_ringbuf_reserve(&flow_event, sizeof(*record), 0);
  __u32 zero = 0;

  if (!record) {
    __u64 *lost = bpf_map_lookup_elem(&event_lost, &zero);

    if (lost)
      *lost += 1;
    return;
  }
  record->timestamp = bpf_ktime_get_ns();
  record->source = is_egress ? packet->local_address : packet->flow.peer_address;
  record->destination = is_egress ? packet->flow.peer_address : packet->local_address;
  record->source_port = is_egress ? packet->flow.local_port : packet->flow.peer_port;
  record->destination_port = is_egress ? packet->flow.peer_port : packet->flow.local_port;
  record->endpoint = packet->endpoint;
  record->decision = packet->decision;
  record->generation = packet->generation;
  record->length = skb->len;
  record->protocol = packet->flow.protocol;
  record->direction = packet->direction;
  record->verdict = verdict;
  record->reason = reason;
  bpf_ringbuf_submit(record, 0);
}

/* Counts, records and drops. Not inlined: it is called from many places and none of them is the fast path. */
__noinline int drop(struct __sk_buff *skb, const struct packet *packet, __u32 reason) {
  count_drop(skb, reason);
  if (!packet)
    return TC_ACT_SHOT;
  record(skb, packet, FLOW_DROPPED, (__u8)reason);
  return TC_ACT_SHOT;
}

__noinline int record_allow(struct __sk_buff *skb, const struct packet *packet) {
  if (packet)
    record(skb, packet, FLOW_ALLOWED, DROP_NONE);
  return 0;
}

#endif
