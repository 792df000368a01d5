/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_POD_MAPS_H
#define TERWAYKIT_POD_MAPS_H

/* Maps of the pod programs, beside shared_maps.h. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "include/policy_abi.h"

/* Endpoint identifier -> pod. Written by the wiring, read per packet. Absent: dropped (DROP_ENDPOINT_NOT_READY). */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ENDPOINT_LIMIT);
  __type(key, __u32);
  __type(value, struct endpoint);
} endpoint SEC(".maps");

/*
 * Connection tracking. Written and read by the pod programs; user space lists it and clears it by endpoint. Full: the
 * least recently used flow goes; its next forward packet is judged like a first one.
 */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 131072);
  __type(key, struct flow_key);
  __type(value, struct flow_state);
} flow SEC(".maps");

/*
 * The policy tables, as include/policy_abi.h has them: written by the policy writer, read when a packet is judged.
 * Full: the writer refuses a generation before it touches anything. Mapped arrays hold what changes with one store.
 */

/* The active policy generation. Read once per packet. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct policy_state);
} policy_state SEC(".maps");

/* Endpoint identifier -> rule sets. Cleared by the wiring when a pod goes. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ENDPOINT_LIMIT);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct endpoint_policy);
} endpoint_policy SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 8192);
  __type(key, __u32);
  __type(value, struct rule_set);
} rule_set SEC(".maps");

/* Address of a pod or node -> index into `peer_class`. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 262144);
  __type(key, struct ip_address);
  __type(value, __u32);
} peer SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 262144);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct version_word);
} peer_class SEC(".maps");

/* Rule set and class -> port table. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 262144);
  __type(key, struct verdict_key);
  __type(value, struct verdict);
} verdict SEC(".maps");

/* The rule sets' own CIDRs, one run for each set that has any. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct address_range4);
} address_range4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct address_range6);
} address_range6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16384);
  __type(key, __u32);
  __type(value, struct port_table);
} port_table SEC(".maps");

/* The port tables' ranges, one run for each table and protocol that has any. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct port_range);
} port_range SEC(".maps");

/* Decision -> packets that it judged, per CPU. Written by the pod programs, read by operators. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct decision_counter);
} decision_count SEC(".maps");

/* struct flow_record for each drop, and each new flow when asked. Full: the record is lost and event_lost counts it. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} flow_event SEC(".maps");

/* Records that found flow_event full, per CPU. Written by the pod programs, read by operators. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} event_lost SEC(".maps");

/*
 * Flow -> which address the pod asked for, of node ports alone: their VIP record says any. Written and read by the pod
 * programs. Full: the one used longest ago goes, and its replies are dropped (DROP_NAT_NO_MAPPING).
 */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct flow_key);
  __type(value, struct ip_address);
} asked_address SEC(".maps");

#endif
