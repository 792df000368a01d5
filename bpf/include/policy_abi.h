/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_POLICY_ABI_H
#define TERWAYKIT_POLICY_ABI_H

/*
 * Network policy, compiled. A packet's peer is looked up once (address -> class), then one verdict:
 * (rule set of the endpoint and direction, class, protocol, port). No entry: denied.
 *
 * Everything is written under a generation number beside the active one, then `policy_state.generation` is set with
 * one store. A program loads it once per packet, so no packet is judged by a mixture of two generations.
 *
 * What was published under a number never changes under it, and no number is used twice: a flow remembers the
 * generation that last allowed it and is judged again when that is no longer the active one.
 */
#include <linux/types.h>

/* The class of every address that no CIDR and no selector in force tells apart. It has no entry in `peer_class`. */
#define PEER_CLASS_DEFAULT 0

/* peer_class.flags: an address of this node. Always reaches the pods here, and they it (kubelet probes). */
#define PEER_IS_LOCAL_NODE (1u << 0)

/* Map `policy_state` (array of one). Generation 0: nothing compiled yet. */
struct policy_state {
  __u32 generation;
  __u32 padding;
};
_Static_assert(sizeof(struct policy_state) == 8, "struct policy_state");

/*
 * Map `endpoint_policy` (array, index = endpoint identifier * 2 + (generation & 1)). An entry of another generation
 * than the active one means "not compiled". Set 0: this direction is not restricted.
 */
struct endpoint_policy {
  __u32 generation;
  __u32 ingress_set;
  __u32 egress_set;
  __u32 padding;
};
_Static_assert(sizeof(struct endpoint_policy) == 16, "struct endpoint_policy");

/* Map `peer_class` (LPM trie). prefix_length counts from `generation`: 32 + the CIDR's length. */
struct peer_class_key {
  __u32 prefix_length;
  __u32 generation;
  __be32 address;
};
_Static_assert(sizeof(struct peer_class_key) == 12, "struct peer_class_key");

struct peer_class {
  __u32 class_id;
  __u32 flags; /* PEER_* */
};
_Static_assert(sizeof(struct peer_class) == 8, "struct peer_class");

/*
 * Map `verdict` (LPM trie). prefix_length counts from `rule_set`: VERDICT_ANY_PROTOCOL, VERDICT_ANY_PORT, or
 * VERDICT_ANY_PORT + the length of a port prefix (0 ... 16).
 */
#define VERDICT_ANY_PROTOCOL 64
#define VERDICT_ANY_PORT     80
#define VERDICT_EXACT        96

struct verdict_key {
  __u32 prefix_length;
  __u32 rule_set;
  __u32 peer_class;
  __u8 protocol;
  __u8 padding;
  __be16 port;
};
_Static_assert(sizeof(struct verdict_key) == 16, "struct verdict_key");

/* verdict.flags */
#define VERDICT_ALLOW (1u << 0)

struct verdict {
  __u32 decision; /* names the policies and rules it came from; a number for the compiler's table */
  __u32 flags;    /* VERDICT_* */
};
_Static_assert(sizeof(struct verdict) == 8, "struct verdict");

#endif
