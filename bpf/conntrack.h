/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_CONNTRACK_H
#define TERWAYKIT_CONNTRACK_H

/*
 * Connection tracking: one entry per endpoint and flow, found from packets of both directions. Nothing sweeps it;
 * lifetimes are checked when an entry is met, and the map evicts what was not met for longest.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "extensions.h"
#include "include/endpoint_abi.h"
#include "packet.h"
#include "pod_maps.h"

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
 * that both write is what connection tracking costs.
 */
static __always_inline void note_packet(struct flow_state *state, const struct packet *packet, int is_reply,
                                        __u64 now) {
  __u32 flags = *(volatile __u32 *)&state->flags;
  __u32 seen = is_reply ? FLOW_REPLIED : 0;

  if (packet->flow.protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_FIN | TCP_RST)) {
    if (packet->tcp_flags & TCP_RST)
      seen |= FLOW_CLOSING;
    if (packet->tcp_flags & TCP_FIN)
      seen |= is_reply ? FLOW_REPLY_FIN : FLOW_FORWARD_FIN;
    if (((flags | seen) & (FLOW_FORWARD_FIN | FLOW_REPLY_FIN)) == (FLOW_FORWARD_FIN | FLOW_REPLY_FIN))
      seen |= FLOW_CLOSING;
  }
  if (seen & ~flags)
    __sync_fetch_and_or(&state->flags, seen);
  if (is_older(state->last_seen, now, SECOND))
    state->last_seen = now;
}

/* Starts a flow with this packet, or starts it over. 0, or why the map refused. */
static __always_inline long start_flow(const struct packet *packet, const __u8 direction, __u64 now) {
  struct flow_state state = {
      .last_seen = now,
      .flags = direction_flag(direction),
      .decision = packet->decision,
      .generation = packet->generation,
  };

  return bpf_map_update_elem(&flow, &packet->flow, &state, BPF_ANY);
}

/* What an ICMP error quotes: where its transport header begins, if it is the beginning of a packet. */
struct quotation {
  struct flow_key flow; /* without ports */
  struct ip_address local_address;
  __u32 transport_offset;
};

static __always_inline int read_quoted_ipv4(struct __sk_buff *skb, __u32 offset, int is_from_pod,
                                            struct quotation *quoted) {
  struct iphdr ip;

  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) != 0)
    return 0;
  if (ip.version != 4 || ip.ihl < 5 || ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
    return 0;
  quoted->flow.protocol = ip.protocol;
  quoted->flow.peer_address.word[2] = bpf_htonl(0xffff);
  quoted->flow.peer_address.word[3] = is_from_pod ? ip.daddr : ip.saddr;
  quoted->local_address.word[3] = is_from_pod ? ip.saddr : ip.daddr;
  quoted->transport_offset = offset + ip.ihl * 4u;
  return 1;
}

static __always_inline int read_quoted_ipv6(struct __sk_buff *skb, __u32 offset, int is_from_pod,
                                            struct quotation *quoted) {
  struct extension_walk walk = {.offset = offset + sizeof(struct ipv6hdr), .length = skb->len};
  struct ipv6hdr ip;

  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) != 0 || ip.version != 6)
    return 0;
  walk.protocol = ip.nexthdr;
  if (walk_extensions(skb, &walk) != DROP_NONE || walk.place & bpf_htons(IPV6_FRAGMENT_OFFSET))
    return 0;
  quoted->flow.protocol = walk.protocol;
  __builtin_memcpy(&quoted->flow.peer_address, is_from_pod ? &ip.daddr : &ip.saddr, 16);
  __builtin_memcpy(&quoted->local_address, is_from_pod ? &ip.saddr : &ip.daddr, 16);
  quoted->transport_offset = walk.offset;
  return !is_mapped(&quoted->flow.peer_address);
}

/*
 * Whether an ICMP error quotes a packet of a live flow of this endpoint. An error to the pod quotes what the pod sent,
 * and the other way round. Off the fast path, so the quoted headers are copied rather than walked in place.
 */
__noinline int quotes_live_flow(struct __sk_buff *skb, const struct packet *packet, const struct endpoint *pod,
                                __u64 now) {
  __u32 offset;
  int is_from_pod;
  struct quotation quoted = {};
  struct flow_key key;
  __be16 start[4]; /* the 8 bytes of transport header that every error quotes (RFC 792) */
  __u8 protocol, type;

  if (!packet || !pod)
    return 0;
  is_from_pod = packet->direction == FLOW_INGRESS;
  offset = packet->transport_offset + sizeof(struct icmp_header);
  if (!(packet->is_ipv6 ? read_quoted_ipv6(skb, offset, is_from_pod, &quoted)
                        : read_quoted_ipv4(skb, offset, is_from_pod, &quoted)))
    return 0;
  if (!is_own(pod, &quoted.local_address, packet->is_ipv6))
    return 0;
  if (bpf_skb_load_bytes(skb, quoted.transport_offset, start, sizeof(start)) != 0)
    return 0;
  key = quoted.flow;
  key.endpoint = (__u16)packet->endpoint;
  protocol = key.protocol;
  if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
    key.local_port = is_from_pod ? start[0] : start[1];
    key.peer_port = is_from_pod ? start[1] : start[0];
  } else if (protocol == packet->flow.protocol) { /* the family's ICMP */
    int is_request;

    type = *(__u8 *)start;
    is_request = packet->is_ipv6 ? is_echo_request(type, IPPROTO_ICMPV6) : is_echo_request(type, IPPROTO_ICMP);
    if (!is_request && !(packet->is_ipv6 ? is_echo_reply(type, IPPROTO_ICMPV6) : is_echo_reply(type, IPPROTO_ICMP)))
      return 0;
    set_echo_ports(&key, is_request, is_from_pod ? FLOW_EGRESS : FLOW_INGRESS, start[2]);
  } else {
    return 0;
  }
  return live_flow(&key, now) != 0;
}

static __always_inline struct fragment_key fragment_key_of(const struct packet *packet) {
  struct fragment_key key = {};

  key.peer_address = packet->flow.peer_address;
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
  value.peer_port = packet->flow.peer_port;
  value.local_port = packet->flow.local_port;
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
