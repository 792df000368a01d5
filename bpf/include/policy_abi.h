/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_POLICY_ABI_H
#define TERWAYKIT_POLICY_ABI_H

/*
 * Network policy, compiled. How a packet is judged, at a cost that does not depend on how many policies there are:
 *
 *   endpoint, direction, stage -> rule set              array       endpoint_policy
 *   peer address               -> two classes           hash, array peer, peer_class   (absent: class 0)
 *   rule set, class            -> port table            hash        verdict            (class 0 has no entry)
 *   else: rule set, address    -> port table            binary search in address_range (the set's own CIDRs)
 *   else:                         the set's default port table
 *   port table, protocol, port -> verdict               binary search in port_range
 *
 * There are three stages, as Kubernetes has tiers: admin, NetworkPolicy, baseline. At most two of them are asked, and
 * each gives one answer. The first may pass a packet on to the second or the third; of these one has the last word.
 * NetworkPolicies and the policies of the cluster see peers apart, each by classes of their own: what one tells apart
 * does not multiply what the other has to say.
 *
 * Rule sets, verdicts, ranges and port tables never change while anything refers to them: a change makes new ones. What
 * refers to them is a version word: it holds a value for the generation in force and one for the next. The writer
 * prepares any number of words, then `policy_state.generation` is set with one store. A program loads it once per
 * packet, so no packet is judged by a mixture of two generations.
 *
 * No number is used twice for a generation: a flow remembers the one that last allowed it and is judged again when that
 * is no longer the one in force.
 */
#include <linux/types.h>
#include "address_abi.h"

/* Map `policy_state` (mmapable array of one). Generation 0: nothing compiled yet; what follows 2^32 - 1 is 1. */
struct policy_state {
  __u32 generation;
  __u32 padding;
};
_Static_assert(sizeof(struct policy_state) == 8, "struct policy_state");

/*
 * A version word: bits 0-23 the value from generation `since` on, bits 24-47 the value before it, bits 48-63 the low 16
 * bits of `since`. A reader in generation g takes the newer value when (__s16)(g - since) >= 0. The writer makes both
 * values equal before 2^15 generations have passed; then `since` says nothing.
 */
struct version_word {
  __u64 value;
};
_Static_assert(sizeof(struct version_word) == 8, "struct version_word");

#define VERSION_VALUE_BITS   24
#define VERSION_VALUE_MASK   0xffffffu
#define VERSION_BEFORE_SHIFT 24
#define VERSION_SINCE_SHIFT  48

/* The rule sets of one direction, as version words of indexes into `rule_set`. */
struct policy_stages {
  struct version_word admin;    /* of the admin tier: asked first, by the peer's cluster class */
  struct version_word policy;   /* of NetworkPolicies, where any selects the pod; by the peer's policy class */
  struct version_word baseline; /* of the baseline tier: asked where `policy` is unrestricted, by the cluster class */
};
_Static_assert(sizeof(struct policy_stages) == 24, "struct policy_stages");

/* Map `endpoint_policy` (mmapable array by endpoint identifier). */
struct endpoint_policy {
  struct policy_stages ingress;
  struct policy_stages egress;
};
_Static_assert(sizeof(struct endpoint_policy) == 48, "struct endpoint_policy");

/* Values of `endpoint_policy`, and of rule_set.own_node. Other values are indexes of entries the writer made. */
#define RULE_SET_NOT_COMPILED 0 /* dropped as DROP_ENDPOINT_NOT_READY if the endpoint requires policy, else passed */
#define RULE_SET_UNRESTRICTED 1 /* the stage has nothing to say */
#define RULE_SET_FIRST        2

/* Map `rule_set` (array). */
struct rule_set {
  __u32 default_table;    /* port table of peers that nothing else matches */
  __u32 default_decision; /* index into `decision_count` */
  __u32 own_node;         /* of NetworkPolicies: the rule set that judges this node's addresses (kubelet probes) */
  __u32 range4_first;     /* the set's CIDRs: IPv4 in address_range4, sorted and disjoint */
  __u32 range4_count;
  __u32 range6_first; /* IPv6 in address_range6 */
  __u32 range6_count;
  __u32 padding;
};
_Static_assert(sizeof(struct rule_set) == 32, "struct rule_set");

/* Map `peer` (hash by struct ip_address): index into `peer_class`. Pods and nodes; constant while the entry exists. */
/* Map `peer_class` (mmapable array): version words of PEER_CLASS_DEFAULT or a class. A number is a class of one kind.
 */
struct peer_class {
  struct version_word policy;  /* what NetworkPolicies see of the peer, with PEER_IS_LOCAL_NODE or not */
  struct version_word cluster; /* what policies of the cluster see of it */
};
_Static_assert(sizeof(struct peer_class) == 16, "struct peer_class");

#define PEER_CLASS_DEFAULT 0
/* The address is this node's: NetworkPolicies judge it by rule_set.own_node. */
#define PEER_IS_LOCAL_NODE (1u << 23)
#define PEER_CLASS_MASK    (PEER_IS_LOCAL_NODE - 1)

/* Map `verdict` (hash). */
struct verdict_key {
  __u32 rule_set;
  __u32 peer_class;
};
_Static_assert(sizeof(struct verdict_key) == 8, "struct verdict_key");

struct verdict {
  __u32 table;    /* index into `port_table` */
  __u32 decision; /* index into `decision_count` */
};
_Static_assert(sizeof(struct verdict) == 8, "struct verdict");

/* How many ranges of a family one rule set may have: so far the search goes. */
#define ADDRESS_RANGE_LIMIT 1048576

/* Map `address_range4` (array). Bounds are inclusive, in host order. */
struct address_range4 {
  __u32 first;
  __u32 last;
  __u32 table;
  __u32 decision;
};
_Static_assert(sizeof(struct address_range4) == 16, "struct address_range4");

/* Map `address_range6` (array). Bounds are inclusive; each half is in host order. */
struct address_range6 {
  __u64 first_high;
  __u64 first_low;
  __u64 last_high;
  __u64 last_low;
  __u32 table;
  __u32 decision;
};
_Static_assert(sizeof(struct address_range6) == 40, "struct address_range6");

/* What a rule set says of a packet. */
#define VERDICT_NO_MATCH 0 /* the endpoint is isolated and nothing allows this: DROP_POLICY */
#define VERDICT_ALLOW    1
#define VERDICT_DENY     2 /* a rule with the action Deny: DROP_POLICY_DENY */
#define VERDICT_PASS     3 /* the admin tier leaves it to the next stage; of any other stage it is as NO_MATCH */

/* Port tables whose index is the verdict for everything, whatever protocol and port. They have entries all the same. */
#define PORT_TABLE_FIRST 4

/* Positions in the arrays of struct port_table. */
#define PORT_TABLE_TCP  0
#define PORT_TABLE_UDP  1
#define PORT_TABLE_SCTP 2

/* Map `port_table` (array). */
struct port_table {
  __u32 first[3]; /* per protocol: ranges in `port_range`, sorted and disjoint */
  __u16 count[3];
  __u8 rest[3]; /* VERDICT_* of ports in no range */
  __u8 other;   /* VERDICT_* of other protocols, and of packets whose ports are not known */
  __u16 padding;
};
_Static_assert(sizeof(struct port_table) == 24, "struct port_table");

/* Map `port_range` (array). Bounds are inclusive, in host order. */
struct port_range {
  __u16 first;
  __u16 last;
  __u32 verdict; /* VERDICT_* */
};
_Static_assert(sizeof(struct port_range) == 8, "struct port_range");

/*
 * Map `decision_count` (per-CPU array): packets that were judged; further packets of an allowed flow are not.
 * Decision 0 is none (no rule set was asked) and is not counted.
 */
struct decision_counter {
  __u64 allowed;
  __u64 dropped;
};
_Static_assert(sizeof(struct decision_counter) == 16, "struct decision_counter");

#endif
