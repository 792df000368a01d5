/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_ADDRESS_H
#define TERWAYKIT_ADDRESS_H

/* What can be said of an address. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/address_abi.h"

static __always_inline int is_mapped(const struct ip_address *address) {
  return (address->word[0] | address->word[1]) == 0 && address->word[2] == bpf_htonl(0xffff);
}

static __always_inline int is_unspecified(const struct ip_address *address) {
  return (address->word[0] | address->word[1] | address->word[2] | address->word[3]) == 0;
}

static __always_inline int is_link_local(const struct ip_address *address) {
  return (address->word[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

static __always_inline int is_same(const struct ip_address *left, const struct ip_address *right) {
  return ((left->word[0] ^ right->word[0]) | (left->word[1] ^ right->word[1]) | (left->word[2] ^ right->word[2]) |
          (left->word[3] ^ right->word[3])) == 0;
}

#endif
