/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_MAPS_H
#define TERWAYKIT_SERVICE_MAPS_H

/*
 * Maps of the socket load balancer. Userland writes frontend, service, service_slot and backend, in the order that
 * service_abi.h describes; the programs write the rest. Sizes are defaults: the loader may change them before loading.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "service_abi.h"

/* VIP, port, protocol -> service. Full: userland refuses the new service; nothing that works is touched. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct frontend_key);
  __type(value, struct frontend);
} frontend SEC(".maps");

/* Service -> extent of slots, in one word. Mapped by userland, which replaces an extent with one 64-bit store. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct service_word);
} service SEC(".maps");

/* Slot -> backend. An extent is written before a service word names it and is not written again while one may. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1048576);
  __type(key, __u32);
  __type(value, struct service_slot);
} service_slot SEC(".maps");

/* Backend -> address, port, state. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct backend);
} backend SEC(".maps");

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
