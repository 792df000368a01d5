/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_POLICY_H
#define TERWAYKIT_POLICY_H

/* Network policy: may this packet pass, as the first of a flow or a further one of its direction? */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/policy_abi.h"
#include "parsing.h"
#include "pod_maps.h"

/* The active generation. A caller asks once per packet. */
static __always_inline __u32 active_generation(void) {
  __u32 zero = 0;
  struct policy_state *state = bpf_map_lookup_elem(&policy_state, &zero);

  return state ? *(volatile __u32 *)&state->generation : 0;
}

static __always_inline enum drop_reason judge_peer(struct packet *packet, __u32 rule_set, __be32 peer) {
  struct peer_class_key class_key = {
      .prefix_length = 64,
      .generation = packet->generation,
      .address = peer,
  };
  struct verdict_key key = {
      .prefix_length =
          packet->kind == PACKET_FLOW && packet->protocol != IPPROTO_ICMP ? VERDICT_EXACT : VERDICT_ANY_PORT,
      .rule_set = rule_set,
      .peer_class = PEER_CLASS_DEFAULT,
      .protocol = packet->protocol,
      .port = packet->destination_port,
  };
  struct peer_class *class = bpf_map_lookup_elem(&peer_class, &class_key);
  struct verdict *verdict_entry;

  if (class) {
    if (class->flags & PEER_IS_LOCAL_NODE)
      return DROP_NONE;
    key.peer_class = class->class_id;
  }
  verdict_entry = bpf_map_lookup_elem(&verdict, &key);
  if (!verdict_entry)
    return DROP_POLICY;
  packet->decision = verdict_entry->decision;
  return verdict_entry->flags & VERDICT_ALLOW ? DROP_NONE : DROP_POLICY_DENY;
}

/*
 * Sets packet->decision, and packet->generation to the generation that decided: 0 when the endpoint is not compiled in
 * `generation`, which is never remembered as a decision.
 */
static __always_inline enum drop_reason judge(struct packet *packet, const struct endpoint *pod, __u32 generation,
                                              const __u8 direction) {
  __u32 slot = packet->endpoint * 2 + (generation & 1);
  struct endpoint_policy *policy = bpf_map_lookup_elem(&endpoint_policy, &slot);
  __be32 peer = direction == FLOW_EGRESS ? packet->destination : packet->source;
  __u32 rule_set;

  packet->decision = 0;
  packet->generation = 0;
  if (generation == 0 || !policy || policy->generation != generation)
    return pod->flags & ENDPOINT_POLICY_REQUIRED ? DROP_ENDPOINT_NOT_READY : DROP_NONE;
  packet->generation = generation;
  rule_set = direction == FLOW_EGRESS ? policy->egress_set : policy->ingress_set;
  if (rule_set == 0 || peer == pod->address)
    return DROP_NONE;
  return judge_peer(packet, rule_set, peer);
}

#endif
