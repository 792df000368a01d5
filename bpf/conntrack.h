/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_CONNTRACK_H
#define TERWAYKIT_CONNTRACK_H

/*
 * Connection tracking: one entry per endpoint and flow, found from packets of both directions. Nothing sweeps it;
 * lifetimes are checked when an entry is met, and the map evicts what was not met for longest.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "packet.h"
#include "pod_maps.h"
#include "transport.h"

#define SECOND 1000000000ull

/* How long a flow lives without a packet. */
#define LIFETIME_ESTABLISHED   (8000 * SECOND) /* TCP and SCTP that both sides took part in */
#define LIFETIME_OPENING       (60 * SECOND)   /* TCP and SCTP without a reply */
#define LIFETIME_CLOSING       (10 * SECOND)   /* TCP after RST or FIN of both sides */
#define LIFETIME_UDP           (60 * SECOND)
#define LIFETIME_UDP_UNREPLIED (30 * SECOND)
#define LIFETIME_ECHO          (30 * SECOND)
#define LIFETIME_FRAGMENT      (30 * SECOND) /* as net.ipv4.ipfrag_time */

static __always_inline __u64 lifetime(__u8 protocol, __u32 flags) {
  if (protocol == IPPROTO_UDP)
    return flags & FLOW_REPLIED ? LIFETIME_UDP : LIFETIME_UDP_UNREPLIED;
  if (is_icmp(protocol))
    return LIFETIME_ECHO;
  if (flags & FLOW_CLOSING)
    return LIFETIME_CLOSING;
  return flags & FLOW_REPLIED ? LIFETIME_ESTABLISHED : LIFETIME_OPENING;
}

/* Signed: another CPU may have stored a time that is later than the one this CPU read. */
static __always_inline int is_older(__u64 since, __u64 now, __u64 limit) {
  return (__s64)(now - since) > (__s64)limit;
}

static __always_inline __u32 direction_flag(__u8 direction) {
  return direction == FLOW_EGRESS ? FLOW_FROM_POD : FLOW_TO_POD;
}

static __always_inline struct flow_state *live_flow(const struct flow_key *key, __u64 now) {
  struct flow_state *state = bpf_map_lookup_elem(&flow, key);

  if (state && is_older(state->last_seen, now, lifetime(key->protocol, state->flags)))
    return 0;
  return state;
}

/* A TCP packet that can only be the first of a connection. */
static __always_inline int is_opening(const struct packet *packet) {
  return packet->flow.protocol == IPPROTO_TCP &&
         (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/*
 * Whether an allowed packet without a flow starts one. A TCP packet from the middle of a connection does (the entry may
 * have been evicted, or be older than the datapath); one that answers or ends a connection does not, because it would
 * turn the flow's direction round. Nor does a later fragment, which carries no flags.
 */
static __always_inline int may_start_flow(const struct packet *packet) {
  if (packet->is_later_fragment)
    return 0;
  if (packet->flow.protocol != IPPROTO_TCP)
    return 1;
  if (packet->tcp_flags & (TCP_RST | TCP_FIN))
    return 0;
  return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
}

/*
 * Notes a packet of the flow. Stores are rare on purpose: both directions may be on different CPUs, and a cache line
 * that both write is what connection tracking costs. Not 0: this packet is the one that closes it.
 */
static __always_inline int note_packet(struct flow_state *state, const struct packet *packet, int is_reply, __u64 now) {
  __u32 flags = *(volatile __u32 *)&state->flags;
  __u32 seen = is_reply ? FLOW_REPLIED : 0;
  int closes = 0;

  if (packet->flow.protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_FIN | TCP_RST)) {
    if (packet->tcp_flags & TCP_RST)
      seen |= FLOW_CLOSING;
    if (packet->tcp_flags & TCP_FIN)
      seen |= is_reply ? FLOW_REPLY_FIN : FLOW_FORWARD_FIN;
    if (((flags | seen) & (FLOW_FORWARD_FIN | FLOW_REPLY_FIN)) == (FLOW_FORWARD_FIN | FLOW_REPLY_FIN))
      seen |= FLOW_CLOSING;
  }
  if (seen & ~flags)
    closes = ~__sync_fetch_and_or(&state->flags, seen) & seen & FLOW_CLOSING;
  if (is_older(state->last_seen, now, SECOND))
    state->last_seen = now;
  return closes;
}

/* Starts a flow with this packet, or starts it over. `flags`: beside its direction. 0, or why the map refused. */
static __always_inline long start_flow(const struct flow_key *key, const struct packet *packet, const __u8 direction,
                                       __u32 flags, __u64 now) {
  struct flow_state state = {
      .last_seen = now,
      .flags = direction_flag(direction) | flags,
      .decision = packet->decision,
      .generation = packet->generation,
      .translation = packet->translation,
  };

  return bpf_map_update_elem(&flow, key, &state, BPF_ANY);
}

/* The datagram as it is on the wire: later fragments of what the pod sends to a service name the service. */
static __always_inline struct fragment_key fragment_key_of(const struct packet *packet) {
  struct fragment_key key = {};

  key.peer_address = packet->service == SERVICE_NONE ? packet->flow.peer_address : packet->asked_address;
  key.local_address = packet->local_address;
  key.endpoint = packet->endpoint;
  key.identification = packet->identification;
  key.protocol = packet->is_ipv6 ? 0 : packet->flow.protocol;
  key.direction = packet->direction;
  return key;
}

/* A first fragment that passed lends its ports to the later ones. */
__noinline int remember_fragment(const struct packet *packet, __u64 now) {
  struct fragment value = {.first_seen = now};
  struct fragment_key key;

  if (!packet)
    return 0;
  key = fragment_key_of(packet);
  value.peer_port = packet->service == SERVICE_NONE ? packet->flow.peer_port : packet->asked_port;
  value.local_port = packet->service == SERVICE_NONE ? packet->flow.local_port : packet->sent_port;
  value.protocol = packet->flow.protocol;
  value.kind = packet->kind;
  /* A failure costs the later fragments their ports, not the first its way. */
  return (int)bpf_map_update_elem(&fragment, &key, &value, BPF_ANY);
}

/* Gives a later fragment the ports of the first, if that one passed lately. */
__noinline int recall_fragment(struct packet *packet, __u64 now) {
  struct fragment_key key;
  struct fragment *value;

  if (!packet)
    return 0;
  key = fragment_key_of(packet);
  value = bpf_map_lookup_elem(&fragment, &key);
  if (!value || is_older(value->first_seen, now, LIFETIME_FRAGMENT))
    return 0;
  packet->flow.peer_port = value->peer_port;
  packet->flow.local_port = value->local_port;
  packet->flow.protocol = value->protocol;
  packet->kind = value->kind;
  return 1;
}

#endif
