/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_PARSING_H
#define TERWAYKIT_PARSING_H

/*
 * Headers of one packet -> struct packet. Every byte is checked twice: against the linear data (for the verifier) and
 * against the IPv4 total length, because bytes after it are padding that a receiver ignores.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"

/* How connection tracking sees a packet. */
enum packet_kind {
  PACKET_FLOW,       /* has ports, may start a flow */
  PACKET_REPLY,      /* has ports, is a reply by its nature (ICMP echo reply) */
  PACKET_ICMP_ERROR, /* may belong to the flow that it quotes */
  PACKET_LOOSE,      /* no ports: other ICMP, other protocols, fragments whose first one was not seen */
};

/* What is known of the packet under way. The first 8 fields are what a flow record says. */
struct packet {
  __be32 source;
  __be32 destination;
  __be16 source_port; /* 0 where the protocol has none */
  __be16 destination_port;
  __u32 endpoint;
  __u32 decision;
  __u32 generation;
  __u8 protocol;
  __u8 direction;
  __u8 tcp_flags; /* byte 13 of the TCP header */
  __u8 kind;      /* enum packet_kind */
  __u32 transport_offset;
  __be16 identification;
  __u8 is_first_fragment; /* of several */
  __u8 is_later_fragment;
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define IPV4_MORE_FRAGMENTS  0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* Headers that user space's <linux/…> lacks, or has only together with C library headers that BPF cannot include. */
struct sctp_header {
  __be16 source;
  __be16 dest;
  __be32 verification_tag;
  __be32 checksum;
};
_Static_assert(sizeof(struct sctp_header) == 12, "struct sctp_header");

struct icmp_header {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be16 identifier; /* of an echo */
  __be16 sequence;
};
_Static_assert(sizeof(struct icmp_header) == 8, "struct icmp_header");

#define ICMP_ECHO_REPLY        0
#define ICMP_UNREACHABLE       3
#define ICMP_ECHO_REQUEST      8
#define ICMP_TIME_EXCEEDED     11
#define ICMP_PARAMETER_PROBLEM 12

/* ARP over Ethernet for IPv4, as on the wire. */
struct arp_ipv4 {
  __be16 hardware_type;
  __be16 protocol_type;
  __u8 hardware_length;
  __u8 protocol_length;
  __be16 operation;
  __u8 sender_mac[ETH_ALEN];
  __u8 sender_address[4];
  __u8 target_mac[ETH_ALEN];
  __u8 target_address[4];
};
_Static_assert(sizeof(struct arp_ipv4) == 28, "struct arp_ipv4");

#define ARP_ETHERNET 1

/* The longest headers that are looked at: Ethernet, IPv4 with options, TCP. */
#define HEADERS_LIMIT (sizeof(struct ethhdr) + 60 + sizeof(struct tcphdr))

/* Moves headers out of page fragments. True when it did: the packet is worth parsing once more. */
static __always_inline int pull_headers(struct __sk_buff *skb) {
  __u32 linear = (__u32)((long)skb->data_end - (long)skb->data);
  __u32 length = skb->len;

  if (linear >= length || linear >= HEADERS_LIMIT)
    return 0;
  return bpf_skb_pull_data(skb, length < HEADERS_LIMIT ? length : HEADERS_LIMIT) == 0;
}

static __always_inline int is_icmp_error(__u8 type) {
  return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

/* Ports of an ICMP packet: an echo's identifier stands for the port of the side that asked. */
static __always_inline void set_icmp_ports(struct packet *packet, __u8 type, __be16 identifier) {
  if (type == ICMP_ECHO_REQUEST) {
    packet->kind = PACKET_FLOW;
    packet->source_port = identifier;
  } else if (type == ICMP_ECHO_REPLY) {
    packet->kind = PACKET_REPLY;
    packet->destination_port = identifier;
  } else {
    packet->kind = is_icmp_error(type) ? PACKET_ICMP_ERROR : PACKET_LOOSE;
  }
}

/* The transport header at `start`, of which the IPv4 header promises `length` bytes. */
static __always_inline enum drop_reason parse_transport(struct packet *packet, void *start, void *data_end,
                                                        __u32 length) {
  if (packet->protocol == IPPROTO_TCP) {
    struct tcphdr *tcp = start;

    if (length < sizeof(*tcp) || (void *)(tcp + 1) > data_end)
      return DROP_INVALID;
    if (tcp->doff < 5 || tcp->doff * 4u > length)
      return DROP_INVALID;
    packet->source_port = tcp->source;
    packet->destination_port = tcp->dest;
    packet->tcp_flags = ((__u8 *)tcp)[13];
  } else if (packet->protocol == IPPROTO_UDP) {
    struct udphdr *udp = start;

    if (length < sizeof(*udp) || (void *)(udp + 1) > data_end)
      return DROP_INVALID;
    packet->source_port = udp->source;
    packet->destination_port = udp->dest;
  } else if (packet->protocol == IPPROTO_SCTP) {
    struct sctp_header *sctp = start;

    if (length < sizeof(*sctp) || (void *)(sctp + 1) > data_end)
      return DROP_INVALID;
    packet->source_port = sctp->source;
    packet->destination_port = sctp->dest;
  } else if (packet->protocol == IPPROTO_ICMP) {
    struct icmp_header *icmp = start;

    if (length < sizeof(*icmp) || (void *)(icmp + 1) > data_end)
      return DROP_INVALID;
    set_icmp_ports(packet, icmp->type, icmp->identifier);
  } else {
    packet->kind = PACKET_LOOSE;
  }
  return DROP_NONE;
}

/* A later fragment may not reach into the transport header, which was judged in the first one (RFC 1858, RFC 3128). */
static __always_inline enum drop_reason parse_later_fragment(struct packet *packet, __u32 offset) {
  packet->is_later_fragment = 1;
  packet->kind = PACKET_LOOSE;
  if (packet->protocol == IPPROTO_TCP && offset < sizeof(struct tcphdr))
    return DROP_INVALID;
  if (packet->protocol == IPPROTO_SCTP && offset < sizeof(struct sctp_header))
    return DROP_INVALID;
  return DROP_NONE;
}

/* Fills `packet` (zeroed but for endpoint and direction) from an IPv4 frame. */
static __always_inline enum drop_reason parse_ipv4(struct __sk_buff *skb, struct packet *packet) {
  void *data = (void *)(long)skb->data;
  void *data_end = (void *)(long)skb->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  __u32 available = skb->len - sizeof(struct ethhdr);
  __u32 header, total, fragment;

  if ((void *)(ip + 1) > data_end)
    return DROP_INVALID;
  header = ip->ihl * 4u;
  total = bpf_ntohs(ip->tot_len);
  /* Big TCP: more than 64 KiB in one buffer, which the field cannot hold. */
  if (total == 0) {
    if (skb->gso_size == 0)
      return DROP_INVALID;
    total = available;
  }
  /*
   * The 6.1 verifier follows the impossible branch "total is 0 and not less than header", where header has bounds that
   * contradict each other and the packet pointer after it becomes a scalar. Without a known total there is none.
   */
  barrier_var(total);
  if (ip->version != 4 || header < sizeof(*ip) || total < header || total > available)
    return DROP_INVALID;
  packet->source = ip->saddr;
  packet->destination = ip->daddr;
  packet->protocol = ip->protocol;
  packet->transport_offset = sizeof(struct ethhdr) + header;
  fragment = bpf_ntohs(ip->frag_off);
  if (fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) {
    packet->identification = ip->id;
    if (fragment & IPV4_FRAGMENT_OFFSET)
      return parse_later_fragment(packet, (fragment & IPV4_FRAGMENT_OFFSET) * 8);
    packet->is_first_fragment = 1;
  }
  return parse_transport(packet, (void *)ip + header, data_end, total - header);
}

/* Fills the addresses of `packet` from an ARP frame. */
static __always_inline enum drop_reason parse_arp(struct __sk_buff *skb, struct packet *packet) {
  void *data = (void *)(long)skb->data;
  void *data_end = (void *)(long)skb->data_end;
  struct arp_ipv4 *arp = data + sizeof(struct ethhdr);

  if ((void *)(arp + 1) > data_end)
    return DROP_INVALID;
  if (arp->hardware_type != bpf_htons(ARP_ETHERNET) || arp->protocol_type != bpf_htons(ETH_P_IP) ||
      arp->hardware_length != ETH_ALEN || arp->protocol_length != 4)
    return DROP_INVALID;
  __builtin_memcpy(&packet->source, arp->sender_address, 4);
  __builtin_memcpy(&packet->destination, arp->target_address, 4);
  return DROP_NONE;
}

#define ICMPV6_MLD_FIRST  130 /* query, report, done */
#define ICMPV6_NDP_LAST   137 /* after MLD: solicitations, advertisements, redirect */
#define ICMPV6_MLD_REPORT 143

/*
 * Neighbour discovery and multicast listener discovery keep a dual-stack interface alive; nothing else of IPv6 is
 * judged here yet, so nothing else passes.
 */
static __always_inline enum drop_reason parse_ipv6(struct __sk_buff *skb) {
  void *data = (void *)(long)skb->data;
  void *data_end = (void *)(long)skb->data_end;
  struct ipv6hdr *ip = data + sizeof(struct ethhdr);
  __u8 *next = (__u8 *)(ip + 1);
  __u8 protocol;

  if ((void *)next > data_end || ip->version != 6)
    return DROP_INVALID;
  protocol = ip->nexthdr;
  if (protocol == IPPROTO_HOPOPTS) {
    /* MLD carries a router alert, which fits the shortest option header. */
    if ((void *)(next + 8) > data_end)
      return DROP_INVALID;
    if (next[1] != 0)
      return DROP_UNSUPPORTED_L3;
    protocol = next[0];
    next += 8;
  }
  if (protocol != IPPROTO_ICMPV6)
    return DROP_UNSUPPORTED_L3;
  if ((void *)(next + 4) > data_end)
    return DROP_INVALID;
  if ((next[0] >= ICMPV6_MLD_FIRST && next[0] <= ICMPV6_NDP_LAST) || next[0] == ICMPV6_MLD_REPORT)
    return DROP_NONE;
  return DROP_UNSUPPORTED_L3;
}

#endif
