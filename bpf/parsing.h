/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_PARSING_H
#define TERWAYKIT_PARSING_H

/*
 * Headers of one packet -> struct packet. Every byte is checked twice: against the linear data (for the verifier) and
 * against the length in the IP header, because bytes after it are padding that a receiver ignores.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "extensions.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "transport.h"

/* The longest headers that are looked at in place: Ethernet, IPv4 with options, TCP. */
#define HEADERS_LIMIT (sizeof(struct ethhdr) + 60 + sizeof(struct tcphdr))

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

/* Notes the addresses of a packet that goes in `direction`. */
static __always_inline void set_ipv4_addresses(struct packet *packet, const __u8 direction, __be32 source,
                                               __be32 destination) {
  packet->flow.peer_address.word[2] = bpf_htonl(0xffff);
  packet->local_address.word[2] = bpf_htonl(0xffff);
  packet->flow.peer_address.word[3] = direction == FLOW_EGRESS ? destination : source;
  packet->local_address.word[3] = direction == FLOW_EGRESS ? source : destination;
}

static __always_inline enum drop_reason parse_ipv4(struct __sk_buff *skb, struct packet *packet, const __u8 direction) {
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
  set_ipv4_addresses(packet, direction, ip->saddr, ip->daddr);
  packet->flow.protocol = ip->protocol;
  packet->transport_offset = sizeof(struct ethhdr) + header;
  fragment = bpf_ntohs(ip->frag_off);
  if (fragment & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) {
    packet->identification = ip->id;
    if (fragment & IPV4_FRAGMENT_OFFSET)
      return parse_later_fragment(packet, (fragment & IPV4_FRAGMENT_OFFSET) * 8);
    packet->is_first_fragment = 1;
  }
  return parse_transport(packet, direction, IPPROTO_ICMP, (void *)ip + header, data_end, total - header);
}

static __always_inline enum drop_reason parse_ipv6(struct __sk_buff *skb, struct packet *packet, const __u8 direction) {
  void *data = (void *)(long)skb->data;
  void *data_end = (void *)(long)skb->data_end;
  struct ipv6hdr *ip = data + sizeof(struct ethhdr);
  __u32 available = skb->len - sizeof(struct ethhdr) - sizeof(*ip);
  __u32 length;

  if ((void *)(ip + 1) > data_end)
    return DROP_INVALID;
  length = bpf_ntohs(ip->payload_len);
  /* Big TCP again, with a jumbo payload option or without. */
  if (length == 0 && skb->gso_size != 0)
    length = available;
  if (ip->version != 6 || length > available)
    return DROP_INVALID;
  packet->is_ipv6 = 1;
  __builtin_memcpy(direction == FLOW_EGRESS ? &packet->flow.peer_address : &packet->local_address, &ip->daddr, 16);
  __builtin_memcpy(direction == FLOW_EGRESS ? &packet->local_address : &packet->flow.peer_address, &ip->saddr, 16);
  /* Off the wire they are IPv4's form here (include/address_abi.h). */
  if (is_mapped(&packet->flow.peer_address) || is_mapped(&packet->local_address))
    return DROP_INVALID;
  packet->flow.protocol = ip->nexthdr;
  packet->transport_offset = sizeof(struct ethhdr) + sizeof(*ip);
  if (is_extension(ip->nexthdr))
    return parse_behind_extensions(skb, packet, length);
  return parse_transport(packet, direction, IPPROTO_ICMPV6, ip + 1, data_end, length);
}

/* Fills the addresses of `packet` from an ARP frame. */
static __always_inline enum drop_reason parse_arp(struct __sk_buff *skb, struct packet *packet, const __u8 direction) {
  void *data = (void *)(long)skb->data;
  void *data_end = (void *)(long)skb->data_end;
  struct arp_ipv4 *arp = data + sizeof(struct ethhdr);
  __be32 sender, target;

  if ((void *)(arp + 1) > data_end)
    return DROP_INVALID;
  if (arp->hardware_type != bpf_htons(ARP_ETHERNET) || arp->protocol_type != bpf_htons(ETH_P_IP) ||
      arp->hardware_length != ETH_ALEN || arp->protocol_length != 4)
    return DROP_INVALID;
  __builtin_memcpy(&sender, arp->sender_address, 4);
  __builtin_memcpy(&target, arp->target_address, 4);
  set_ipv4_addresses(packet, direction, sender, target);
  packet->kind = PACKET_ARP;
  return DROP_NONE;
}

/* Fills `packet` (zeroed but for endpoint and direction) from any frame. */
static __always_inline enum drop_reason parse(struct __sk_buff *skb, struct packet *packet, const __u8 direction) {
  struct ethhdr *ethernet = (void *)(long)skb->data;

  if ((void *)(ethernet + 1) > (void *)(long)skb->data_end)
    return DROP_INVALID;
  switch (ethernet->h_proto) {
  case bpf_htons(ETH_P_IP):
    return parse_ipv4(skb, packet, direction);
  case bpf_htons(ETH_P_IPV6):
    return parse_ipv6(skb, packet, direction);
  case bpf_htons(ETH_P_ARP):
    return parse_arp(skb, packet, direction);
  default:
    return DROP_UNSUPPORTED_L3;
  }
}

/* Headers in page fragments: moves them to where they can be read, and reads again. */
__noinline int parse_again(struct __sk_buff *skb, struct packet *packet) {
  __u32 linear = (__u32)((long)skb->data_end - (long)skb->data);
  __u32 length = skb->len;

  if (!packet || linear >= length || linear >= HEADERS_LIMIT)
    return DROP_INVALID;
  if (bpf_skb_pull_data(skb, length < HEADERS_LIMIT ? length : HEADERS_LIMIT) != 0)
    return DROP_INVALID;
  return parse(skb, packet, packet->direction);
}

#endif
