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

/* The active policy generation. Written by the policy writer with one store, read once per packet. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct policy_state);
} policy_state SEC(".maps");

/* Endpoint and generation parity -> rule sets. Written by the policy writer, read when a packet is judged. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, ENDPOINT_LIMIT * 2);
  __type(key, __u32);
  __type(value, struct endpoint_policy);
} endpoint_policy SEC(".maps");

/* Peer address -> class. Written by the policy writer. Full: the writer refuses the generation before it publishes. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 131072);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct peer_class_key);
  __type(value, struct peer_class);
} peer_class SEC(".maps");

/* Rule set, class, protocol, port -> verdict. Written by the policy writer. Full: as peer_class. */
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 131072);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct verdict_key);
  __type(value, struct verdict);
} verdict SEC(".maps");

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

/* Ports of a fragmented packet, learnt from its first fragment. These two structs stay within the kernel. */
struct fragment_key {
  __u32 endpoint;
  __be32 source;
  __be32 destination;
  __be16 identification;
  __u8 protocol;
  __u8 padding;
};
_Static_assert(sizeof(struct fragment_key) == 16, "struct fragment_key");

struct fragment {
  __u64 first_seen; /* nanoseconds, CLOCK_MONOTONIC */
  __be16 source_port;
  __be16 destination_port;
  __u32 kind; /* enum packet_kind of the first fragment */
};
_Static_assert(sizeof(struct fragment) == 16, "struct fragment");

/* Written and read by the pod programs only. Full: the oldest goes; its later fragments match no rule with a port. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct fragment_key);
  __type(value, struct fragment);
} fragment SEC(".maps");

#endif
