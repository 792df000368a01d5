/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_MAPS_H
#define TERWAYKIT_SERVICE_MAPS_H

/*
 * Maps of services, shared by the socket programs, the pod programs and the node programs. User space writes all but
 * the last five, in the order that include/service_abi.h describes. Sizes are defaults: the loader changes them.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "include/service_abi.h"

/* What is asked for -> service. Full: user space refuses the new table; nothing that works is touched. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct frontend_key4);
  __type(value, struct frontend_word);
} frontend4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct frontend_key6);
  __type(value, struct frontend_word);
} frontend6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct vip);
} vip SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct service);
} service SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct service_config);
} service_config SEC(".maps");

/* max_entries: half of the number of slots. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 524288);
  __type(key, __u32);
  __type(value, struct slot_pair);
} service_slot SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 262144);
  __type(key, __u32);
  __type(value, struct backend);
} backend SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, 65536);
  __type(key, struct source_range_key);
  __type(value, struct present);
} source_range SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __type(key, struct ip_address);
  __type(value, struct present);
} node_address SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, struct present);
} socket_exclusion SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct service_state);
} service_state SEC(".maps");

/* Client and service -> backend. Full: the client that came longest ago is placed anew. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, struct affinity_key);
  __type(value, struct affinity);
} affinity SEC(".maps");

/* Connected socket -> what it asked for. Lives and dies with the socket. Full (socket option memory): ENOMEM. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct socket_peer);
} socket_peer SEC(".maps");

/* Unconnected UDP socket and backend -> what it asked for. Full: the entry used longest ago goes. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, struct datagram_peer_key);
  __type(value, struct datagram_peer);
} datagram_peer SEC(".maps");

/* Service -> counts, per CPU. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct service_counter);
} service_counter SEC(".maps");

#endif
