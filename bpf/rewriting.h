/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_REWRITING_H
#define TERWAYKIT_REWRITING_H

/*
 * Other addresses and ports in a packet, with the checksums that cover them. Only helpers write: a program that stores
 * into the packet itself gets a prologue from the verifier, which would copy the headers of every segment that TCP may
 * have to send again, whether it is rewritten or not.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"
#include "packet.h"
#include "transport.h"

#define SOURCE_ADDRESS4      (sizeof(struct ethhdr) + 12)
#define DESTINATION_ADDRESS4 (sizeof(struct ethhdr) + 16)
#define HEADER_CHECKSUM4     (sizeof(struct ethhdr) + 10)
#define SOURCE_ADDRESS6      (sizeof(struct ethhdr) + 8)
#define DESTINATION_ADDRESS6 (sizeof(struct ethhdr) + 24)

/* The two ends of a packet. */
struct ends {
  struct ip_address source;
  struct ip_address destination;
  __be16 source_port;
  __be16 destination_port;
};
_Static_assert(__builtin_offsetof(struct ends, destination) == 16, "addresses side by side, as in an IPv6 header");

/* What the ends of a packet are, and what they are to be. */
struct rewriting {
  struct ends from;
  struct ends to;
};

/* Where the transport's checksum is in its header; 0: what cannot be mended (SCTP), or need not. */
static __always_inline __u32 checksum_place(__u8 protocol) {
  if (protocol == IPPROTO_TCP)
    return 16;
  if (protocol == IPPROTO_ICMPV6)
    return 2;
  return protocol == IPPROTO_UDP ? 6 : 0;
}

/*
 * Whether the kernel holds the sum of the whole packet. An address of IPv6 and the checksum that covers it change that
 * sum by nothing, which the helper for pseudo headers does not know: it was made for IPv4, whose header has a checksum
 * of its own. Without the flag it leaves the sum alone, which is right here and wrong where a device is yet to compute
 * the checksum (BPF_F_IPV6 tells the helper, in newer kernels). The helper that asks refuses all other packets.
 */
static __always_inline int has_complete_sum(struct __sk_buff *skb) {
  return bpf_csum_update(skb, 0) >= 0;
}

static __always_inline long rewrite_address4(struct __sk_buff *skb, __u32 place, __u32 checksum, __u64 flags,
                                             __be32 from, __be32 to) {
  if (bpf_l3_csum_replace(skb, HEADER_CHECKSUM4, from, to, sizeof(to)) != 0)
    return -1;
  if (checksum != 0 && bpf_l4_csum_replace(skb, checksum, from, to, flags | BPF_F_PSEUDO_HDR | sizeof(to)) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, place, &to, sizeof(to), 0);
}

static __always_inline long rewrite_address6(struct __sk_buff *skb, __u32 place, __u32 checksum, __u64 flags,
                                             const struct ip_address *from, const struct ip_address *to) {
  struct ip_address old = *from, new = *to;
  __s64 difference;

  if (checksum != 0) {
    difference = bpf_csum_diff(old.word, sizeof(old), new.word, sizeof(new), 0);
    if (bpf_l4_csum_replace(skb, checksum, 0, difference, flags) != 0)
      return -1;
  }
  return bpf_skb_store_bytes(skb, place, &new, sizeof(new), 0);
}

static __always_inline long rewrite_port(struct __sk_buff *skb, __u32 place, __u32 checksum, __u64 flags, __be16 from,
                                         __be16 to) {
  if (checksum == 0)
    return -1;
  if (bpf_l4_csum_replace(skb, checksum, from, to, flags | sizeof(to)) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, place, &to, sizeof(to), 0);
}

/*
 * Rewrites what differs. A later fragment has addresses only. DROP_INVALID where the packet does not let itself be
 * written, which leaves it half done: it has to be dropped.
 */
__noinline int rewrite(struct __sk_buff *skb, const struct packet *packet, const struct rewriting *change) {
  __u32 checksum = 0, transport;
  __u64 flags = 0;

  if (!packet || !change)
    return DROP_INVALID;
  transport = packet->transport_offset;
  if (!packet->is_later_fragment && checksum_place(packet->flow.protocol) != 0) {
    checksum = transport + checksum_place(packet->flow.protocol);
    if (packet->flow.protocol == IPPROTO_UDP)
      flags = BPF_F_MARK_MANGLED_0;
  }
  if (packet->is_ipv6) {
    __u64 pseudo = flags | (has_complete_sum(skb) ? 0 : BPF_F_PSEUDO_HDR);

    if (!is_same(&change->from.source, &change->to.source) &&
        rewrite_address6(skb, SOURCE_ADDRESS6, checksum, pseudo, &change->from.source, &change->to.source) != 0)
      return DROP_INVALID;
    if (!is_same(&change->from.destination, &change->to.destination) &&
        rewrite_address6(skb, DESTINATION_ADDRESS6, checksum, pseudo, &change->from.destination,
                         &change->to.destination) != 0)
      return DROP_INVALID;
  } else {
    __be32 source = change->from.source.word[3], destination = change->from.destination.word[3];

    if (source != change->to.source.word[3] &&
        rewrite_address4(skb, SOURCE_ADDRESS4, checksum, flags, source, change->to.source.word[3]) != 0)
      return DROP_INVALID;
    if (destination != change->to.destination.word[3] &&
        rewrite_address4(skb, DESTINATION_ADDRESS4, checksum, flags, destination, change->to.destination.word[3]) != 0)
      return DROP_INVALID;
  }
  if (packet->is_later_fragment)
    return DROP_NONE;
  if (change->from.source_port != change->to.source_port &&
      rewrite_port(skb, transport, checksum, flags, change->from.source_port, change->to.source_port) != 0)
    return DROP_INVALID;
  if (change->from.destination_port != change->to.destination_port &&
      rewrite_port(skb, transport + sizeof(__be16), checksum, flags, change->from.destination_port,
                   change->to.destination_port) != 0)
    return DROP_INVALID;
  return DROP_NONE;
}

/* The frame's receiver becomes its sender: what the pod sent comes back to it, or goes to a sibling, which shares it. */
static __always_inline long send_to_own_station(struct __sk_buff *skb) {
  __u8 station[ETH_ALEN];

  if (bpf_skb_load_bytes(skb, ETH_ALEN, station, sizeof(station)) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, 0, station, sizeof(station), 0);
}

#endif
