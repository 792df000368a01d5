/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_POLICY_H
#define TERWAYKIT_POLICY_H

/*
 * Network policy: may this packet pass, as the first of a flow or a further one of its direction? The tables and the
 * order in which they are asked are those of include/policy_abi.h.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/policy_abi.h"
#include "packet.h"
#include "pod_maps.h"

/* Halvings that find one of 2^16 port ranges, or of ADDRESS_RANGE_LIMIT address ranges. */
#define PORT_SEARCH_STEPS    16
#define ADDRESS_SEARCH_STEPS 20

/* What was found for a packet's peer. */
struct judgement {
  __u32 table;
  __u32 decision;
};

/* The active generation. A caller asks once per packet. */
static __always_inline __u32 active_generation(void) {
  __u32 zero = 0;
  struct policy_state *state = bpf_map_lookup_elem(&policy_state, &zero);

  return state ? *(volatile __u32 *)&state->generation : 0;
}

static __always_inline __u32 version_value(__u64 word, __u32 generation) {
  __s16 age = (__s16)(generation - (__u32)(word >> VERSION_SINCE_SHIFT));

  return (age >= 0 ? (__u32)word : (__u32)(word >> VERSION_BEFORE_SHIFT)) & VERSION_VALUE_MASK;
}

/* All ones when `left` is `right` or more, else 0: without a branch. */
static __always_inline __u32 is_not_before(__u32 left, __u32 right) {
  return ~(__u32)(((__u64)left - right) >> 32);
}

/* 1 when subtracting `right` and `borrow` from `left` borrows, else 0. */
static __always_inline __u64 borrows(__u64 left, __u64 right, __u64 borrow) {
  __u64 difference = left - right - borrow;

  return ((~left & right) | (~(left ^ right) & difference)) >> 63;
}

/* The same for numbers of 128 bits. */
static __always_inline __u32 is_not_before6(__u64 left_high, __u64 left_low, __u64 right_high, __u64 right_low) {
  return (__u32)borrows(left_high, right_high, borrows(left_low, right_low, 0)) - 1;
}

/*
 * The searches go to the last range that begins at or before what is looked for, which alone can hold it. Halving takes
 * as many steps whatever is found, so the verifier sees one way through each step, and the processor no branch to
 * guess.
 */
static __always_inline int search_ranges4(__u32 first, __u32 count, __u32 address, struct judgement *found) {
  struct address_range4 *range;
  __u32 half, index;

#pragma clang loop unroll(disable)
  for (int step = 0; step < ADDRESS_SEARCH_STEPS; step++) {
    if (count <= 1)
      break;
    half = count >> 1;
    index = first + half;
    range = bpf_map_lookup_elem(&address_range4, &index);
    if (!range)
      return 0;
    first += half & is_not_before(address, range->first);
    count -= half;
  }
  range = bpf_map_lookup_elem(&address_range4, &first);
  if (count == 0 || !range || address < range->first || address > range->last)
    return 0;
  found->table = range->table;
  found->decision = range->decision;
  return 1;
}

static __always_inline int search_ranges6(__u32 first, __u32 count, const struct ip_address *address,
                                          struct judgement *found) {
  __u64 high = (__u64)bpf_ntohl(address->word[0]) << 32 | bpf_ntohl(address->word[1]);
  __u64 low = (__u64)bpf_ntohl(address->word[2]) << 32 | bpf_ntohl(address->word[3]);
  struct address_range6 *range;
  __u32 half, index;

#pragma clang loop unroll(disable)
  for (int step = 0; step < ADDRESS_SEARCH_STEPS; step++) {
    if (count <= 1)
      break;
    half = count >> 1;
    index = first + half;
    range = bpf_map_lookup_elem(&address_range6, &index);
    if (!range)
      return 0;
    first += half & is_not_before6(high, low, range->first_high, range->first_low);
    count -= half;
  }
  range = bpf_map_lookup_elem(&address_range6, &first);
  if (count == 0 || !range || !is_not_before6(high, low, range->first_high, range->first_low) ||
      !is_not_before6(range->last_high, range->last_low, high, low))
    return 0;
  found->table = range->table;
  found->decision = range->decision;
  return 1;
}

/* The VERDICT_* of a port in `count` ranges, of which there is at least one; `rest` where none holds it. */
static __always_inline __u32 search_ports(__u32 first, __u32 count, __u16 port, __u32 rest) {
  struct port_range *range;
  __u32 half, index;

#pragma clang loop unroll(disable)
  for (int step = 0; step < PORT_SEARCH_STEPS; step++) {
    if (count <= 1)
      break;
    half = count >> 1;
    index = first + half;
    range = bpf_map_lookup_elem(&port_range, &index);
    if (!range)
      return VERDICT_NO_MATCH;
    first += half & is_not_before(port, range->first);
    count -= half;
  }
  range = bpf_map_lookup_elem(&port_range, &first);
  if (!range)
    return VERDICT_NO_MATCH;
  return port >= range->first && port <= range->last ? range->verdict : rest;
}

/* The VERDICT_* of a port table. An index that is not there is a table that was never written: nothing matches. */
static __always_inline __u32 ask_table(const struct packet *packet, __u32 index) {
  struct port_table *table;
  __u32 which = PORT_TABLE_TCP;
  __u8 protocol = packet->flow.protocol;

  if (index < PORT_TABLE_FIRST)
    return index;
  table = bpf_map_lookup_elem(&port_table, &index);
  if (!table)
    return VERDICT_NO_MATCH;
  if (protocol == IPPROTO_UDP)
    which = PORT_TABLE_UDP;
  else if (protocol == IPPROTO_SCTP)
    which = PORT_TABLE_SCTP;
  else if (protocol != IPPROTO_TCP)
    return table->other;
  if (packet->kind != PACKET_FLOW)
    return table->other;
  if (table->count[which] == 0)
    return table->rest[which];
  return search_ports(table->first[which], table->count[which],
                      bpf_ntohs(packet->direction == FLOW_EGRESS ? packet->flow.peer_port : packet->flow.local_port),
                      table->rest[which]);
}

/* What a rule set says of addresses that have no class of their own in it. 0: there is no such set. */
static __always_inline int judge_address(const struct packet *packet, __u32 set, struct judgement *found) {
  struct rule_set *rules = bpf_map_lookup_elem(&rule_set, &set);

  if (!rules)
    return 0;
  found->table = rules->default_table;
  found->decision = rules->default_decision;
  if (packet->is_ipv6) {
    if (rules->range6_count != 0)
      search_ranges6(rules->range6_first, rules->range6_count, &packet->flow.peer_address, found);
  } else if (rules->range4_count != 0) {
    search_ranges4(rules->range4_first, rules->range4_count, bpf_ntohl(packet->flow.peer_address.word[3]), found);
  }
  return 1;
}

/* What is known of the packet's peer: NULL where it has no class of any kind. */
static __always_inline struct peer_class *find_peer(const struct packet *packet) {
  struct ip_address address = packet->flow.peer_address; /* on the stack: Linux 6.1 wants keys there */
  __u32 *index = bpf_map_lookup_elem(&peer, &address);

  return index ? bpf_map_lookup_elem(&peer_class, index) : NULL;
}

/* The value of a version word that a writer may be changing. */
static __always_inline __u32 word_value(const struct version_word *word, __u32 generation) {
  return version_value(*(const volatile __u64 *)&word->value, generation);
}

static __always_inline void count_decision(__u32 decision, int is_allowed) {
  struct decision_counter *counter;

  if (decision == 0)
    return;
  counter = bpf_map_lookup_elem(&decision_count, &decision);
  if (!counter)
    return;
  if (is_allowed)
    counter->allowed += 1;
  else
    counter->dropped += 1;
}

static __always_inline int not_compiled(struct packet *packet, const struct endpoint *pod) {
  packet->generation = 0;
  return pod->flags & ENDPOINT_POLICY_REQUIRED ? DROP_ENDPOINT_NOT_READY : DROP_NONE;
}

/* There is no such rule set. */
#define VERDICT_NOT_THERE 255

/* The VERDICT_* of a rule set for a class of peers, with packet->decision. */
static __always_inline __u32 ask_rule_set(struct packet *packet, __u32 set, __u32 class) {
  struct judgement found = {};
  struct verdict_key key;
  struct verdict *entry;

  key.rule_set = set;
  key.peer_class = class;
  if (class != PEER_CLASS_DEFAULT) {
    entry = bpf_map_lookup_elem(&verdict, &key);
    if (entry) {
      found.table = entry->table;
      found.decision = entry->decision;
      goto found;
    }
  }
  if (!judge_address(packet, set, &found))
    return VERDICT_NOT_THERE;
found:
  packet->decision = found.decision;
  return ask_table(packet, found.table);
}

/* Counts a decision and says what becomes of the packet. */
static __always_inline int decide(const struct packet *packet, __u32 answer) {
  if (answer == VERDICT_NOT_THERE)
    return DROP_ENDPOINT_NOT_READY;
  count_decision(packet->decision, answer == VERDICT_ALLOW);
  if (answer == VERDICT_ALLOW)
    return DROP_NONE;
  return answer == VERDICT_DENY ? DROP_POLICY_DENY : DROP_POLICY;
}

/* The admin tier's VERDICT_*. A program of its own, so that pods without such policies do not pay for its registers. */
__noinline int ask_admin_tier(struct packet *packet, __u32 set, __u32 class) {
  if (!packet)
    return VERDICT_NOT_THERE;
  return ask_rule_set(packet, set, class);
}

/*
 * Sets packet->decision, and packet->generation to the generation that decided: 0 when the endpoint is not compiled in
 * `generation`, which is never remembered as a decision. Global, like all that is off the fast path: the verifier looks
 * at it once whoever calls, and packets of flows that were judged before do not pay for its registers.
 */
__noinline int judge(struct packet *packet, const struct endpoint *pod, __u32 generation) {
  __u32 id, admin, set, baseline, class = PEER_CLASS_DEFAULT, cluster_class = PEER_CLASS_DEFAULT;
  struct endpoint_policy *policy;
  struct policy_stages *stages;
  struct peer_class *classes;

  if (!packet || !pod)
    return DROP_ENDPOINT_NOT_READY;
  id = packet->endpoint;
  policy = bpf_map_lookup_elem(&endpoint_policy, &id);
  packet->decision = 0;
  packet->generation = generation;
  if (!policy)
    return not_compiled(packet, pod);
  stages = packet->direction == FLOW_EGRESS ? &policy->egress : &policy->ingress;
  admin = word_value(&stages->admin, generation);
  set = word_value(&stages->policy, generation);
  baseline = word_value(&stages->baseline, generation);
  if (admin == RULE_SET_NOT_COMPILED || set == RULE_SET_NOT_COMPILED || baseline == RULE_SET_NOT_COMPILED)
    return not_compiled(packet, pod);
  if ((admin | set | baseline) == RULE_SET_UNRESTRICTED)
    return DROP_NONE;
  if (is_own(pod, &packet->flow.peer_address, packet->is_ipv6))
    return DROP_NONE;
  classes = find_peer(packet);
  if (classes) {
    class = word_value(&classes->policy, generation);
    cluster_class = word_value(&classes->cluster, generation);
  }
  if (admin != RULE_SET_UNRESTRICTED) {
    __u32 answer = ask_admin_tier(packet, admin, cluster_class);

    if (answer != VERDICT_PASS)
      return decide(packet, answer);
  }
  if (set == RULE_SET_UNRESTRICTED) {
    /* Where nothing comes after the admin tier, its passing on is what decided. */
    if (baseline == RULE_SET_UNRESTRICTED)
      return decide(packet, VERDICT_ALLOW);
    set = baseline;
    class = cluster_class;
  } else if (class & PEER_IS_LOCAL_NODE) {
    struct rule_set *rules = bpf_map_lookup_elem(&rule_set, &set);

    set = rules ? rules->own_node : RULE_SET_NOT_COMPILED;
    if (set == RULE_SET_UNRESTRICTED) {
      packet->decision = 0;
      return DROP_NONE;
    }
    /* No writer leaves a set without its companion, nor one without an entry: whatever it is, it does not allow. */
    if (set == RULE_SET_NOT_COMPILED)
      return DROP_ENDPOINT_NOT_READY;
    class &= PEER_CLASS_MASK;
  }
  return decide(packet, ask_rule_set(packet, set, class));
}

#endif
