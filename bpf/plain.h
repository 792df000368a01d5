/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_PLAIN_H
#define TERWAYKIT_PLAIN_H

/*
 * Other ends for plain packets: TCP or UDP right behind an IP header without options. What is written lies side by
 * side, so that one helper call does it. Helper calls are what rewriting costs.
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

#define HEADER_CHECKSUM4 (sizeof(struct ethhdr) + 10)
#define ADDRESSES6       (sizeof(struct ethhdr) + 8)
#define PLAIN_TRANSPORT4 (sizeof(struct ethhdr) + sizeof(struct iphdr))
#define PLAIN_TRANSPORT6 (sizeof(struct ethhdr) + sizeof(struct ipv6hdr))

static __always_inline int is_plain(const struct packet *packet) {
  if (packet->is_first_fragment | packet->is_later_fragment || checksum_place(packet->flow.protocol) == 0)
    return 0;
  return packet->transport_offset == (packet->is_ipv6 ? PLAIN_TRANSPORT6 : PLAIN_TRANSPORT4);
}

/* The beginning of a transport header, to the checksum: TCP's behind `rest`, UDP's in the second half of rest[0]. */
struct beginning {
  __be16 source_port;
  __be16 destination_port;
  __be32 rest[3];
  __be16 checksum;
  __u16 padding;
};
_Static_assert(sizeof(struct beginning) == 20, "struct beginning");

#define BEGINNING_TCP 18
#define BEGINNING_UDP 8

/* What is written, from the IP header's checksum or its addresses on. */
struct plain4 {
  __u16 padding;
  __be16 header_checksum;
  __be32 source;
  __be32 destination;
  struct beginning transport;
};
_Static_assert(sizeof(struct plain4) == 32, "struct plain4");

struct plain6 {
  struct ip_address source;
  struct ip_address destination;
  struct beginning transport;
};
_Static_assert(sizeof(struct plain6) == 52, "struct plain6");

union plain {
  struct plain4 ipv4;
  struct plain6 ipv6;
};

/*
 * Whether a device is yet to compute the checksum at `offset`, which is `checksum` and then holds the pseudo header's
 * sum. No program can read that. But the helper leaves such a field alone when it is told of other data, and changes
 * any other one, which is taken back. Negative: the packet does not let itself be written.
 */
static __always_inline int is_partial(struct __sk_buff *skb, const __u32 offset, __be16 checksum) {
  const __be16 *found;

  if (bpf_l4_csum_replace(skb, offset, 0, 1, 0) != 0)
    return -1;
  found = (void *)(long)skb->data + offset;
  if ((void *)(found + 1) > (void *)(long)skb->data_end)
    return -1;
  if (*found == checksum)
    return 1;
  return bpf_l4_csum_replace(skb, offset, 0, (__u32)~1, 0) == 0 ? 0 : -1;
}

/*
 * The transport's checksum after a change of addresses and ports by so much. `pseudo` is the sum of the pseudo header
 * as it was. Negative: as is_partial().
 *
 * A checksum that a device is yet to compute holds that sum, or it comes out wrong. One that does not hold it is
 * therefore a whole one. Only where it does, which one of 65,536 whole ones does too, the kernel has to be asked, and
 * of segments that are yet to be cut.
 */
static __always_inline int new_checksum(struct __sk_buff *skb, const __u32 offset, const int is_tcp, __be16 checksum,
                                        __u64 pseudo, __u64 addresses, __u64 ports) {
  int partial = 0;
  __u32 sum;

  if (!is_tcp && checksum == 0)
    return 0;
  if (skb->gso_size != 0 || fold16(pseudo + (__u16)~checksum) == 0xffff)
    partial = is_partial(skb, offset, checksum);
  if (partial < 0)
    return -1;
  if (partial)
    return fold16(addresses + checksum);
  sum = (__u16)~fold16(addresses + ports + (__u16)~checksum);
  return !is_tcp && sum == 0 ? 0xffff : sum;
}

static __always_inline __u64 ports_of(const struct beginning *transport) {
  return *(const __u32 *)transport;
}

/* Gives the transport header in a copy of its beginning other ports and the checksum that it then has. */
static __always_inline int change_beginning(struct __sk_buff *skb, struct beginning *transport, const __u32 offset,
                                            const int is_tcp, __be16 source_port, __be16 destination_port, __u64 pseudo,
                                            __u64 addresses) {
  const __be16 checksum = is_tcp ? transport->checksum : (__be16)(transport->rest[0] >> 16);
  __u64 ports = (__u32)~ports_of(transport);
  int changed;

  transport->source_port = source_port;
  transport->destination_port = destination_port;
  ports += ports_of(transport);
  changed = new_checksum(skb, offset + (is_tcp ? 16 : 6), is_tcp, checksum, pseudo, addresses, ports);
  if (changed < 0)
    return 0;
  if (is_tcp)
    transport->checksum = (__be16)changed;
  else
    transport->rest[0] = (transport->rest[0] & 0xffff) | (__u32)changed << 16;
  return 1;
}

static __always_inline long rewrite_plain4(struct __sk_buff *skb, struct plain4 *plain, const int is_tcp,
                                           const struct ip_address *source, const struct ip_address *destination,
                                           __be16 source_port, __be16 destination_port) {
  const __u32 size = is_tcp ? BEGINNING_TCP : BEGINNING_UDP;
  const struct iphdr *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 pseudo, addresses;

  if ((void *)(ip + 1) + size > (void *)(long)skb->data_end)
    return -1;
  pseudo = (__u64)ip->saddr + ip->daddr + bpf_htons(is_tcp ? IPPROTO_TCP : IPPROTO_UDP) +
           bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*ip));
  plain->source = source->word[3];
  plain->destination = destination->word[3];
  addresses = (__u64)(__u32)~ip->saddr + (__u32)~ip->daddr + plain->source + plain->destination;
  plain->header_checksum = changed_checksum(ip->check, fold(addresses));
  __builtin_memcpy(&plain->transport, ip + 1, size);
  if (!change_beginning(skb, &plain->transport, PLAIN_TRANSPORT4, is_tcp, source_port, destination_port, pseudo,
                        addresses))
    return -1;
  return bpf_skb_store_bytes(skb, HEADER_CHECKSUM4, &plain->header_checksum, 10 + size, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline __u64 sum6(const __be32 *words) {
  return (__u64)words[0] + words[1] + words[2] + words[3];
}

static __always_inline long rewrite_plain6(struct __sk_buff *skb, struct plain6 *plain, const int is_tcp,
                                           const struct ip_address *source, const struct ip_address *destination,
                                           __be16 source_port, __be16 destination_port) {
  const __u32 size = is_tcp ? BEGINNING_TCP : BEGINNING_UDP;
  const struct ipv6hdr *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 before, addresses;

  if ((void *)(ip + 1) + size > (void *)(long)skb->data_end)
    return -1;
  before = sum6((const __be32 *)&ip->saddr) + sum6((const __be32 *)&ip->daddr);
  plain->source = *source;
  plain->destination = *destination;
  addresses = sum6(plain->source.word) + sum6(plain->destination.word) + (__u32)~fold(before);
  __builtin_memcpy(&plain->transport, ip + 1, size);
  if (!change_beginning(skb, &plain->transport, PLAIN_TRANSPORT6, is_tcp, source_port, destination_port,
                        before + bpf_htons(is_tcp ? IPPROTO_TCP : IPPROTO_UDP) + ip->payload_len, addresses))
    return -1;
  return bpf_skb_store_bytes(skb, ADDRESSES6, plain, 32 + size, BPF_F_RECOMPUTE_CSUM);
}

/* Gives a plain packet other ends. DROP_INVALID where it does not let itself be written. */
static __always_inline int rewrite_plain(struct __sk_buff *skb, const struct packet *packet,
                                         const struct ip_address *source, const struct ip_address *destination,
                                         __be16 source_port, __be16 destination_port) {
  const int is_tcp = packet->flow.protocol == IPPROTO_TCP;
  union plain plain;
  long failure;

  if (packet->is_ipv6)
    failure = is_tcp ? rewrite_plain6(skb, &plain.ipv6, 1, source, destination, source_port, destination_port)
                     : rewrite_plain6(skb, &plain.ipv6, 0, source, destination, source_port, destination_port);
  else
    failure = is_tcp ? rewrite_plain4(skb, &plain.ipv4, 1, source, destination, source_port, destination_port)
                     : rewrite_plain4(skb, &plain.ipv4, 0, source, destination, source_port, destination_port);
  return failure ? DROP_INVALID : DROP_NONE;
}

#endif
