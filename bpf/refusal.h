/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_REFUSAL_H
#define TERWAYKIT_REFUSAL_H

/*
 * Tells a client at once that a service has no backend: the packet becomes an ICMP error about itself (port
 * unreachable), or the reset of the TCP connection that it asks for, from the address that it was sent to, and goes
 * back where it came from. Programs see ECONNREFUSED.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"
#include "lifetimes.h"
#include "packet.h"
#include "quotation.h"
#include "rewriting.h"
#include "transport.h"

/* Refusals that each processor sends in a second, and at once after a rest. */
#define REFUSALS_PER_SECOND 100
#define REFUSALS_AT_ONCE    1000

/* How many refusals a processor may still send. It stays within the kernel. */
struct refusal_budget {
  __u64 counted_at; /* nanoseconds, CLOCK_MONOTONIC */
  __u64 tokens;
};
_Static_assert(sizeof(struct refusal_budget) == 16, "struct refusal_budget");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct refusal_budget);
} refusal_budget SEC(".maps");

/* The most that is quoted: an IPv4 header with options or an IPv6 header with some extensions, and that of TCP. */
#define QUOTATION_LIMIT 128

#define ICMP_PORT_UNREACHABLE     3
#define ICMPV6_PORT_UNREACHABLE   4
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMPV6_PACKET_TOO_BIG     2

/* What is put in front of the quotation. */
struct refusal4 {
  struct iphdr ip;
  struct icmp_header icmp;
};
_Static_assert(sizeof(struct refusal4) == 28, "struct refusal4");

struct refusal6 {
  struct ipv6hdr ip;
  struct icmp_header icmp;
};
_Static_assert(sizeof(struct refusal6) == 48, "struct refusal6");

/* Takes a token. */
static __always_inline int may_refuse(__u64 now) {
  __u32 zero = 0;
  struct refusal_budget *budget = bpf_map_lookup_elem(&refusal_budget, &zero);
  __u64 gained;

  if (!budget)
    return 0;
  gained = (now - budget->counted_at) / (1000000000ull / REFUSALS_PER_SECOND);
  if (gained != 0) {
    budget->tokens = gained + budget->tokens > REFUSALS_AT_ONCE ? REFUSALS_AT_ONCE : budget->tokens + gained;
    budget->counted_at = now;
  }
  if (budget->tokens == 0)
    return 0;
  budget->tokens -= 1;
  return 1;
}

/* The bytes of transport header that are quoted: all, because of checksums that the kernel is yet to write there. */
static __always_inline __u32 quoted_transport_length(__u8 protocol) {
  if (protocol == IPPROTO_TCP)
    return 20;
  return protocol == IPPROTO_SCTP ? sizeof(struct sctp_header) : 8;
}

/* One's complement sum of the quotation, whose `length` is a multiple of 4. Less than 0: it cannot be read. */
static __always_inline __s64 sum_of_quotation(struct __sk_buff *skb, __u32 offset, __u32 length) {
  __u8 bytes[QUOTATION_LIMIT] __attribute__((aligned(8))) = {};

  /* Two comparisons, or the compiler makes one of them on a difference, of which the 6.1 verifier learns nothing. */
  barrier_var(length);
  if (length < 8)
    return -1;
  barrier_var(length);
  if (length > sizeof(bytes))
    return -1;
  if (bpf_skb_load_bytes(skb, offset, bytes, length) != 0)
    return -1;
  return (__u32)bpf_csum_diff(0, 0, (__be32 *)bytes, length, 0);
}

/* What the packet was sent to, and who sent it: a pod, or a client outside. */
static __always_inline const struct ip_address *asked_end(const struct packet *packet) {
  return packet->direction == FLOW_EGRESS ? &packet->flow.peer_address : &packet->local_address;
}

static __always_inline const struct ip_address *client_end(const struct packet *packet) {
  return packet->direction == FLOW_EGRESS ? &packet->local_address : &packet->flow.peer_address;
}

static __always_inline long put_refusal4(struct __sk_buff *skb, const struct packet *packet,
                                         const struct icmp_header *start, __u32 length, __s64 sum) {
  struct refusal4 header = {.icmp = *start};

  header.ip.version = 4;
  header.ip.ihl = 5;
  header.ip.tos = 0xc0;
  header.ip.tot_len = bpf_htons(sizeof(header) + length);
  header.ip.frag_off = bpf_htons(0x4000);
  header.ip.ttl = 64;
  header.ip.protocol = IPPROTO_ICMP;
  header.ip.saddr = asked_end(packet)->word[3];
  header.ip.daddr = client_end(packet)->word[3];
  header.ip.check = changed_checksum(0xffff, bpf_csum_diff(0, 0, (__be32 *)&header.ip, sizeof(header.ip), 0));
  header.icmp.checksum =
      changed_checksum(0xffff, bpf_csum_diff(0, 0, (__be32 *)&header.icmp, sizeof(header.icmp), sum));
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &header, sizeof(header), 0);
}

static __always_inline long put_refusal6(struct __sk_buff *skb, const struct packet *packet,
                                         const struct icmp_header *start, __u32 length, __s64 sum) {
  struct refusal6 header = {.icmp = *start};
  /* What the pseudo header has beside the addresses. */
  __be32 pseudo[2] = {bpf_htonl(sizeof(header.icmp) + length), bpf_htonl(IPPROTO_ICMPV6)};

  header.ip.version = 6;
  header.ip.payload_len = bpf_htons(sizeof(header.icmp) + length);
  header.ip.nexthdr = IPPROTO_ICMPV6;
  header.ip.hop_limit = 64;
  __builtin_memcpy(&header.ip.saddr, asked_end(packet), 16);
  __builtin_memcpy(&header.ip.daddr, client_end(packet), 16);
  sum = bpf_csum_diff(0, 0, (__be32 *)&header.ip.saddr, 32, sum);
  sum = bpf_csum_diff(0, 0, pseudo, sizeof(pseudo), sum);
  header.icmp.checksum =
      changed_checksum(0xffff, bpf_csum_diff(0, 0, (__be32 *)&header.icmp, sizeof(header.icmp), sum));
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &header, sizeof(header), 0);
}

/* A TCP header without options. */
struct tcp_start {
  __be16 source;
  __be16 destination;
  __be32 sequence;
  __be32 acknowledged;
  __u8 length; /* upper half: in words */
  __u8 flags;
  __be16 window;
  __be16 checksum;
  __be16 urgent;
};
_Static_assert(sizeof(struct tcp_start) == 20, "struct tcp_start");

#define TCP_OPTIONS_LIMIT 40

/* The header of a packet that bears a reset, and no more. */
static __always_inline long put_reset_header(struct __sk_buff *skb, const struct packet *packet) {
  if (packet->is_ipv6) {
    struct ipv6hdr ip = {};

    ip.version = 6;
    ip.payload_len = bpf_htons(sizeof(struct tcp_start));
    ip.nexthdr = IPPROTO_TCP;
    ip.hop_limit = 64;
    __builtin_memcpy(&ip.saddr, asked_end(packet), 16);
    __builtin_memcpy(&ip.daddr, client_end(packet), 16);
    return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &ip, sizeof(ip), 0);
  } else {
    struct iphdr ip = {};

    ip.version = 4;
    ip.ihl = 5;
    ip.tot_len = bpf_htons(sizeof(ip) + sizeof(struct tcp_start));
    ip.frag_off = bpf_htons(0x4000);
    ip.ttl = 64;
    ip.protocol = IPPROTO_TCP;
    ip.saddr = asked_end(packet)->word[3];
    ip.daddr = client_end(packet)->word[3];
    ip.check = changed_checksum(0xffff, bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
    return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &ip, sizeof(ip), 0);
  }
}

/*
 * A SYN becomes the reset of the connection that it asks for. An ICMP error would not do: back within the connect that
 * sends the SYN, it finds the socket in use, and Linux then makes a note of it and sends another SYN a second later.
 * The checksum is changed by what changes, because the kernel may be yet to compute it.
 * 1: it cannot be done, and the packet is as it was; 0: done; less: neither.
 */
static __always_inline long reset(struct __sk_buff *skb, const struct packet *packet) {
  const __u32 place = sizeof(struct ethhdr) + (packet->is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
  __u8 options[TCP_OPTIONS_LIMIT] __attribute__((aligned(8))) = {};
  struct tcp_start old, new = {};
  __be16 total;
  __u32 length;
  __s64 sum;

  if (packet->transport_offset != place || bpf_skb_load_bytes(skb, place, &old, sizeof(old)) != 0 ||
      bpf_skb_load_bytes(skb, sizeof(struct ethhdr) + (packet->is_ipv6 ? 4 : 2), &total, sizeof(total)) != 0)
    return 1;
  length = (__u32)(old.length >> 4) * 4;
  if (length < sizeof(old) ||
      bpf_ntohs(total) != length + (packet->is_ipv6 ? 0 : (__u32)sizeof(struct iphdr))) /* it bears data */
    return 1;
  length -= sizeof(old);
  if (length != 0) {
    /* As in sum_of_quotation(). */
    barrier_var(length);
    if (length < 4)
      return 1;
    barrier_var(length);
    if (length > sizeof(options))
      return 1;
    if (bpf_skb_load_bytes(skb, place + sizeof(old), options, length) != 0)
      return 1;
  }
  new.source = old.destination;
  new.destination = old.source;
  new.acknowledged = bpf_htonl(bpf_ntohl(old.sequence) + 1);
  new.length = sizeof(new) / 4 << 4;
  new.flags = TCP_RST | TCP_ACK;
  new.checksum = old.checksum;
  sum = bpf_csum_diff((__be32 *)options, sizeof(options), 0, 0, 0);
  sum = bpf_csum_diff((__be32 *)&old, sizeof(old), (__be32 *)&new, sizeof(new), (__u32)sum);
  if (skb->len > place + sizeof(new) && bpf_skb_change_tail(skb, place + sizeof(new), 0) != 0)
    return -1;
  if (bpf_skb_store_bytes(skb, place, &new, sizeof(new), 0) != 0 ||
      bpf_l4_csum_replace(skb, place + 16, 0, (__u64)sum, 0) != 0 ||
      bpf_l4_csum_replace(skb, place + 16, bpf_htons(sizeof(old) + length), bpf_htons(sizeof(new)),
                          BPF_F_PSEUDO_HDR | sizeof(__be16)) != 0)
    return -1;
  return put_reset_header(skb, packet);
}

/* The stations change places, so that the frame is for who sent it. */
static __always_inline long swap_stations(struct __sk_buff *skb) {
  __u8 old[2 * ETH_ALEN], new[2 * ETH_ALEN];

  if (bpf_skb_load_bytes(skb, 0, old, sizeof(old)) != 0)
    return -1;
  __builtin_memcpy(new, old + ETH_ALEN, ETH_ALEN);
  __builtin_memcpy(new + ETH_ALEN, old, ETH_ALEN);
  return bpf_skb_store_bytes(skb, 0, new, sizeof(new), 0);
}

/*
 * Back to who sent it. At the pod's own interface that is up its stack; at the host's end of a veth pair, where the
 * packet was received, it is out again, as at a node's device. A pod's packet meets the program for what reaches the
 * pod, either way.
 */
static __always_inline int send_back(struct __sk_buff *skb) {
  return (int)bpf_redirect(skb->ifindex, skb->ingress_ifindex == skb->ifindex ? 0 : BPF_F_INGRESS);
}

/*
 * Answers in place of a packet that is dropped, if there have not been too many answers. `start`: how the error begins,
 * with a checksum of 0.
 */
static __always_inline int answer(struct __sk_buff *skb, const struct packet *packet, const struct icmp_header *start) {
  __u32 length, keep, grown;
  __s64 sum;

  if (packet->is_later_fragment || !may_refuse(bpf_ktime_get_ns()))
    return TC_ACT_SHOT;
  keep = packet->transport_offset + quoted_transport_length(packet->flow.protocol);
  length = keep - sizeof(struct ethhdr);
  if (length > QUOTATION_LIMIT || (skb->len > keep && bpf_skb_change_tail(skb, keep, 0) != 0))
    return TC_ACT_SHOT;
  grown = packet->is_ipv6 ? sizeof(struct refusal6) : sizeof(struct refusal4);
  if (bpf_skb_adjust_room(skb, (__s32)grown, BPF_ADJ_ROOM_MAC, 0) != 0)
    return TC_ACT_SHOT;
  sum = sum_of_quotation(skb, sizeof(struct ethhdr) + grown, length);
  if (sum < 0)
    return TC_ACT_SHOT;
  if ((packet->is_ipv6 ? put_refusal6(skb, packet, start, length, sum)
                       : put_refusal4(skb, packet, start, length, sum)) != 0)
    return TC_ACT_SHOT;
  return swap_stations(skb) == 0 ? send_back(skb) : TC_ACT_SHOT;
}

/* Tells the sender that nobody is there. */
__noinline int refuse(struct __sk_buff *skb, const struct packet *packet) {
  struct icmp_header start = {};

  if (!packet)
    return TC_ACT_SHOT;
  if (is_opening(packet) && !packet->is_first_fragment) {
    long left = may_refuse(bpf_ktime_get_ns()) ? reset(skb, packet) : -1;

    if (left <= 0)
      return left == 0 && swap_stations(skb) == 0 ? send_back(skb) : TC_ACT_SHOT;
  }
  start.type = packet->is_ipv6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE;
  start.code = packet->is_ipv6 ? ICMPV6_PORT_UNREACHABLE : ICMP_PORT_UNREACHABLE;
  return answer(skb, packet, &start);
}

#endif
