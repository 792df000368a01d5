/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_DISCOVERY_H
#define TERWAYKIT_DISCOVERY_H

/*
 * Neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 3810): what IPv6 cannot do without. It
 * passes whatever the policies say if it is what a receiver may take, and if what a pod says of itself is true.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "transport.h"

#define NEIGHBOR_HOP_LIMIT 255 /* nobody beyond the link can have sent it */
#define LISTENER_HOP_LIMIT 1

/* ICMPv6 header and the address that a neighbour message is about. */
struct neighbor_message {
  struct icmp_header icmp;
  struct ip_address target;
};
_Static_assert(sizeof(struct neighbor_message) == 24, "struct neighbor_message");

/* The router alert option of multicast listener discovery (RFC 2711), which an options header holds first or last. */
static __always_inline int has_router_alert(struct __sk_buff *skb) {
  __u8 options[8];
  __u32 offset = sizeof(struct ethhdr) + sizeof(struct ipv6hdr);

  if (bpf_skb_load_bytes(skb, offset, options, sizeof(options)) != 0 || options[1] != 0)
    return 0;
  if (options[2] == 5 && options[3] == 2)
    return (options[4] | options[5]) == 0;
  return options[4] == 5 && options[5] == 2 && (options[6] | options[7]) == 0;
}

/* The bytes that a message has at least, without options. */
static __always_inline __u32 least_length(__u8 type) {
  switch (type) {
  case ICMPV6_ROUTER_SOLICITATION:
  case ICMPV6_MLD2_REPORT:
    return sizeof(struct icmp_header);
  case ICMPV6_ROUTER_ADVERTISEMENT:
    return sizeof(struct icmp_header) + 8;
  case ICMPV6_REDIRECT:
    return sizeof(struct icmp_header) + 2 * sizeof(struct ip_address);
  default:
    return sizeof(struct neighbor_message);
  }
}

/* Whether a source is one that a message of this type may have, whoever sends it. */
static __always_inline int is_lawful_source(__u8 type, const struct ip_address *source) {
  switch (type) {
  case ICMPV6_ROUTER_SOLICITATION:
  case ICMPV6_NEIGHBOR_SOLICITATION:
    return 1;
  case ICMPV6_NEIGHBOR_ADVERTISEMENT:
    return !is_unspecified(source);
  case ICMPV6_ROUTER_ADVERTISEMENT:
  case ICMPV6_REDIRECT:
  case ICMPV6_MLD_QUERY:
    return is_link_local(source);
  default:
    return is_link_local(source) || is_unspecified(source);
  }
}

/*
 * DROP_INVALID for what a receiver has to discard; DROP_INVALID_SOURCE where a pod speaks for an address that is not
 * its own, or as a router. Its link-local address is not known here: it may use any.
 */
__noinline int check_discovery(struct __sk_buff *skb, const struct packet *packet, const struct endpoint *pod) {
  const struct ip_address *source;
  struct neighbor_message message = {};
  __u32 offset, end;
  struct ipv6hdr ip;
  __u8 type;

  if (!packet || !pod)
    return DROP_INVALID;
  source = packet->direction == FLOW_EGRESS ? &packet->local_address : &packet->flow.peer_address;
  offset = packet->transport_offset;
  if (packet->is_first_fragment) /* RFC 6980 */
    return DROP_INVALID;
  if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &ip, sizeof(ip)) != 0 ||
      bpf_skb_load_bytes(skb, offset, &message.icmp, sizeof(message.icmp)) != 0)
    return DROP_INVALID;
  type = message.icmp.type;
  end = sizeof(struct ethhdr) + sizeof(ip) + bpf_ntohs(ip.payload_len);
  if (message.icmp.code != 0 || offset + least_length(type) > end || !is_lawful_source(type, source))
    return DROP_INVALID;
  if (type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT) {
    if (ip.hop_limit != NEIGHBOR_HOP_LIMIT)
      return DROP_INVALID;
  } else if (ip.hop_limit != LISTENER_HOP_LIMIT || !packet->hop_options || !has_router_alert(skb)) {
    return DROP_INVALID;
  }
  if (packet->direction != FLOW_EGRESS)
    return DROP_NONE;
  /* A pod is seldom a router: neighbours that took its word would send it their traffic. (RA guard, RFC 6105.) */
  if ((type == ICMPV6_ROUTER_ADVERTISEMENT || type == ICMPV6_REDIRECT) && !(pod->flags & ENDPOINT_ROUTER))
    return DROP_INVALID_SOURCE;
  if (!is_unspecified(source) && !is_link_local(source) && !is_own(pod, source, 1))
    return DROP_INVALID_SOURCE;
  /* As in ARP: whoever answers for an address, or claims one before it is used, has to own it. */
  if (type == ICMPV6_NEIGHBOR_ADVERTISEMENT || (type == ICMPV6_NEIGHBOR_SOLICITATION && is_unspecified(source))) {
    if (bpf_skb_load_bytes(skb, offset, &message, sizeof(message)) != 0)
      return DROP_INVALID;
    if (!is_link_local(&message.target) && !is_own(pod, &message.target, 1))
      return DROP_INVALID_SOURCE;
  }
  return DROP_NONE;
}

#endif
