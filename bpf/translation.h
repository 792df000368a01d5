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
#include "choice.h"
#include "conntrack.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "include/service_abi.h"
#include "local_pods.h"
#include "packet.h"
#include "pod_maps.h"
#include "service.h"

/* Set by the loader: whether there are services. Without, none of this is left of the programs. */
const volatile __u32 translate_services = 0;

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

/* Whether a record is still that of the backend that was chosen. */
static __always_inline int is_chosen(const struct backend *record, const struct flow_state *choice) {
  return ((record->epoch ^ choice->generation) & CHOICE_EPOCH_MASK) == 0;
}

/* Whether a flow that the pod began is the one that this packet is of: not another one with the same ends. */
static __always_inline int is_same_translation(const struct flow_state *state, const struct packet *packet) {
  if (state->translation != packet->translation)
    return 0;
  return packet->translation == 0 || state->flags >> FLOW_PORT_SHIFT == translated_flags(packet) >> FLOW_PORT_SHIFT;
}

/* Whether a record is a node port's, whose address is any. */
static __always_inline int is_node_port_record(const struct vip *asked) {
  return asked->address.word[3] == 0 && (is_unspecified(&asked->address) || is_mapped(&asked->address));
}

/* What the pod asked for when it got this flow. 0: it is not known any more. */
static __always_inline int find_asked(const struct flow_key *key, __u32 translation, struct ip_address *address,
                                      __be16 *port) {
  __u32 index = translation & ((1u << TRANSLATION_VIP_BITS) - 1);
  struct vip *asked = bpf_map_lookup_elem(&vip, &index);
  struct ip_address *exact;

  if (!asked || asked->epoch != translation >> TRANSLATION_VIP_BITS)
    return 0;
  *port = asked->port;
  *address = asked->address;
  if (!is_node_port_record(asked))
    return 1;
  exact = bpf_map_lookup_elem(&asked_address, key);
  if (!exact)
    return 0;
  *address = *exact;
  return 1;
}

/* The port that the pod sends from, or the one on the wire: whichever `flags` have, if they are two. */
static __always_inline __be16 port_of(__u32 flags, __be16 port) {
  return flags >> FLOW_PORT_SHIFT ? (__be16)(flags >> FLOW_PORT_SHIFT) : port;
}

/* The choice by which the flow `state` of a packet was made; 0: it is not known any more. */
static __always_inline struct flow_state *find_choice(const struct packet *packet, const struct flow_state *state) {
  struct flow_key key = packet->flow;
  struct ip_address address;
  struct flow_state *choice;

  if (!find_asked(&key, state->translation, &address, &key.peer_port))
    return 0;
  key.local_port = port_of(state->flags, state->flags & FLOW_HAIRPIN ? packet->flow.peer_port : key.local_port);
  key.peer_address = address;
  choice = bpf_map_lookup_elem(&flow, &key);
  return choice && choice->flags & FLOW_SERVICE ? choice : 0;
}

/* Another flow takes the ends of the flow `state`, whose packets have to be looked at again. */
__noinline int unsettle(const struct packet *packet, const struct flow_state *state) {
  struct flow_state *choice;

  if (!packet || !state || state->translation == 0)
    return 0;
  choice = find_choice(packet, state);
  if (choice)
    __sync_fetch_and_and(&choice->flags, ~FLOW_SETTLED);
  return 0;
}

/* Whether pod and backend are slaves of one parent, which then passes frames between them itself. */
static __always_inline int is_sibling(const struct ip_address *pod, const struct ip_address *backend) {
  struct ip_address key = *pod;
  __u32 *parent = bpf_map_lookup_elem(&local_pod, &key), *other;

  if (!parent || *parent == 0)
    return 0;
  key = *backend;
  other = bpf_map_lookup_elem(&local_pod, &key);
  return other && *other == *parent;
}

/* What an address and port stand for to pods; 0: nothing. */
static __always_inline __u64 find_frontend(const struct ip_address *asked, __be16 port, __u8 protocol) {
  struct ip_address address = *asked;
  __u64 word = find_exact(&address, port, protocol);

  if (word == 0 && is_node_port(port) && is_node_address(&address))
    word = find_node_port(&address, port, protocol);
  /* CVE-2020-8554: else whoever may make a service could take pods' connections to any address. */
  return word_flags(word) & FRONTEND_NOT_INTERNAL ? 0 : word;
}

/* Aims the packet at the backend with this number. */
static __always_inline int take_backend(struct packet *packet, const struct endpoint *pod, __u64 word, __u32 number) {
  const struct backend *chosen = bpf_map_lookup_elem(&backend, &number);

  if (!chosen)
    return DROP_NO_SERVICE;
  if (packet->flow.protocol == IPPROTO_SCTP && chosen->port != packet->asked_port)
    return DROP_CSUM_L4;
  packet->backend = number;
  packet->epoch = (__u16)chosen->epoch;
  packet->translation = word_vip(word) | word_epoch(word) << TRANSLATION_VIP_BITS;
  packet->service = SERVICE_CHOSEN;
  packet->is_node_port = (word_flags(word) & FRONTEND_NODE_PORT) != 0;
  packet->is_counted = packet->flow.protocol == IPPROTO_TCP && word_flags(word) & FRONTEND_CONFIGURED;
  packet->is_hairpin = is_own(pod, &chosen->address, packet->is_ipv6) != 0;
  packet->is_sibling =
      !packet->is_hairpin && pod->flags & ENDPOINT_SIBLINGS && is_sibling(&packet->local_address, &chosen->address);
  aim(packet, &chosen->address, chosen->port, packet->sent_port);
  return DROP_NONE;
}

/* Chooses a backend for what the pod asks for, if that is a service; else leaves the packet as it is. */
__noinline int choose(struct packet *packet, const struct endpoint *pod, __u64 now) {
  struct ends asking;
  __u64 word;
  int index;

  if (!packet || !pod)
    return DROP_INVALID;
  word = find_frontend(&packet->flow.peer_address, packet->flow.peer_port, packet->flow.protocol);
  if (word == 0 || packet->is_later_fragment)
    return DROP_NONE;
  /* What answers or ends a connection that is not known would only disturb a backend that never saw it. */
  if (!may_start_flow(packet))
    return DROP_NAT_NO_MAPPING;
  asking.source = packet->local_address;
  asking.destination = packet->flow.peer_address;
  asking.source_port = packet->flow.local_port;
  asking.destination_port = packet->flow.peer_port;
  index = choose_index(&asking, packet->flow.protocol, word, (word_flags(word) & FRONTEND_INTERNAL_LOCAL) != 0, now);
  if (index <= 0)
    return index == SERVICE_REFUSED ? DROP_NO_SERVICE : DROP_NOT_LOCAL;
  return take_backend(packet, pod, word, (__u32)index);
}

/*
 * A packet whose flow has the ends of another one of the pod's, which is translated otherwise. Connections cannot move:
 * the later one is dropped until the other is closed. Datagrams can: those to the backend's own address keep the ends,
 * those by way of the service get other ones.
 */
__noinline int part(struct packet *packet, const struct endpoint *pod, const struct flow_state *state, __u64 now) {
  if (!packet || !pod || !state)
    return DROP_INVALID;
  if (packet->flow.protocol != IPPROTO_UDP && !(is_opening(packet) && state->flags & FLOW_CLOSING))
    return DROP_NAT_NO_MAPPING;
  if (packet->flow.protocol != IPPROTO_UDP || packet->service == SERVICE_NONE) {
    unsettle(packet, state);
    return DROP_NONE;
  }
  aim_back(packet);
  return choose(packet, pod, now);
}

/* Whether a pod that asks for this is refused: the service has no backend. */
static __always_inline int is_refused(const struct flow_key *asked) {
  __u64 word = find_frontend(&asked->peer_address, asked->peer_port, asked->protocol);
  __u32 index = word_service(word);
  struct service *extents;

  if (word == 0 || word_flags(word) & FRONTEND_INTERNAL_LOCAL)
    return 0;
  extents = bpf_map_lookup_elem(&service, &index);
  return extents && load_word(&extents->cluster) >> EXTENT_COUNT_SHIFT == 0;
}

/* A connection ended: its backend has one less. */
__noinline int count_closed(const struct packet *packet, const struct flow_state *state) {
  struct flow_state *choice;
  struct backend *chosen;
  __u32 index;

  if (!packet || !state)
    return 0;
  choice = find_choice(packet, state);
  if (!choice)
    return 0;
  index = choice->decision;
  chosen = bpf_map_lookup_elem(&backend, &index);
  if (chosen && is_chosen(chosen, choice) && counts_load(chosen->service))
    remove_load(index, chosen->epoch);
  return 0;
}

/* Notes what the pod asked for. */
static __always_inline void note_asked(struct packet *packet) {
  packet->asked_address = packet->flow.peer_address;
  packet->asked_port = packet->flow.peer_port;
  packet->sent_port = packet->flow.local_port;
}

/*
 * Aims a packet at the backend that was chosen before. Not 0: it does not take this one, and choose() is to be asked.
 */
__noinline int translate(struct packet *packet, struct flow_state *choice, __u64 now) {
  struct flow_state *state;
  struct backend *chosen;
  __u32 index, flags;
  int is_open;

  if (!packet || !choice)
    return 1;
  index = choice->decision;
  chosen = bpf_map_lookup_elem(&backend, &index);
  if (!chosen || chosen->state == BACKEND_FREE || !is_chosen(chosen, choice))
    return 1;
  is_open = opens(packet);
  if (chosen->state != BACKEND_ACTIVE && !packet->is_later_fragment &&
      (is_open || (packet->flow.protocol == IPPROTO_UDP && chosen->state == BACKEND_GONE)))
    return 1;
  flags = choice->flags;
  packet->translation = choice->translation;
  packet->backend = index;
  packet->service = SERVICE_KNOWN;
  packet->is_hairpin = (flags & FLOW_HAIRPIN) != 0;
  packet->is_sibling = (flags & FLOW_SIBLING) != 0;
  aim(packet, &chosen->address, chosen->port, port_of(flags, packet->sent_port));
  /* Of all others when the packet has passed. */
  if (packet->is_hairpin && is_older(choice->last_seen, now, SECOND))
    choice->last_seen = now;
  if (!is_open)
    return 0;
  /* The first packet again, or another connection from the port of an older one: that is free to go elsewhere. */
  {
    struct flow_key key = packet->flow;

    state = live_flow(&key, now);
  }
  if (state && !(state->flags & FLOW_CLOSING) && is_same_translation(state, packet))
    return 0;
  aim_back(packet);
  return 1;
}

#endif
