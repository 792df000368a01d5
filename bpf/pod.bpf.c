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
#include "errors.h"
#include "fragments.h"
#include "in_place.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "parsing.h"
#include "plain.h"
#include "pod_maps.h"
#include "policy.h"
#include "records.h"
#include "refusal.h"
#include "rewriting.h"
#include "settled.h"
#include "shared_maps.h"
#include "starting.h"
#include "translation.h"

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

/*
 * Whether a packet passes without more, as most do: a further one of an answered flow of no service's, whose latest
 * packet is less than a second old and which the generation in force let pass. Nothing is written for it.
 */
static __always_inline int is_known(const struct packet *packet, const struct flow_state *state,
                                    const struct endpoint *pod, const __u8 direction, __u64 now) {
  __u32 flags = state->flags, generation;

  if (packet->kind != PACKET_FLOW || packet->is_first_fragment || is_icmp(packet->flow.protocol) ||
      packet->tcp_flags & (TCP_SYN | TCP_RST | TCP_FIN) || state->translation != 0 ||
      (flags & (FLOW_REPLIED | FLOW_SERVICE | FLOW_HAIRPIN)) != FLOW_REPLIED || is_older(state->last_seen, now, SECOND))
    return 0;
  if (!(flags & direction_flag(direction)))
    return 1;
  generation = active_generation();
  return generation == state->generation && (generation != 0 || !(pod->flags & ENDPOINT_POLICY_REQUIRED));
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

/*
 * A reply of a translated flow comes from what the pod asked for. Where the pod reached itself its answer goes back to
 * it, and is none of policy's concern either.
 */
__noinline int translate_reply(struct __sk_buff *skb, const struct packet *packet, const struct flow_state *state) {
  struct flow_key key;
  struct ends to;

  if (!packet || !state)
    return DROP_INVALID;
  key = packet->flow;
  if (!find_asked(&key, state->translation, &to.source, &to.source_port))
    return DROP_NAT_NO_MAPPING;
  to.destination = packet->local_address;
  /* Of what the pod answers itself the port is the one that it sent from, whichever side this is. */
  to.destination_port =
      port_of(state->flags, packet->direction == FLOW_EGRESS ? packet->flow.peer_port : packet->flow.local_port);
  return rewrite(skb, packet, &to);
}

/* What the pod sends to a service goes to the backend. */
static __always_inline int translate_request(struct __sk_buff *skb, const struct packet *packet) {
  struct ends to;
  int reason;

  if (is_plain(packet))
    change_in_place(skb, packet, POD_PROGRAM_SEND, packet->backend,
                    ports_word(packet->flow.local_port, packet->flow.peer_port), packet->is_sibling);
  to.source = packet->local_address;
  to.destination = packet->flow.peer_address;
  to.source_port = packet->flow.local_port;
  to.destination_port = packet->flow.peer_port;
  reason = rewrite(skb, packet, &to);
  if (reason == DROP_NONE && packet->is_sibling && send_to_own_station(skb) != 0)
    return DROP_INVALID;
  return reason;
}

/* What the pod sends to itself by way of a service. No policy is asked: a pod is never isolated from itself. */
__noinline int send_to_itself(struct __sk_buff *skb, struct packet *packet, __u64 now) {
  struct flow_state *state;
  struct flow_key key;
  struct ends to;
  int reason;

  if (!packet)
    return DROP_INVALID;
  if (packet->service == SERVICE_CHOSEN) {
    reason = start_chosen(packet, FLOW_INGRESS, now);
    if (reason != DROP_NONE)
      return reason;
  } else {
    key = packet->flow;
    state = live_flow(&key, now);
    if (state && !(is_opening(packet) && state->flags & FLOW_CLOSING)) {
      if (note_packet(state, packet, 0, now))
        count_closed(packet, state);
    } else if (may_start_flow(packet)) {
      if (start_flow(&key, packet, FLOW_INGRESS, translated_flags(packet), BPF_ANY, now) != 0)
        return DROP_FLOW_CREATE;
    }
  }
  if (packet->is_first_fragment)
    remember_fragment(packet, now);
  to.source = packet->flow.peer_address;
  to.destination = packet->local_address;
  to.source_port = packet->flow.peer_port;
  to.destination_port = packet->flow.local_port;
  return rewrite(skb, packet, &to);
}

/* What an ICMP error is to the pod's flows. RELATION_NONE: nothing, so that policy judges it. */
static __always_inline enum drop_reason handle_error(struct __sk_buff *skb, const struct packet *packet,
                                                     const struct endpoint *pod, __u64 now, int *is_related,
                                                     int *is_returned) {
  switch (relate_error(skb, packet, pod, now)) {
  case ERROR_BROKEN:
    return DROP_INVALID;
  case ERROR_HAIRPIN:
    *is_returned = 1;
    *is_related = 1;
    return DROP_NONE;
  case ERROR_RELATED:
    *is_related = 1;
    return DROP_NONE;
  default:
    return DROP_NONE;
  }
}

/* `is_returned`: the packet is to go back to the pod. */
static __always_inline enum drop_reason handle_ip(struct __sk_buff *skb, struct packet *packet,
                                                  const struct endpoint *pod, const __u8 direction, int *is_returned) {
  __u64 now = bpf_ktime_get_coarse_ns();
  enum relation relation = RELATION_NONE;
  enum drop_reason reason;
  struct flow_state *state = 0, *choice = 0;
  __u32 generation;
  int is_exempt = 0;

  if (packet->is_later_fragment)
    recall_fragment(packet, now);
  if (packet->kind == PACKET_ICMP_ERROR) {
    reason = handle_error(skb, packet, pod, now, &is_exempt, is_returned);
    if (reason != DROP_NONE || is_exempt)
      return reason;
  }
  if (packet->kind == PACKET_FLOW || packet->kind == PACKET_REPLY) {
    state = live_flow(&packet->flow, now);
    if (state && is_known(packet, state, pod, direction, now))
      return DROP_NONE;
    if (translate_services && direction == FLOW_EGRESS) {
      if (state && state->flags & FLOW_SERVICE) {
        choice = state;
        if (is_settled(packet, choice, pod, now))
          send_settled(skb, packet, choice);
      }
      if (asks_service(packet, state)) {
        note_asked(packet);
        if (!choice || translate(packet, choice, now)) {
          reason = choose(packet, pod, now);
          if (reason != DROP_NONE)
            return reason;
        }
        if (packet->service == SERVICE_KNOWN && !packet->is_hairpin)
          state = live_flow(&packet->flow, now);
        else if (packet->service != SERVICE_NONE || choice)
          state = 0;
      }
      if (state && state->flags & FLOW_FROM_POD && !is_same_translation(state, packet)) {
        reason = part(packet, pod, state, now);
        if (reason != DROP_NONE)
          return reason;
        state = 0;
      }
      if (packet->is_hairpin) {
        *is_returned = 1;
        return send_to_itself(skb, packet, now);
      }
    }
    if (translate_services && direction == FLOW_INGRESS && state && state->flags & FLOW_SERVICE) {
      /* From the service's own address: only what the pod sent to itself comes like this. Others take no choice away.
       */
      is_exempt = (state->flags & FLOW_HAIRPIN) != 0;
      state = 0;
    } else {
      relation = relation_of(packet, state, direction);
    }
    if (translate_services && state && state->flags & FLOW_HAIRPIN)
      is_exempt = 1;
    /* From refuse(): what it says can be checked. */
    if (translate_services && direction == FLOW_INGRESS && !state && packet->flow.protocol == IPPROTO_TCP &&
        packet->tcp_flags & TCP_RST && is_refused(&packet->flow))
      is_exempt = 1;
  }
  if (relation != RELATION_REPLY && !is_exempt) {
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
    if (translate_services && direction == FLOW_EGRESS && packet->service == SERVICE_CHOSEN) {
      reason = start_chosen(packet, direction, now);
      if (reason != DROP_NONE)
        return reason;
    } else if (start_flow(&packet->flow, packet, direction, translate_services ? translated_flags(packet) : 0, BPF_ANY,
                          now) != 0) {
      return DROP_FLOW_CREATE;
    }
    if (record_allowed)
      record_allow(skb, packet);
  } else if (state && relation != RELATION_NONE) {
    if (note_packet(state, packet, relation == RELATION_REPLY, now) && translate_services && state->translation != 0)
      count_closed(packet, state);
  }
  if (packet->is_first_fragment && packet->kind <= PACKET_REPLY)
    remember_fragment(packet, now);
  if (translate_services && direction == FLOW_EGRESS && packet->service != SERVICE_NONE) {
    if (choice && packet->service == SERVICE_KNOWN && (relation == RELATION_FIRST || relation == RELATION_FORWARD))
      settle(choice, relation == RELATION_FORWARD && state ? state->generation : packet->generation, now);
    return translate_request(skb, packet);
  }
  if (translate_services && relation == RELATION_REPLY && state && state->translation != 0) {
    *is_returned = direction == FLOW_EGRESS;
    if (direction == FLOW_INGRESS)
      receive_at_once(skb, packet, state);
    return translate_reply(skb, packet, state);
  }
  return DROP_NONE;
}

static __always_inline int handle(struct __sk_buff *skb, const __u8 direction) {
  struct packet packet = {.endpoint = skb->cb[0], .direction = direction};
  struct endpoint *pod = bpf_map_lookup_elem(&endpoint, &packet.endpoint);
  enum drop_reason reason;
  int is_returned = 0;

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
    reason = handle_ip(skb, &packet, pod, direction, &is_returned);
  if (translate_services && reason == DROP_NO_SERVICE) {
    drop(skb, &packet, reason);
    return refuse(skb, &packet);
  }
  if (translate_services && is_returned && reason == DROP_NONE)
    return send_to_own_station(skb) == 0 ? send_back(skb) : drop(skb, &packet, DROP_INVALID);
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

/* Without services nothing jumps to these. */
SEC("tc")
int send_plain(struct __sk_buff *skb) {
  return end_in_place(skb, translate_services ? send_in_place(skb) : DROP_MISSED_TAIL_CALL);
}

SEC("tc")
int receive_plain(struct __sk_buff *skb) {
  return end_in_place(skb, translate_services ? receive_in_place(skb) : DROP_MISSED_TAIL_CALL);
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
