/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_TRANSLATION_H
#define TERWAYKIT_TRANSLATION_H

/*
 * The service stage of the pod programs: what a pod sends to a service's address goes to one of its backends, and what
 * comes back comes from that address. The choice is an entry of the flow table with the service's address as peer
 * (FLOW_SERVICE), the flow itself another one with the backend as peer, which policy and connection tracking see. The
 * flow says which VIP it was asked for, so that replies need one look-up more.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "conntrack.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "include/service_abi.h"
#include "packet.h"
#include "pod_maps.h"
#include "rewriting.h"
#include "service.h"

/* Set by the loader: whether there are services. Without, none of this is left of the programs. */
const volatile __u32 translate_services = 0;

/* Ports that stand for another one on the wire, and how many of them are tried. */
#define WIRE_PORT_FIRST 32768
#define WIRE_PORT_MASK  32767
#define WIRE_PORT_TRIES 16

static __always_inline int may_ask_service(__u8 protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* A packet that can only be the first of a connection, of SCTP too. */
static __always_inline int opens(const struct packet *packet) {
  return is_opening(packet) || (packet->flow.protocol == IPPROTO_SCTP && packet->tcp_flags & TCP_SYN);
}

/*
 * Whether what a pod sends may be for a service: a choice is there, or no flow. A flow that nobody answered so far is
 * asked again, because the service may be younger than it, and so is each new connection.
 */
static __always_inline int asks_service(const struct packet *packet, const struct flow_state *state) {
  if (packet->kind != PACKET_FLOW || !may_ask_service(packet->flow.protocol))
    return 0;
  if (!state || state->flags & FLOW_SERVICE || opens(packet))
    return 1;
  return (state->flags & (FLOW_FROM_POD | FLOW_REPLIED)) == FLOW_FROM_POD;
}

static __always_inline struct ip_address hairpin_address(int is_ipv6) {
  struct ip_address address = {};

  if (is_ipv6)
    address.word[0] = bpf_htonl(HAIRPIN_PREFIX6);
  else
    address.word[2] = bpf_htonl(0xffff);
  address.word[3] = bpf_htonl(HAIRPIN_ADDRESS4);
  return address;
}

/* The port that a translated packet of the pod has on the wire. */
static __always_inline __be16 wire_port(const struct packet *packet) {
  return packet->is_hairpin ? packet->flow.peer_port : packet->flow.local_port;
}

static __always_inline void set_wire_port(struct packet *packet, __be16 port) {
  if (packet->is_hairpin)
    packet->flow.peer_port = port;
  else
    packet->flow.local_port = port;
}

/* Makes packet->flow that of the backend. */
static __always_inline void aim(struct packet *packet, const struct ip_address *address, __be16 port, __be16 on_wire) {
  if (packet->is_hairpin) {
    packet->flow.peer_address = hairpin_address(packet->is_ipv6);
    packet->flow.peer_port = on_wire;
    packet->flow.local_port = port;
  } else {
    packet->flow.peer_address = *address;
    packet->flow.peer_port = port;
    packet->flow.local_port = on_wire;
  }
}

/* Makes packet->flow again what the pod asked for. */
static __always_inline void aim_back(struct packet *packet) {
  packet->flow.peer_address = packet->asked_address;
  packet->flow.peer_port = packet->asked_port;
  packet->flow.local_port = packet->sent_port;
  packet->service = SERVICE_NONE;
  packet->is_hairpin = 0;
  packet->is_sibling = 0;
  packet->translation = 0;
}

/* flow_state.flags of a translated flow, beside its direction. */
static __always_inline __u32 translated_flags(const struct packet *packet) {
  __u32 flags = packet->is_hairpin ? FLOW_HAIRPIN : 0;

  if (packet->service != SERVICE_NONE && wire_port(packet) != packet->sent_port)
    flags |= (__u32)packet->sent_port << FLOW_PORT_SHIFT;
  return flags;
}

/* Whether a flow that the pod began is the one that this packet is of: not another one with the same ends. */
static __always_inline int is_same_translation(const struct flow_state *state, const struct packet *packet) {
  if (state->translation != packet->translation)
    return 0;
  return packet->translation == 0 || state->flags >> FLOW_PORT_SHIFT == translated_flags(packet) >> FLOW_PORT_SHIFT;
}

/* Whether packet->flow is taken by a flow that goes on. */
static __always_inline int is_taken(const struct packet *packet, __u64 now) {
  struct flow_key key = packet->flow; /* on the stack: Linux 6.1 wants keys there */
  struct flow_state *state = live_flow(&key, now);

  if (!state || is_same_translation(state, packet))
    return 0;
  return !(state->flags & FLOW_CLOSING && is_opening(packet));
}

/*
 * Another flow of the pod has the ends that this one would have: two services share a backend, or the pod talks to the
 * backend by its own address too. This one gets another port. SCTP's checksum does not let its ports change.
 */
static __always_inline int take_port(struct packet *packet, __u64 now) {
  if (!is_taken(packet, now))
    return DROP_NONE;
  if (packet->flow.protocol == IPPROTO_SCTP)
    return DROP_NAT_NO_MAPPING;
#pragma clang loop unroll(disable)
  for (int try = 0; try < WIRE_PORT_TRIES; try++) {
    __be16 port = bpf_htons(WIRE_PORT_FIRST + (bpf_get_prandom_u32() & WIRE_PORT_MASK));

    if (port == packet->sent_port)
      continue;
    set_wire_port(packet, port);
    if (!is_taken(packet, now))
      return DROP_NONE;
  }
  return DROP_NAT_NO_MAPPING;
}

/* Whether pod and backend are slaves of one parent, which then passes frames between them itself. */
static __always_inline int is_sibling(const struct ip_address *pod, const struct ip_address *backend) {
  struct ip_address key = *pod;
  __u32 *parent = bpf_map_lookup_elem(&sibling, &key), *other;

  if (!parent || *parent == 0)
    return 0;
  key = *backend;
  other = bpf_map_lookup_elem(&sibling, &key);
  return other && *other == *parent;
}

/* Remembers the choice, under what the pod asked for. */
static __always_inline int store_choice(const struct packet *packet, __u32 backend, __u32 epoch, __u64 now) {
  /* FLOW_REPLIED: it lives as long as a flow that was answered, because it sees packets of one side only. */
  struct flow_state choice = {
      .last_seen = now,
      .flags = FLOW_SERVICE | FLOW_REPLIED | (packet->is_hairpin ? FLOW_HAIRPIN : 0) |
               (packet->is_sibling ? FLOW_SIBLING : 0),
      .decision = backend,
      .generation = epoch,
      .translation = packet->translation,
  };
  struct flow_key key = packet->flow;

  if (wire_port(packet) != packet->sent_port)
    choice.flags |= (__u32)wire_port(packet) << FLOW_PORT_SHIFT;
  key.peer_address = packet->asked_address;
  key.peer_port = packet->asked_port;
  key.local_port = packet->sent_port;
  return bpf_map_update_elem(&flow, &key, &choice, BPF_ANY) == 0 ? DROP_NONE : DROP_FLOW_CREATE;
}

/* A VIP record of a node port says any address: which one it was is kept beside the flow. */
static __always_inline int store_asked(const struct packet *packet) {
  struct flow_key key = packet->flow;
  struct ip_address address = packet->asked_address;

  return bpf_map_update_elem(&asked_address, &key, &address, BPF_ANY) == 0 ? DROP_NONE : DROP_FLOW_CREATE;
}

/* Chooses a backend for what the pod asks for, if that is a service; else leaves the packet as it is. */
__noinline int choose(struct __sk_buff *skb, struct packet *packet, const struct endpoint *pod, __u64 now) {
  return DROP_NONE;
}

/*
 * A packet that asks_service(): aims it at a backend, if it is for a service. `known` is what the flow table has of it,
 * or 0.
 */
__noinline int translate(struct __sk_buff *skb, struct packet *packet, const struct endpoint *pod,
                         struct flow_state *known, __u64 now) {
  struct flow_state *state;
  struct backend *chosen;
  __u32 index, flags;
  int is_open;

  if (!packet || !pod)
    return DROP_INVALID;
  packet->asked_address = packet->flow.peer_address;
  packet->asked_port = packet->flow.peer_port;
  packet->sent_port = packet->flow.local_port;
  if (!known || !(known->flags & FLOW_SERVICE))
    return choose(skb, packet, pod, now);
  index = known->decision;
  chosen = bpf_map_lookup_elem(&backend, &index);
  if (!chosen || chosen->state == BACKEND_FREE || chosen->epoch != known->generation)
    return choose(skb, packet, pod, now);
  is_open = opens(packet);
  if (chosen->state != BACKEND_ACTIVE && !packet->is_later_fragment &&
      (is_open || (packet->flow.protocol == IPPROTO_UDP && chosen->state == BACKEND_GONE)))
    return choose(skb, packet, pod, now);
  flags = known->flags;
  packet->translation = known->translation;
  packet->service = SERVICE_KNOWN;
  packet->is_hairpin = (flags & FLOW_HAIRPIN) != 0;
  packet->is_sibling = (flags & FLOW_SIBLING) != 0;
  aim(packet, &chosen->address, chosen->port,
      flags >> FLOW_PORT_SHIFT ? (__be16)(flags >> FLOW_PORT_SHIFT) : packet->sent_port);
  if (is_older(known->last_seen, now, SECOND))
    known->last_seen = now;
  if (!is_open)
    return DROP_NONE;
  /* The first packet again, or another connection from the port of an older one: that is free to go elsewhere. */
  {
    struct flow_key key = packet->flow;

    state = live_flow(&key, now);
  }
  if (state && !(state->flags & FLOW_CLOSING) && is_same_translation(state, packet))
    return DROP_NONE;
  aim_back(packet);
  return choose(skb, packet, pod, now);
}

#endif
