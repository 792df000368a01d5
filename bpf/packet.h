/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_PACKET_H
#define TERWAYKIT_PACKET_H

/* What is known of the packet under way. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"

/* How connection tracking sees a packet. */
enum packet_kind {
  PACKET_FLOW,       /* has ports, may start a flow */
  PACKET_REPLY,      /* has ports, is a reply by its nature (echo reply) */
  PACKET_ICMP_ERROR, /* may belong to the flow that it quotes */
  PACKET_LOOSE,      /* no ports: other ICMP, other protocols, fragments whose first one was not seen */
  PACKET_DISCOVERY,  /* IPv6 neighbour and multicast listener discovery */
  PACKET_ARP,
};

/* What the service stage made of a packet: packet->flow then names the flow as the backend sees it. */
enum service_relation {
  SERVICE_NONE,
  SERVICE_KNOWN,  /* of a flow whose backend was chosen before */
  SERVICE_CHOSEN, /* its backend was chosen just now */
};

struct packet {
  struct flow_key flow;            /* as the flow table has it: filled by parsing, and looked up as it is */
  struct ip_address local_address; /* the pod's side, as the packet says */
  struct ip_address asked_address; /* of a packet to a service: what it was sent to */
  __be16 asked_port;
  __be16 sent_port;  /* and the port it was sent from */
  __u32 translation; /* as in struct flow_state */
  __u32 backend;     /* of a packet to a service: which */
  __u32 endpoint;
  __u32 decision;
  __u32 generation;
  __u32 transport_offset;
  __be32 identification;
  __u8 direction;
  __u8 kind;      /* enum packet_kind */
  __u8 tcp_flags; /* byte 13 of the TCP header; of SCTP: TCP_SYN for INIT */
  __u8 is_ipv6;
  __u8 is_first_fragment; /* of several */
  __u8 is_later_fragment;
  __u8 hop_options; /* an IPv6 hop-by-hop header was read */
  __u8 service;     /* enum service_relation */
  __u8 is_sibling;  /* FLOW_SIBLING */
  __u8 is_hairpin;  /* FLOW_HAIRPIN */
  __u8 is_node_port;
  __u8 is_counted; /* in the load of `backend` */
  __u16 epoch;     /* of `backend` */
  __u16 padding;
};

/* The two ends of a packet. */
struct ends {
  struct ip_address source;
  struct ip_address destination;
  __be16 source_port;
  __be16 destination_port;
};
_Static_assert(sizeof(struct ends) == 36, "as in an IPv6 packet");

#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

static __always_inline int is_icmp(__u8 protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* Whether an address in the form of packets is one of the pod's own. A family that the pod does not have is zero. */
static __always_inline int is_own(const struct endpoint *pod, const struct ip_address *address, int is_ipv6) {
  if (is_ipv6)
    return is_same(&pod->address6, address) && !is_unspecified(address);
  return pod->address == address->word[3] && pod->address != 0;
}

#endif
