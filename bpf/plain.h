/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_PLAIN_H
#define TERWAYKIT_PLAIN_H

/*
 * Other ends for plain packets: TCP or UDP right behind an IP header without options. Helper calls are what rewriting
 * costs. What is written lies side by side, so that one does it, or none where the program may write in place.
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
struct plain_words {
  __be32 word[13];
};

#define WORDS_BEFORE            2 /* of the IP header, before what is written */
#define HEADER_WORDS4           5
#define HEADER_WORDS6           10
#define TRANSPORT_WORDS(is_tcp) ((is_tcp) ? 5 : 2)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first half of a word is its low half");

/* How a plain packet is changed. A null address stays as it is. */
struct plain_change {
  const struct ip_address *source;
  const struct ip_address *destination;
  __be32 ports; /* in the order of the header */
  int is_ipv6;
  int is_tcp;
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

/*
 * Copies a transport header as far as its checksum, with other ports and with the checksum that it then has: TCP's
 * begins the last word, UDP's ends it. 0: the packet does not let itself be written.
 */
static __always_inline int copy_transport(struct __sk_buff *skb, __be32 *words, const __be32 *transport,
                                          const __u32 offset, const struct plain_change *change, __u64 pseudo,
                                          __u64 addresses) {
  const int last = TRANSPORT_WORDS(change->is_tcp) - 1;
  __u64 ports = (__u64)(__u32)~transport[0] + change->ports;
  __be32 word = transport[last];
  int checksum;

  words[0] = change->ports;
#pragma clang loop unroll(full)
  for (int index = 1; index < last; index++)
    words[index] = transport[index];
  if (change->is_tcp) {
    checksum = new_checksum(skb, offset + 16, 1, (__be16)word, pseudo, addresses, ports);
    words[last] = (word & 0xffff0000) | (__u16)checksum;
  } else {
    checksum = new_checksum(skb, offset + 6, 0, (__be16)(word >> 16), pseudo, addresses, ports);
    words[last] = (word & 0xffff) | (__u32)checksum << 16;
  }
  return checksum >= 0;
}

/* Writes `count` words; in place only those that changed. Negative: the packet does not let itself be written. */
static __always_inline long put_words(struct __sk_buff *skb, const struct plain_words *words, const int count,
                                      const struct plain_change *change, const int is_in_place) {
  __be32 *place = (void *)(long)skb->data + sizeof(struct ethhdr);
  const int header = change->is_ipv6 ? HEADER_WORDS6 : HEADER_WORDS4;

  if (!is_in_place)
    return bpf_skb_store_bytes(skb, sizeof(struct ethhdr) + 4 * WORDS_BEFORE, words, 4 * count, BPF_F_RECOMPUTE_CSUM);
  place += WORDS_BEFORE;
  if ((void *)(place + count) > (void *)(long)skb->data_end)
    return -1;
#pragma clang loop unroll(full)
  for (int index = 0; index < count; index++) {
    int word = index + WORDS_BEFORE;
    int is_source = change->is_ipv6 ? word < 6 : word == 3;
    int is_destination = change->is_ipv6 ? word >= 6 && word < 10 : word == 4;

    if (is_source && !change->source)
      continue;
    if (is_destination && !change->destination)
      continue;
    if (word > header && index != count - 1)
      continue;
    place[index] = words->word[index];
  }
  return 0;
}

static __always_inline long change_plain4(struct __sk_buff *skb, struct plain_words *words,
                                          const struct plain_change *change, const int is_in_place) {
  const int count = 3 + TRANSPORT_WORDS(change->is_tcp);
  const __be32 *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 pseudo, ports, addresses = 0;
  __be32 *word = words->word;

  if ((void *)(ip + WORDS_BEFORE + count) > (void *)(long)skb->data_end)
    return -1;
  ports = (__u64)(__u32)~ip[HEADER_WORDS4] + change->ports;
  /* In place of the transport's length stands the IP header's, less that header's own. */
  pseudo = (__u64)ip[3] + ip[4] + (ip[0] >> 16) + (__u16)~bpf_htons(sizeof(struct iphdr)) +
           bpf_htons(change->is_tcp ? IPPROTO_TCP : IPPROTO_UDP);
  word[1] = change->source ? change->source->word[3] : ip[3];
  word[2] = change->destination ? change->destination->word[3] : ip[4];
  if (change->source)
    addresses += (__u64)(__u32)~ip[3] + word[1];
  if (change->destination)
    addresses += (__u64)(__u32)~ip[4] + word[2];
  word[0] = (ip[2] & 0xffff) | (__u32)~fold16(addresses + (__u16) ~(ip[2] >> 16)) << 16;
  if (!copy_transport(skb, word + 3, ip + HEADER_WORDS4, PLAIN_TRANSPORT4, change, pseudo, addresses))
    return -1;
  /*
   * The kernel's sum of the whole packet, where it has one: the header's checksum makes good for the addresses, and the
   * transport's, if there is one, for addresses and ports. IPv6 addresses have no other one. A helper sees to it
   * itself.
   */
  if (is_in_place)
    bpf_csum_update(skb, !change->is_tcp && word[4] >> 16 == 0 ? fold(ports) : (__u32)~fold(addresses));
  return put_words(skb, words, count, change, is_in_place);
}

static __always_inline __u64 sum_of(const __be32 *words) {
  return (__u64)words[0] + words[1] + words[2] + words[3];
}

static __always_inline long change_plain6(struct __sk_buff *skb, struct plain_words *words,
                                          const struct plain_change *change, const int is_in_place) {
  const int count = 8 + TRANSPORT_WORDS(change->is_tcp);
  const __be32 *ip = (void *)(long)skb->data + sizeof(struct ethhdr);
  __u64 pseudo, from, to, addresses = 0;
  __be32 *word = words->word;

  if ((void *)(ip + WORDS_BEFORE + count) > (void *)(long)skb->data_end)
    return -1;
  from = sum_of(ip + 2);
  to = sum_of(ip + 6);
  pseudo = from + to + (ip[1] & 0xffff) + bpf_htons(change->is_tcp ? IPPROTO_TCP : IPPROTO_UDP);
#pragma clang loop unroll(full)
  for (int index = 0; index < 4; index++) {
    word[index] = change->source ? change->source->word[index] : ip[2 + index];
    word[4 + index] = change->destination ? change->destination->word[index] : ip[6 + index];
  }
  if (change->source)
    addresses += sum_of(word) + (__u32)~fold(from);
  if (change->destination)
    addresses += sum_of(word + 4) + (__u32)~fold(to);
  if (!copy_transport(skb, word + 8, ip + HEADER_WORDS6, PLAIN_TRANSPORT6, change, pseudo, addresses))
    return -1;
  return put_words(skb, words, count, change, is_in_place);
}

/* Changes a plain packet. DROP_INVALID where it does not let itself be written. */
static __always_inline int change_plain(struct __sk_buff *skb, int is_ipv6, int is_tcp, const struct ip_address *source,
                                        const struct ip_address *destination, __be32 ports, const int is_in_place) {
  const struct plain_change udp4 = {source, destination, ports, 0, 0}, tcp4 = {source, destination, ports, 0, 1};
  const struct plain_change udp6 = {source, destination, ports, 1, 0}, tcp6 = {source, destination, ports, 1, 1};
  struct plain_words words;
  long failure;

  if (is_ipv6)
    failure = is_tcp ? change_plain6(skb, &words, &tcp6, is_in_place) : change_plain6(skb, &words, &udp6, is_in_place);
  else
    failure = is_tcp ? change_plain4(skb, &words, &tcp4, is_in_place) : change_plain4(skb, &words, &udp4, is_in_place);
  return failure ? DROP_INVALID : DROP_NONE;
}

static __always_inline __be32 ports_word(__be16 source, __be16 destination) {
  return (__u32)destination << 16 | source;
}

#endif
