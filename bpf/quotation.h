/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_QUOTATION_H
#define TERWAYKIT_QUOTATION_H

/*
 * What an ICMP error quotes: the beginning of the packet that it is about. Off the fast path, so the quoted headers are
 * copied rather than walked in place.
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
#include "rewriting.h"
#include "transport.h"

/* The flow of the quoted packet, as the flow table has it. An error to the pod quotes what the pod sent. */
struct quotation {
  struct flow_key flow;
  struct ip_address local_address;
  __u32 header_offset;
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
  quoted->local_address.word[2] = bpf_htonl(0xffff);
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

/* Reads the quotation of an ICMP error; `quoted` is zeroed. 0: it is none of a flow. */
__noinline int read_quotation(struct __sk_buff *skb, const struct packet *packet, struct quotation *quoted) {
  __be16 start[4]; /* the 8 bytes of transport header that every error quotes (RFC 792) */
  int is_from_pod, is_request;
  __u8 protocol, type;

  if (!packet || !quoted)
    return 0;
  is_from_pod = packet->direction == FLOW_INGRESS;
  quoted->header_offset = packet->transport_offset + sizeof(struct icmp_header);
  if (!(packet->is_ipv6 ? read_quoted_ipv6(skb, quoted->header_offset, is_from_pod, quoted)
                        : read_quoted_ipv4(skb, quoted->header_offset, is_from_pod, quoted)))
    return 0;
  if (bpf_skb_load_bytes(skb, quoted->transport_offset, start, sizeof(start)) != 0)
    return 0;
  quoted->flow.endpoint = (__u16)packet->endpoint;
  protocol = quoted->flow.protocol;
  if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
    quoted->flow.local_port = is_from_pod ? start[0] : start[1];
    quoted->flow.peer_port = is_from_pod ? start[1] : start[0];
    return 1;
  }
  if (protocol != packet->flow.protocol) /* the family's ICMP */
    return 0;
  type = *(__u8 *)start;
  is_request = packet->is_ipv6 ? is_echo_request(type, IPPROTO_ICMPV6) : is_echo_request(type, IPPROTO_ICMP);
  if (!is_request && !(packet->is_ipv6 ? is_echo_reply(type, IPPROTO_ICMPV6) : is_echo_reply(type, IPPROTO_ICMP)))
    return 0;
  set_echo_ports(&quoted->flow, is_request, is_from_pod ? FLOW_EGRESS : FLOW_INGRESS, start[2]);
  return 1;
}

/* The first bytes of a transport header, and those around TCP's checksum. */
struct quoted_transport {
  __be16 source;
  __be16 destination;
  __be16 rest[2];
};

/*
 * Ports and checksum of the quoted transport header. `difference`: of the addresses. The checksum is mended where it is
 * quoted; of TCP it often is not. Gives by how much the error's own checksum has to change.
 */
static __always_inline long rewrite_quoted_transport(struct __sk_buff *skb, const struct quotation *quoted,
                                                     const struct ends *to, __s64 difference, __s64 *sum) {
  __u32 offset = quoted->transport_offset;
  struct quoted_transport old, new;
  __be16 old_tail[2], new_tail[2];

  if (bpf_skb_load_bytes(skb, offset, &old, sizeof(old)) != 0)
    return -1;
  new = old;
  new.source = to->source_port;
  new.destination = to->destination_port;
  difference = bpf_csum_diff((__be32 *)&old, 4, (__be32 *)&new, 4, difference);
  if (quoted->flow.protocol == IPPROTO_UDP && old.rest[1] != 0)
    new.rest[1] = changed_checksum(old.rest[1], difference);
  *sum = bpf_csum_diff((__be32 *)&old, sizeof(old), (__be32 *)&new, sizeof(new), *sum);
  if (bpf_skb_store_bytes(skb, offset, &new, sizeof(new), 0) != 0)
    return -1;
  if (quoted->flow.protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, offset + 16, old_tail, sizeof(old_tail)) != 0)
    return 0;
  new_tail[0] = changed_checksum(old_tail[0], difference);
  new_tail[1] = old_tail[1];
  *sum = bpf_csum_diff((__be32 *)old_tail, sizeof(old_tail), (__be32 *)new_tail, sizeof(new_tail), *sum);
  return bpf_skb_store_bytes(skb, offset + 16, new_tail, sizeof(new_tail), 0);
}

/* The part of an IPv4 header that changes, from its lifetime on. */
struct quoted_ipv4 {
  __be16 lifetime;
  __be16 checksum;
  __be32 address[2];
};
_Static_assert(sizeof(struct quoted_ipv4) == 12, "struct quoted_ipv4");

static __always_inline long rewrite_quoted_ipv4(struct __sk_buff *skb, const struct quotation *quoted,
                                                const struct ends *to, __s64 *sum) {
  __u32 offset = quoted->header_offset + 8;
  struct quoted_ipv4 old, new;
  __s64 difference;

  if (bpf_skb_load_bytes(skb, offset, &old, sizeof(old)) != 0)
    return -1;
  new.lifetime = old.lifetime;
  new.address[0] = to->source.word[3];
  new.address[1] = to->destination.word[3];
  difference = bpf_csum_diff(old.address, sizeof(old.address), new.address, sizeof(new.address), 0);
  new.checksum = changed_checksum(old.checksum, difference);
  *sum = bpf_csum_diff((__be32 *)&old, sizeof(old), (__be32 *)&new, sizeof(new), 0);
  if (bpf_skb_store_bytes(skb, offset, &new, sizeof(new), 0) != 0)
    return -1;
  return rewrite_quoted_transport(skb, quoted, to, difference, sum);
}

static __always_inline long rewrite_quoted_ipv6(struct __sk_buff *skb, const struct quotation *quoted,
                                                const struct ends *to, __s64 *sum) {
  __u32 offset = quoted->header_offset + 8;
  struct ip_address old[2];
  __s64 difference;

  if (bpf_skb_load_bytes(skb, offset, old, sizeof(old)) != 0)
    return -1;
  /* Both addresses lie side by side, here as there. */
  difference = bpf_csum_diff(old[0].word, sizeof(old), (__be32 *)to, sizeof(old), 0);
  *sum = difference;
  if (bpf_skb_store_bytes(skb, offset, to, sizeof(old), 0) != 0)
    return -1;
  return rewrite_quoted_transport(skb, quoted, to, difference, sum);
}

/* Other ends in the quoted packet, and the error's checksum over it. DROP_INVALID: it has to be dropped. */
__noinline int rewrite_quotation(struct __sk_buff *skb, const struct packet *packet, const struct quotation *quoted,
                                 const struct ends *to) {
  __s64 sum = 0;

  if (!packet || !quoted || !to)
    return DROP_INVALID;
  if ((packet->is_ipv6 ? rewrite_quoted_ipv6(skb, quoted, to, &sum) : rewrite_quoted_ipv4(skb, quoted, to, &sum)) != 0)
    return DROP_INVALID;
  if (bpf_l4_csum_replace(skb, packet->transport_offset + 2, 0, sum, 0) != 0)
    return DROP_INVALID;
  return DROP_NONE;
}

#endif
