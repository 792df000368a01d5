/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_NODE_ROUTING_H
#define TERWAYKIT_NODE_ROUTING_H

/* How packets leave the node again: one hop less, by the device that the route names. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "drop.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "rewriting.h"

/* Set by the loader: where this node's own connections to other nodes come from. Zero: no such family. */
const volatile struct ip_address masquerade_address4 = {};
const volatile struct ip_address masquerade_address6 = {};

#define ADDRESS_FAMILY4 2
#define ADDRESS_FAMILY6 10

/* Word by word: a copy of the whole would drop `volatile`, and the compiler then knows that it is zero. */
static __always_inline void set_constant_address(struct ip_address *address,
                                                 const volatile struct ip_address *constant) {
  for (int index = 0; index < 4; index++)
    address->word[index] = constant->word[index];
}

/* This node as other nodes see it; the unspecified address where it has none of the family. */
static __always_inline void set_own_address(struct ip_address *address, int is_ipv6) {
  set_constant_address(address, is_ipv6 ? &masquerade_address6 : &masquerade_address4);
}

static __always_inline int reject(struct __sk_buff *skb, __u32 reason) {
  count_drop(skb, reason);
  return TC_ACT_SHOT;
}

/* One router on the way: -1 where the packet has had enough of them. */
static __always_inline long count_hop(struct __sk_buff *skb, const struct packet *packet) {
  __u8 before[2], after[2];
  const __u32 place = sizeof(struct ethhdr) + (packet->is_ipv6 ? 7 : 8);

  if (bpf_skb_load_bytes(skb, place, before, packet->is_ipv6 ? 1 : 2) != 0 || before[0] <= 1)
    return -1;
  after[0] = before[0] - 1;
  after[1] = before[1];
  if (packet->is_ipv6)
    return bpf_skb_store_bytes(skb, place, after, 1, 0);
  if (bpf_l3_csum_replace(skb, HEADER_CHECKSUM4, *(__be16 *)before, *(__be16 *)after, 2) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, place, after, 2, 0);
}

/*
 * The device by which a packet between these ends leaves: the route's. Where that says nothing (the device does not
 * forward) it is the one that the packet came by. `length`: of the packet, from its IP header on, or 0; then what the
 * way takes if that is less, else 0.
 */
static __always_inline __u32 find_device(struct __sk_buff *skb, const struct ends *ends, int is_ipv6, __u8 protocol,
                                         __u32 *length) {
  struct bpf_fib_lookup route = {};
  __u32 wanted = *length, mtu = 0;
  long found;

  route.family = is_ipv6 ? ADDRESS_FAMILY6 : ADDRESS_FAMILY4;
  route.l4_protocol = protocol;
  route.ifindex = skb->ifindex;
  route.tot_len = wanted;
  if (is_ipv6) {
    __builtin_memcpy(route.ipv6_src, &ends->source, 16);
    __builtin_memcpy(route.ipv6_dst, &ends->destination, 16);
  } else {
    route.ipv4_src = ends->source.word[3];
    route.ipv4_dst = ends->destination.word[3];
  }
  found = bpf_fib_lookup(skb, &route, sizeof(route), 0);
  *length = 0;
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED && wanted != 0) {
    *length = route.mtu_result;
    return skb->ifindex;
  }
  if (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH)
    return route.ifindex;
  if (wanted != 0 && bpf_check_mtu(skb, skb->ifindex, &mtu, 0, 0) >= 0 && wanted > mtu)
    *length = mtu;
  return skb->ifindex;
}

/* Out again; neighbours are the kernel's business. */
__noinline int send_on(struct __sk_buff *skb, const struct packet *packet, const struct ends *to) {
  __u32 length = 0;

  if (!packet || !to || count_hop(skb, packet) != 0)
    return TC_ACT_SHOT;
  return (int)bpf_redirect_neigh(find_device(skb, to, packet->is_ipv6, packet->flow.protocol, &length), 0, 0, 0);
}

#endif
