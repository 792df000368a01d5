/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_ADDRESSES_H
#define TERWAYKIT_SERVICE_ADDRESSES_H

/*
 * What nobody serves at an address that only services have: ports that are none of theirs, and echo requests. Both are
 * left alone unless the loader says otherwise.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/service_abi.h"
#include "packet.h"
#include "refusal.h"
#include "rewriting.h"
#include "transport.h"

/* Set by the loader. */
const volatile __u32 refuse_unknown_ports = 0;
const volatile __u32 answer_echoes = 0;

/* Such addresses. Written by user space; full: refused. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct ip_address);
  __type(value, struct present);
} service_address SEC(".maps");

static __always_inline int is_service_address(const struct ip_address *address) {
  struct ip_address key = *address;

  return bpf_map_lookup_elem(&service_address, &key) != 0;
}

/* Whether an echo request is to be answered in a service's name. */
static __always_inline int asks_echo(const struct packet *packet) {
  return answer_echoes && packet->kind == PACKET_FLOW && is_icmp(packet->flow.protocol) && !packet->is_first_fragment &&
         !packet->is_later_fragment &&
         packet->transport_offset ==
             sizeof(struct ethhdr) + (packet->is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) &&
         is_service_address(&packet->local_address);
}

/* The request becomes its answer: the ends change places, which no checksum feels, and it has all hops before it. */
__noinline int answer_echo(struct __sk_buff *skb, const struct packet *packet) {
  __u8 old_hops[2], new_hops[2], old_type[2], new_type[2];
  __u32 place, hops;
  long status;

  if (!packet)
    return TC_ACT_SHOT;
  place = sizeof(struct ethhdr) + (packet->is_ipv6 ? 8 : 12);
  hops = sizeof(struct ethhdr) + (packet->is_ipv6 ? 6 : 8);
  if (bpf_skb_load_bytes(skb, packet->transport_offset, old_type, sizeof(old_type)) != 0 ||
      bpf_skb_load_bytes(skb, hops, old_hops, sizeof(old_hops)) != 0)
    return TC_ACT_SHOT;
  new_type[0] = packet->is_ipv6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY;
  new_type[1] = old_type[1];
  new_hops[0] = packet->is_ipv6 ? old_hops[0] : 64;
  new_hops[1] = packet->is_ipv6 ? 64 : old_hops[1];
  if (!packet->is_ipv6 && bpf_l3_csum_replace(skb, HEADER_CHECKSUM4, *(__be16 *)old_hops, *(__be16 *)new_hops, 2) != 0)
    return TC_ACT_SHOT;
  if (bpf_l4_csum_replace(skb, packet->transport_offset + 2, *(__be16 *)old_type, *(__be16 *)new_type, 2) != 0 ||
      bpf_skb_store_bytes(skb, packet->transport_offset, new_type, sizeof(new_type), 0) != 0 ||
      bpf_skb_store_bytes(skb, hops, new_hops, sizeof(new_hops), 0) != 0)
    return TC_ACT_SHOT;
  if (packet->is_ipv6) {
    struct ip_address ends[2] = {packet->local_address, packet->flow.peer_address};

    status = bpf_skb_store_bytes(skb, place, ends, sizeof(ends), 0);
  } else {
    __be32 ends[2] = {packet->local_address.word[3], packet->flow.peer_address.word[3]};

    status = bpf_skb_store_bytes(skb, place, ends, sizeof(ends), 0);
  }
  return status == 0 && swap_stations(skb) == 0 ? send_back(skb) : TC_ACT_SHOT;
}

#endif
