/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_EXTENSIONS_H
#define TERWAYKIT_EXTENSIONS_H

/*
 * IPv6 extension headers (RFC 8200, section 4). Few packets have them, so they are copied rather than walked in place,
 * out of the way of those that have none.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"
#include "packet.h"
#include "transport.h"

/* An honest sender has five at most: hop-by-hop and destination options, a route, a fragment, destination options. */
#define EXTENSION_LIMIT 6

#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS  0x0001

/* The first 8 bytes of any of them; also the least they have. */
struct extension {
  __u8 next;
  __u8 length;        /* in 8 bytes, without the first 8; of a fragment header nothing */
  __u8 type;          /* of a route */
  __u8 segments_left; /* of a route */
  __u32 rest;
};
_Static_assert(sizeof(struct extension) == 8, "struct extension");

/* The place of a fragment. */
struct fragment_extension {
  __u8 next;
  __u8 reserved;
  __be16 place;
  __be32 identification;
};
_Static_assert(sizeof(struct fragment_extension) == 8, "struct fragment_extension");

/* What a walk over extension headers found. */
struct extension_walk {
  __u32 offset;   /* of what is read next, from the Ethernet header */
  __u32 length;   /* bytes that the IPv6 header promises from there on */
  __u8 protocol;  /* of what is read next */
  __u8 has_place; /* a fragment header was read */
  __u8 hop_options;
  __u8 padding;
  __be16 place; /* as in the fragment header */
  __be16 padding2;
  __be32 identification;
};

static __always_inline int is_extension(__u8 number) {
  return number == IPPROTO_HOPOPTS || number == IPPROTO_ROUTING || number == IPPROTO_FRAGMENT ||
         number == IPPROTO_DSTOPTS;
}

/*
 * Walks from `walk->offset` to the first header that is no extension, or to what a later fragment carries. Routes that
 * are not at their end are refused: the packet's way would go on behind the destination that is judged, and route type
 * 0 is not to be followed at all (RFC 5095).
 */
__noinline int walk_extensions(struct __sk_buff *skb, struct extension_walk *walk) {
  struct extension header;
  __u32 size;

  if (!walk)
    return DROP_INVALID;
#pragma clang loop unroll(disable)
  for (__u32 number = 0; number < EXTENSION_LIMIT; number++) {
    if (!is_extension(walk->protocol))
      return DROP_NONE;
    if (walk->length < sizeof(header) || bpf_skb_load_bytes(skb, walk->offset, &header, sizeof(header)) != 0)
      return DROP_INVALID;
    size = sizeof(header) + header.length * 8u;
    if (walk->protocol == IPPROTO_HOPOPTS) {
      if (number != 0)
        return DROP_INVALID_EXTHDR;
      walk->hop_options = 1;
    } else if (walk->protocol == IPPROTO_ROUTING) {
      if (header.segments_left != 0)
        return DROP_INVALID_EXTHDR;
    } else if (walk->protocol == IPPROTO_FRAGMENT) {
      struct fragment_extension *fragment = (void *)&header;

      if (walk->has_place)
        return DROP_INVALID_EXTHDR;
      walk->has_place = 1;
      walk->place = fragment->place;
      walk->identification = fragment->identification;
      size = sizeof(header);
    }
    if (size > walk->length)
      return DROP_INVALID;
    walk->protocol = header.next;
    walk->offset += size;
    walk->length -= size;
    if (walk->has_place && walk->place & bpf_htons(IPV6_FRAGMENT_OFFSET))
      return DROP_NONE;
  }
  return is_extension(walk->protocol) ? DROP_INVALID_EXTHDR : DROP_NONE;
}

/* Goes on with an IPv6 packet whose header is read, names an extension and promises `length` bytes behind it. */
__noinline int parse_behind_extensions(struct __sk_buff *skb, struct packet *packet, __u32 length) {
  struct extension_walk walk = {.length = length};
  __u8 start[sizeof(struct tcphdr)] = {};
  __u32 have;
  int reason;

  if (!packet)
    return DROP_INVALID;
  walk.offset = packet->transport_offset;
  walk.protocol = packet->flow.protocol;
  reason = walk_extensions(skb, &walk);
  packet->flow.protocol = 0;
  if (reason != DROP_NONE)
    return reason;
  packet->flow.protocol = walk.protocol;
  packet->transport_offset = walk.offset;
  packet->hop_options = walk.hop_options;
  if (walk.has_place && walk.place & bpf_htons(IPV6_FRAGMENT_OFFSET | IPV6_MORE_FRAGMENTS)) {
    packet->identification = walk.identification;
    if (walk.place & bpf_htons(IPV6_FRAGMENT_OFFSET))
      return parse_later_fragment(packet, bpf_ntohs(walk.place) & IPV6_FRAGMENT_OFFSET);
    packet->is_first_fragment = 1;
  }
  /* Bytes that are not there stay zero; `length` says how many the transport may use. */
  have = walk.length < sizeof(start) ? walk.length : sizeof(start);
  if (have >= sizeof(start)) {
    if (bpf_skb_load_bytes(skb, walk.offset, start, sizeof(start)) != 0)
      return DROP_INVALID;
  } else if (have >= sizeof(struct sctp_header)) {
    if (bpf_skb_load_bytes(skb, walk.offset, start, sizeof(struct sctp_header)) != 0)
      return DROP_INVALID;
  } else if (have >= sizeof(struct icmp_header)) {
    if (bpf_skb_load_bytes(skb, walk.offset, start, sizeof(struct icmp_header)) != 0)
      return DROP_INVALID;
  }
  return parse_transport(packet, packet->direction, IPPROTO_ICMPV6, start, start + sizeof(start), walk.length);
}

#endif
