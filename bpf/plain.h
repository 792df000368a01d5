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

/*
 * What is written, in words of 4 bytes: of IPv4 from the one that the header's checksum ends, of IPv6 from the
 * addresses on, to the one that has the transport's checksum. All stores and loads are of words: a load that needs two
 * stores waits for them.
 */
#define WORDS_LIMIT             13
#define WORDS4                  2 /* words of the header before what is written */
#define WORDS6                  2
#define TRANSPORT4              5 /* words before the transport header */
#define TRANSPORT6              10
#define TRANSPORT_WORDS(is_tcp) ((is_tcp) ? 5 : 2)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first half of a word is its low half");

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

/*
 * Copies a transport header as far as its checksum, with other ports and with the checksum that it then has: TCP's
 * begins the last word, UDP's ends it. 0: the packet does not let itself be written.
 */
static __always_inline int copy_transport(struct __sk_buff *skb, __be32 *words, const __be32 *transport,
                                          const __u32 offset, const int is_tcp, __be32 ports, __u64 pseudo,
                                          __u64 addresses) {
  const int last = TRANSPORT_WORDS(is_tcp) - 1;
  __be32 word = transport[last];
  int checksum;

  words[0] = ports;
#pragma clang loop unroll(full)
  for (int index = 1; index < last; index++)
    words[index] = transport[index];
  checksum = new_checksum(skb, offset + (is_tcp ? 16 : 6), is_tcp, (__be16)(is_tcp ? word : word >> 16), pseudo,
                          addresses, (__u64)(__u32)~transport[0] + ports);
  if (checksum < 0)
    return 0;
  words[last] = is_tcp ? (word & 0xffff0000) | (__u32)checksum : (word & 0xffff) | (__u32)checksum << 16;
  return 1;
}

/* The ends that are to change, and both ports in the order of the header. */
static __always_inline long rewrite_plain4(struct __sk_buff *skb, __be32 *words, const int is_tcp,
                                           const struct ip_address *source, const struct ip_address *destination,
                                           __be32 ports) {
  const __be32 *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 pseudo, addresses = 0;

  if ((void *)(ip + TRANSPORT4 + TRANSPORT_WORDS(is_tcp)) > (void *)(long)skb->data_end)
    return -1;
  /* In place of the transport's length stands the IP header's, less that header's own. */
  pseudo = (__u64)ip[3] + ip[4] + (ip[0] >> 16) + (__u16)~bpf_htons(sizeof(struct iphdr)) +
           bpf_htons(is_tcp ? IPPROTO_TCP : IPPROTO_UDP);
  words[1] = source ? source->word[3] : ip[3];
  words[2] = destination ? destination->word[3] : ip[4];
  if (source)
    addresses += (__u64)(__u32)~ip[3] + words[1];
  if (destination)
    addresses += (__u64)(__u32)~ip[4] + words[2];
  words[0] = (ip[2] & 0xffff) | ~fold16(addresses + (__u16) ~(ip[2] >> 16)) << 16;
  if (!copy_transport(skb, words + 3, ip + TRANSPORT4, PLAIN_TRANSPORT4, is_tcp, ports, pseudo, addresses))
    return -1;
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr) + 4 * WORDS4, words, 4 * (3 + TRANSPORT_WORDS(is_tcp)),
                             BPF_F_RECOMPUTE_CSUM);
}

static __always_inline __u64 sum_of(const __be32 *words) {
  return (__u64)words[0] + words[1] + words[2] + words[3];
}

static __always_inline long rewrite_plain6(struct __sk_buff *skb, __be32 *words, const int is_tcp,
                                           const struct ip_address *source, const struct ip_address *destination,
                                           __be32 ports) {
  const __be32 *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 from, to, addresses = 0;

  if ((void *)(ip + TRANSPORT6 + TRANSPORT_WORDS(is_tcp)) > (void *)(long)skb->data_end)
    return -1;
  from = sum_of(ip + 2);
  to = sum_of(ip + 6);
#pragma clang loop unroll(full)
  for (int index = 0; index < 4; index++) {
    words[index] = source ? source->word[index] : ip[2 + index];
    words[4 + index] = destination ? destination->word[index] : ip[6 + index];
  }
  if (source)
    addresses += sum_of(words) + (__u32)~fold(from);
  if (destination)
    addresses += sum_of(words + 4) + (__u32)~fold(to);
  if (!copy_transport(skb, words + 8, ip + TRANSPORT6, PLAIN_TRANSPORT6, is_tcp, ports,
                      from + to + (ip[1] & 0xffff) + bpf_htons(is_tcp ? IPPROTO_TCP : IPPROTO_UDP), addresses))
    return -1;
  return bpf_skb_store_bytes(skb, sizeof(struct ethhdr) + 4 * WORDS6, words, 4 * (8 + TRANSPORT_WORDS(is_tcp)),
                             BPF_F_RECOMPUTE_CSUM);
}

/*
 * Gives a plain packet other addresses, of which a null one stays as it is, and other ports. DROP_INVALID where it does
 * not let itself be written.
 */
static __always_inline int rewrite_plain(struct __sk_buff *skb, const struct packet *packet,
                                         const struct ip_address *source, const struct ip_address *destination,
                                         __be16 source_port, __be16 destination_port) {
  const __be32 ports = (__u32)destination_port << 16 | source_port;
  const int is_tcp = packet->flow.protocol == IPPROTO_TCP;
  __be32 words[WORDS_LIMIT];
  long failure;

  if (packet->is_ipv6)
    failure = is_tcp ? rewrite_plain6(skb, words, 1, source, destination, ports)
                     : rewrite_plain6(skb, words, 0, source, destination, ports);
  else
    failure = is_tcp ? rewrite_plain4(skb, words, 1, source, destination, ports)
                     : rewrite_plain4(skb, words, 0, source, destination, ports);
  return failure ? DROP_INVALID : DROP_NONE;
}

#endif
