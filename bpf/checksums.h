/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_CHECKSUMS_H
#define TERWAYKIT_CHECKSUMS_H

/* Checksums over data that changes (RFC 1624). */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "packet.h"

/* Where the transport's checksum is in its header; 0: what cannot be mended (SCTP), or need not. */
static __always_inline __u32 checksum_place(__u8 protocol) {
  if (protocol == IPPROTO_TCP)
    return 16;
  return protocol == IPPROTO_UDP ? 6 : 0;
}

/*
 * Whether the kernel holds the sum of the whole packet. An address of IPv6 and the checksum that covers it change that
 * sum by nothing, which the helper for pseudo headers does not know: it was made for IPv4, whose header has a checksum
 * of its own. Without the flag it leaves the sum alone, which is right here and wrong where a device is yet to compute
 * the checksum (BPF_F_IPV6 tells the helper, in newer kernels). The helper that asks refuses all other packets.
 */
static __always_inline int has_complete_sum(struct __sk_buff *skb) {
  return bpf_csum_update(skb, 0) >= 0;
}

/* A one's complement sum in 32 bits. */
static __always_inline __u64 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  return (sum & 0xffffffff) + (sum >> 32);
}

/* One's complement sum of what is added and what is taken away. */
static __always_inline __u64 address_difference(const struct ends *from, const struct ends *to, const int words) {
  __u64 sum = 0;

#pragma clang loop unroll(full)
  for (int index = 4 - words; index < 4; index++) {
    sum += (__u32)~from->source.word[index] + (__u64)to->source.word[index];
    sum += (__u32)~from->destination.word[index] + (__u64)to->destination.word[index];
  }
  return fold(sum);
}

/* A checksum over data that became different by so much. */
static __always_inline __be16 changed_checksum(__be16 checksum, __u64 difference) {
  __u32 sum = (__u16)~checksum + ((__u32)difference & 0xffff) + ((__u32)difference >> 16);

  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__be16)~sum;
}

/* A one's complement sum of less than 2^36 in 16 bits. Of numbers that are not all 0 it is not 0 either. */
static __always_inline __u32 fold16(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u32)((sum & 0xffff) + (sum >> 16));
}

#endif
