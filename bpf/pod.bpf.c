// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * The pod datapath: what a pod may send (from_pod) and what may reach it (to_pod). Dispatchers jump here with the
 * endpoint identifier in skb->cb[0]. A packet that passes is left to whoever else is attached (TC_ACT_UNSPEC).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "conntrack.h"
#include "discovery.h"
#include "drop.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "parsing.h"
#include "pod_maps.h"
#include "policy.h"
#include "records.h"
#include "shared_maps.h"

/* Set by the loader: whether the first packet of each allowed flow is recorded too. */
const volatile __u32 record_allowed = 0;

/* A ring buffer's map says nothing of its records. This makes the object describe them, for user space to compare. */
const struct flow_record *const volatile flow_event_record = 0;

/* What a packet is to the flow table. */
enum relation {
  RELATION_NONE,    /* belongs to no flow and starts none */
  RELATION_FIRST,   /* starts a flow if it is allowed */
  RELATION_FORWARD, /* further packet of the side that started the flow */
  RELATION_REPLY,   /* packet of the other side */
};

static __always_inline enum relation relation_of(const struct packet *packet, const struct flow_state *state,
                                                 const __u8 direction) {
  __u32 is_forward;

  if (!state)
    return packet->kind == PACKET_FLOW && may_start_flow(packet) ? RELATION_FIRST : RELATION_NONE;
  is_forward = state->flags & direction_flag(direction);
  /* A connection begins on ports that another one used before: its remains do not speak for it. */
  if (is_opening(packet) && (!is_forward || state->flags & FLOW_CLOSING))
    return RELATION_FIRST;
  /* An echo request is never a reply, and a reply never a request (identifier 0 lets both meet in one flow). */
  if (is_icmp(packet->flow.protocol) && !is_forward != (packet->kind == PACKET_REPLY))
    return RELATION_NONE;
  return is_forward ? RELATION_FORWARD : RELATION_REPLY;
}

static __always_inline int is_tracked_protocol(const struct packet *packet) {
  __u8 protocol = packet->flow.protocol;

  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
         protocol == (packet->is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* Asks the tables. packet->decision and packet->generation are those of the decision; both 0 where there was none. */
static __always_inline enum drop_reason judge_packet(struct packet *packet, const struct endpoint *pod,
                                                     __u32 generation) {
  enum drop_reason reason;

  /* Nothing is compiled yet: the tables need not be asked, and the flow remembers no decision. */
  if (generation == 0)
    return pod->flags & ENDPOINT_POLICY_REQUIRED ? DROP_ENDPOINT_NOT_READY : DROP_NONE;
  reason = judge(packet, pod, generation);
  return reason == DROP_POLICY && !is_tracked_protocol(packet) ? DROP_UNKNOWN_PROTOCOL : reason;
}

static __always_inline enum drop_reason handle_ip(struct __sk_buff *skb, struct packet *packet,
                                                  const struct endpoint *pod, const __u8 direction) {
  __u64 now = bpf_ktime_get_coarse_ns();
  enum relation relation = RELATION_NONE;
  enum drop_reason reason;
  struct flow_state *state = 0;
  __u32 generation;

  if (packet->is_later_fragment)
    recall_fragment(packet, now);
  if (packet->kind == PACKET_ICMP_ERROR && quotes_live_flow(skb, packet, pod, now))
    return DROP_NONE;
  if (packet->kind == PACKET_FLOW || packet->kind == PACKET_REPLY) {
    state = live_flow(&packet->flow, now);
    relation = relation_of(packet, state, direction);
  }
  if (relation != RELATION_REPLY) {
    generation = active_generation();
    /* What this generation allowed once, it allows still. */
    if (relation != RELATION_FORWARD || generation == 0 || !state || state->generation != generation) {
      reason = judge_packet(packet, pod, generation);
      if (reason != DROP_NONE)
        return reason;
      if (relation == RELATION_FORWARD && state && state->generation != packet->generation) {
        state->decision = packet->decision;
        state->generation = packet->generation;
      }
    }
  }
  if (relation == RELATION_FIRST) {
    if (start_flow(packet, direction, now) != 0)
      return DROP_FLOW_CREATE;
    if (record_allowed)
      record_allow(skb, packet);
  } else if (state && relation != RELATION_NONE) {
    note_packet(state, packet, relation == RELATION_REPLY, now);
  }
  if (packet->is_first_fragment && packet->kind <= PACKET_REPLY)
    remember_fragment(packet, now);
  return DROP_NONE;
}

static __always_inline int handle(struct __sk_buff *skb, const __u8 direction) {
  struct packet packet = {.endpoint = skb->cb[0], .direction = direction};
  struct endpoint *pod = bpf_map_lookup_elem(&endpoint, &packet.endpoint);
  enum drop_reason reason;

  packet.flow.endpoint = (__u16)packet.endpoint;
  reason = parse(skb, &packet, direction);
  if (reason == DROP_INVALID)
    reason = parse_again(skb, &packet);
  if (!pod || !(pod->flags & ENDPOINT_PRESENT))
    reason = DROP_ENDPOINT_NOT_READY;
  else if (reason == DROP_NONE && packet.kind == PACKET_DISCOVERY)
    reason = check_discovery(skb, &packet, pod);
  /* ARP probes ask from 0.0.0.0 (RFC 5227). */
  else if (reason == DROP_NONE && direction == FLOW_EGRESS && !is_own(pod, &packet.local_address, packet.is_ipv6) &&
           (packet.kind != PACKET_ARP || packet.local_address.word[3] != 0))
    reason = DROP_INVALID_SOURCE;
  else if (reason == DROP_NONE && packet.kind != PACKET_ARP)
    reason = handle_ip(skb, &packet, pod, direction);
  return reason == DROP_NONE ? TC_ACT_UNSPEC : drop(skb, &packet, reason);
}

SEC("tc")
int from_pod(struct __sk_buff *skb) {
  return handle(skb, FLOW_EGRESS);
}

SEC("tc")
int to_pod(struct __sk_buff *skb) {
  return handle(skb, FLOW_INGRESS);
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
