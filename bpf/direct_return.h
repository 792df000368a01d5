/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_DIRECT_RETURN_H
#define TERWAYKIT_DIRECT_RETURN_H

/*
 * Direct server return: a client's packet goes as it is, in another one, to the node of the backend. That node
 * translates it as if it had come there itself, and the reply to the client never sees this node.
 *
 * The outer packet is UDP to the backend's own address, which the fabric brings to its node, with a Geneve header (RFC
 * 8926) that names the backend's port. So nobody has to know which pod is on which node, the client's packet keeps its
 * checksums, and the service's address travels where it belongs: in the packet. What is encapsulated is believed if a
 * node sent it (`node_peer`), and then it is still held against this node's own services.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "include/node_abi.h"
#include "local_pods.h"
#include "node_flows.h"
#include "node_routing.h"
#include "packet.h"
#include "parsing.h"
#include "refusal.h"
#include "service.h"

/* Set by the loader: the UDP port of encapsulated packets. 0: there is no direct return, and none of this is left. */
const volatile __u16 direct_port = 0;

/* Addresses of the other nodes. Written by user space. Full: refused; that node's packets are not taken. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct ip_address);
  __type(value, struct present);
} node_peer SEC(".maps");

/* The first byte of the network identifier: what else has this port is not ours. */
#define GENEVE_TAG 0x54

/* Geneve without options. */
struct geneve_header {
  __u8 version; /* and the length of options */
  __u8 flags;
  __be16 protocol;
  __u8 tag;     /* of the network identifier, the first of three bytes */
  __u8 port[2]; /* the other two: the backend's port */
  __u8 reserved;
};
_Static_assert(sizeof(struct geneve_header) == 8, "struct geneve_header");

/* What is put in front of a client's packet. */
struct outer4 {
  struct iphdr ip;
  struct udphdr udp;
  struct geneve_header geneve;
};
_Static_assert(sizeof(struct outer4) == 36, "struct outer4");

struct outer6 {
  struct ipv6hdr ip;
  struct udphdr udp;
  struct geneve_header geneve;
};
_Static_assert(sizeof(struct outer6) == 56, "struct outer6");

/* Beyond the ports that sockets get, so that no reply to one is meant by an error about this. */
#define OUTER_PORT_FIRST 49152
#define OUTER_PORT_MASK  16383

#define ECN_CONGESTED 3

static __always_inline int is_node_peer(const struct ip_address *address) {
  struct ip_address key = *address;

  return bpf_map_lookup_elem(&node_peer, &key) != 0;
}

/* Whether a backend is on this node: a pod, or a program of the node itself. */
static __always_inline int is_here(const struct ip_address *address) {
  struct ip_address key = *address;

  return bpf_map_lookup_elem(&local_pod, &key) || is_node_address(&key);
}

/* Whether a service is served by direct return, where this node does that at all. */
static __always_inline int is_direct_service(__u64 word) {
  __u32 index = word_service(word);
  struct service_config *config;

  if (direct_port == 0 || !(word_flags(word) & FRONTEND_CONFIGURED))
    return 0;
  config = bpf_map_lookup_elem(&service_config, &index);
  return config && config->flags & SERVICE_DSR;
}

static __always_inline __u32 outer_length(int is_ipv6) {
  return is_ipv6 ? sizeof(struct outer6) : sizeof(struct outer4);
}

static __always_inline void set_geneve(struct geneve_header *geneve, __be16 protocol, __be16 port) {
  geneve->version = geneve->flags = geneve->reserved = 0;
  geneve->protocol = protocol;
  geneve->tag = GENEVE_TAG;
  __builtin_memcpy(geneve->port, &port, sizeof(port));
}

/* The inner packet's class of traffic, which the outer one has too. */
static __always_inline __u8 traffic_class(struct __sk_buff *skb, int is_ipv6) {
  __u8 start[2] = {};

  if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), start, sizeof(start)) != 0)
    return 0;
  return is_ipv6 ? (__u8)(start[0] << 4 | start[1] >> 4) : start[1];
}

static __always_inline long put_outer4(struct __sk_buff *skb, const struct ends *ends, __be16 port, __u32 length,
                                       __u8 class) {
  struct outer4 outer = {};

  outer.ip.version = 4;
  outer.ip.ihl = 5;
  outer.ip.tos = class;
  outer.ip.tot_len = bpf_htons(sizeof(outer) + length);
  outer.ip.frag_off = bpf_htons(0x4000);
  outer.ip.ttl = 64;
  outer.ip.protocol = IPPROTO_UDP;
  outer.ip.saddr = ends->source.word[3];
  outer.ip.daddr = ends->destination.word[3];
  outer.ip.check = changed_checksum(0xffff, bpf_csum_diff(0, 0, (__be32 *)&outer.ip, sizeof(outer.ip), 0));
  outer.udp.source = ends->source_port;
  outer.udp.dest = ends->destination_port;
  outer.udp.len = bpf_htons(sizeof(outer.udp) + sizeof(outer.geneve) + length);
  set_geneve(&outer.geneve, bpf_htons(ETH_P_IP), port);
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer, sizeof(outer), 0);
}

/* Without a checksum, as tunnels may (RFC 6935): what it would cover has checksums of its own. */
static __always_inline long put_outer6(struct __sk_buff *skb, const struct ends *ends, __be16 port, __u32 length,
                                       __u8 class) {
  struct outer6 outer = {};

  outer.ip.version = 6;
  outer.ip.priority = class >> 4;
  outer.ip.flow_lbl[0] = class << 4;
  outer.ip.payload_len = bpf_htons(sizeof(outer.udp) + sizeof(outer.geneve) + length);
  outer.ip.nexthdr = IPPROTO_UDP;
  outer.ip.hop_limit = 64;
  __builtin_memcpy(&outer.ip.saddr, &ends->source, 16);
  __builtin_memcpy(&outer.ip.daddr, &ends->destination, 16);
  outer.udp.source = ends->source_port;
  outer.udp.dest = ends->destination_port;
  outer.udp.len = outer.ip.payload_len;
  set_geneve(&outer.geneve, bpf_htons(ETH_P_IPV6), port);
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer, sizeof(outer), 0);
}

/* Tells the client how long its packets may be. */
__noinline int refuse_length(struct __sk_buff *skb, const struct packet *packet, __u32 length) {
  struct icmp_header start = {};

  if (!packet)
    return TC_ACT_SHOT;
  start.type = packet->is_ipv6 ? ICMPV6_PACKET_TOO_BIG : ICMP_UNREACHABLE;
  start.code = packet->is_ipv6 ? 0 : ICMP_FRAGMENTATION_NEEDED;
  start.sequence = bpf_htons((__u16)length);
  return answer(skb, packet, &start);
}

/*
 * A client's packet to the node of `flow`'s backend. A segment that is longer than what the way takes is told so,
 * unless it is one of many in a buffer of the kernel's, which are cut shorter.
 */
__noinline int encapsulate(struct __sk_buff *skb, const struct packet *packet, const struct node_flow *flow) {
  __u64 grow = BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
  __u32 length = skb->len - sizeof(struct ethhdr);
  struct node_work *work = find_work();
  __u32 added, device, whole;
  struct ends ends = {};
  __u8 class;

  if (!packet || !flow || !work || count_hop(skb, packet) != 0)
    return TC_ACT_SHOT;
  added = outer_length(packet->is_ipv6);
  set_own_address(&ends.source, packet->is_ipv6);
  ends.destination = flow->destination;
  ends.source_port = bpf_htons(OUTER_PORT_FIRST + (bpf_get_hash_recalc(skb) & OUTER_PORT_MASK));
  ends.destination_port = bpf_htons(direct_port);
  class = traffic_class(skb, packet->is_ipv6);
  /* Of many segments the longest there can be: the TCP header may have options. */
  whole = added + length;
  if (skb->gso_size != 0)
    whole = added + packet->transport_offset - sizeof(struct ethhdr) + skb->gso_size +
            (packet->flow.protocol == IPPROTO_TCP ? 60 : sizeof(struct udphdr));
  device = find_device(skb, &ends, packet->is_ipv6, IPPROTO_UDP, &whole);
  if (whole != 0 && (skb->gso_size == 0 || packet->flow.protocol != IPPROTO_TCP)) {
    work->length = whole > added ? whole - added : 0;
    return TOO_LONG;
  }
  grow |= packet->is_ipv6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
  if (whole == 0)
    grow |= BPF_F_ADJ_ROOM_FIXED_GSO;
  if (bpf_skb_adjust_room(skb, (__s32)added, BPF_ADJ_ROOM_MAC, grow) != 0 ||
      (packet->is_ipv6 ? put_outer6(skb, &ends, flow->destination_port, length, class)
                       : put_outer4(skb, &ends, flow->destination_port, length, class)) != 0)
    return reject(skb, DROP_INVALID);
  count_node_packet(skb, NODE_COUNT_ENCAPSULATED);
  return (int)bpf_redirect_neigh(device, 0, 0, 0);
}

/* encapsulate(), with an answer to who sends too long packets: one after the other, for the stack. */
static __always_inline int send_direct(struct __sk_buff *skb, const struct packet *packet, const struct node_flow *flow,
                                       const struct node_work *work) {
  int verdict = encapsulate(skb, packet, flow);

  if (verdict != TOO_LONG)
    return verdict;
  reject(skb, DROP_FRAG_NEEDED);
  return work->length != 0 ? refuse_length(skb, packet, work->length) : TC_ACT_SHOT;
}

/* Whether a packet may be one of encapsulate()'s. */
static __always_inline int may_be_encapsulated(const struct packet *packet) {
  return direct_port != 0 && packet->kind == PACKET_FLOW && packet->flow.protocol == IPPROTO_UDP &&
         packet->flow.local_port == bpf_htons(direct_port) && !packet->is_later_fragment;
}

/*
 * Takes a client's packet out of the one that it came in, and reads it. A drop_reason, or NOT_OURS: no node puts such a
 * thing to a backend on this node. What it is for is then in work->named.
 */
__noinline int decapsulate(struct __sk_buff *skb, struct packet *packet) {
  struct node_work *work = find_work();
  struct geneve_header geneve;
  __u32 added;
  __u8 class;
  int reason;

  if (!packet || !work ||
      bpf_skb_load_bytes(skb, packet->transport_offset + sizeof(struct udphdr), &geneve, sizeof(geneve)) != 0)
    return NOT_OURS;
  if (geneve.tag != GENEVE_TAG || !is_here(&packet->local_address))
    return NOT_OURS;
  if (!is_node_peer(&packet->flow.peer_address))
    return DROP_UNKNOWN_SENDER;
  added = outer_length(packet->is_ipv6);
  if (packet->is_first_fragment || geneve.version != 0 || geneve.flags != 0 || geneve.reserved != 0 ||
      geneve.protocol != (packet->is_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)) ||
      packet->transport_offset + sizeof(struct udphdr) + sizeof(geneve) != sizeof(struct ethhdr) + added)
    return DROP_INVALID;
  work->named.address = packet->local_address;
  __builtin_memcpy(&work->named.port, geneve.port, sizeof(work->named.port));
  if (work->named.port == 0)
    return DROP_INVALID;
  class = traffic_class(skb, packet->is_ipv6);
  count_node_packet(skb, NODE_COUNT_DECAPSULATED);
  if (bpf_skb_adjust_room(skb, -(__s32)added, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) != 0)
    return DROP_INVALID;
  /* Congestion that a router noted on the outer packet (RFC 6040): who does not understand it has to lose the packet.
   */
  if ((class & ECN_CONGESTED) == ECN_CONGESTED && bpf_skb_ecn_set_ce(skb) == 0)
    return DROP_INVALID;
  __builtin_memset(packet, 0, sizeof(*packet));
  packet->direction = FLOW_INGRESS;
  reason = parse(skb, packet, FLOW_INGRESS);
  return reason == DROP_INVALID ? parse_again(skb, packet) : reason;
}

#endif
