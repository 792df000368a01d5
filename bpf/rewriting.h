/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_REWRITING_H
#define TERWAYKIT_REWRITING_H

/*
 * Other addresses and ports in a packet, with the checksums that cover them. Only helpers write: before a program that
 * stores into the packet itself the kernel puts a call for all packets whose headers others may read, as of each TCP
 * segment with data, whether it is rewritten or not (in_place.h).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "checksums.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "transport.h"

#define HEADER_CHECKSUM4 (sizeof(struct ethhdr) + 10)
#define ADDRESSES4       (sizeof(struct ethhdr) + 12)
#define ADDRESSES6       (sizeof(struct ethhdr) + 8)

/* What the ends of a packet are, and what they are to be. */
struct rewriting {
  struct ends from;
  struct ends to;
};

/* Behind the header checksum of an IPv4 header without options: what is rewritten, in one piece. */
struct tail4 {
  __be16 checksum;
  __be32 source;
  __be32 destination;
  __be16 source_port;
  __be16 destination_port;
} __attribute__((packed));
_Static_assert(sizeof(struct tail4) == 14, "struct tail4");

static __always_inline long store4(struct __sk_buff *skb, const struct packet *packet, const struct ends *to,
                                   __be16 checksum) {
  struct tail4 tail = {
      .checksum = checksum,
      .source = to->source.word[3],
      .destination = to->destination.word[3],
      .source_port = to->source_port,
      .destination_port = to->destination_port,
  };

  if (packet->is_later_fragment)
    return bpf_skb_store_bytes(skb, HEADER_CHECKSUM4, &tail, 10, 0);
  if (packet->transport_offset == sizeof(struct ethhdr) + sizeof(struct iphdr))
    return bpf_skb_store_bytes(skb, HEADER_CHECKSUM4, &tail, sizeof(tail), 0);
  if (bpf_skb_store_bytes(skb, HEADER_CHECKSUM4, &tail, 10, 0) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, packet->transport_offset, &tail.source_port, 4, 0);
}

/* The ends lie in the order of an IPv6 header without extensions. */
static __always_inline long store6(struct __sk_buff *skb, const struct packet *packet, const struct ends *to) {
  struct ends tail = *to;

  if (packet->is_later_fragment)
    return bpf_skb_store_bytes(skb, ADDRESSES6, &tail, 32, 0);
  if (packet->transport_offset == sizeof(struct ethhdr) + sizeof(struct ipv6hdr))
    return bpf_skb_store_bytes(skb, ADDRESSES6, &tail, sizeof(tail), 0);
  if (bpf_skb_store_bytes(skb, ADDRESSES6, &tail, 32, 0) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, packet->transport_offset, &tail.source_port, 4, 0);
}

/* The addresses and ports that a packet has. */
static __always_inline long read_ends(struct __sk_buff *skb, const struct packet *packet, struct ends *ends) {
  if (packet->is_ipv6) {
    if (bpf_skb_load_bytes(skb, ADDRESSES6, ends, 32) != 0)
      return -1;
  } else {
    __be32 addresses[2];

    if (bpf_skb_load_bytes(skb, ADDRESSES4, addresses, sizeof(addresses)) != 0)
      return -1;
    ends->source.word[3] = addresses[0];
    ends->destination.word[3] = addresses[1];
  }
  return packet->is_later_fragment ? 0 : bpf_skb_load_bytes(skb, packet->transport_offset, &ends->source_port, 4);
}

/*
 * Gives a packet of a protocol with ports other ends. A later fragment has addresses only. DROP_INVALID where the
 * packet does not let itself be written, which leaves it half done: it has to be dropped. For all that is not plain
 * (plain.h), where something has to be looked for: fragments, SCTP, headers with options.
 */
__noinline int rewrite(struct __sk_buff *skb, const struct packet *packet, const struct ends *to) {
  __u32 checksum = 0, old_ports, new_ports;
  __u64 difference, flags = 0, pseudo;
  __be16 header_checksum = 0;
  struct ends from = {};

  if (!packet || !to || read_ends(skb, packet, &from) != 0)
    return DROP_INVALID;
  difference = packet->is_ipv6 ? address_difference(&from, to, 4) : address_difference(&from, to, 1);
  if (!packet->is_ipv6) {
    if (bpf_skb_load_bytes(skb, HEADER_CHECKSUM4, &header_checksum, sizeof(header_checksum)) != 0)
      return DROP_INVALID;
    header_checksum = changed_checksum(header_checksum, difference);
  }
  if (!packet->is_later_fragment && checksum_place(packet->flow.protocol) != 0) {
    checksum = packet->transport_offset + checksum_place(packet->flow.protocol);
    if (packet->flow.protocol == IPPROTO_UDP)
      flags = BPF_F_MARK_MANGLED_0;
    pseudo = flags | (packet->is_ipv6 && has_complete_sum(skb) ? 0 : BPF_F_PSEUDO_HDR);
    if (bpf_l4_csum_replace(skb, checksum, 0, difference, pseudo) != 0)
      return DROP_INVALID;
  }
  old_ports = (__u32)from.destination_port << 16 | from.source_port;
  new_ports = (__u32)to->destination_port << 16 | to->source_port;
  if (!packet->is_later_fragment && old_ports != new_ports) {
    if (checksum == 0 || bpf_l4_csum_replace(skb, checksum, old_ports, new_ports, flags | 4) != 0)
      return DROP_INVALID;
  }
  if ((packet->is_ipv6 ? store6(skb, packet, to) : store4(skb, packet, to, header_checksum)) != 0)
    return DROP_INVALID;
  return DROP_NONE;
}

/*
 * Gives an ICMP error other addresses. Its checksum covers them in ICMPv6 only.
 */
__noinline int rewrite_error(struct __sk_buff *skb, const struct packet *packet, const struct rewriting *change) {
  const __u32 checksum = packet ? packet->transport_offset + 2 : 0;
  __be16 header_checksum;
  __u64 difference;

  if (!packet || !change)
    return DROP_INVALID;
  if (packet->is_ipv6) {
    struct ends tail = change->to;

    difference = address_difference(&change->from, &change->to, 4);
    if (bpf_l4_csum_replace(skb, checksum, 0, difference, has_complete_sum(skb) ? 0 : BPF_F_PSEUDO_HDR) != 0 ||
        bpf_skb_store_bytes(skb, ADDRESSES6, &tail, 32, 0) != 0)
      return DROP_INVALID;
    return DROP_NONE;
  }
  difference = address_difference(&change->from, &change->to, 1);
  if (bpf_skb_load_bytes(skb, HEADER_CHECKSUM4, &header_checksum, sizeof(header_checksum)) != 0)
    return DROP_INVALID;
  {
    struct tail4 tail = {
        .checksum = changed_checksum(header_checksum, difference),
        .source = change->to.source.word[3],
        .destination = change->to.destination.word[3],
    };

    return bpf_skb_store_bytes(skb, HEADER_CHECKSUM4, &tail, 10, 0) == 0 ? DROP_NONE : DROP_INVALID;
  }
}

/* The frame's receiver becomes its sender: what the pod sent comes back to it, or goes to a sibling, which shares it.
 */
static __always_inline long send_to_own_station(struct __sk_buff *skb) {
  __u8 station[ETH_ALEN];

  if (bpf_skb_load_bytes(skb, ETH_ALEN, station, sizeof(station)) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, 0, station, sizeof(station), 0);
}

#endif
