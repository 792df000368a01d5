/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_ADDRESS_ABI_H
#define TERWAYKIT_ADDRESS_ABI_H

/* Addresses of both families in one form, so that one map and one program serve both. */
#include <linux/types.h>

/*
 * An IPv6 address, or an IPv4 address in its IPv4-mapped form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). Words and bytes are
 * in network order. An IPv6 packet that itself carries a mapped address is malformed (DROP_INVALID): RFC 6890 keeps
 * them off the wire, and here they would pass for IPv4.
 */
struct ip_address {
  __be32 word[4];
};
_Static_assert(sizeof(struct ip_address) == 16, "struct ip_address");

#endif
