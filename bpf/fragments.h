/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_FRAGMENTS_H
#define TERWAYKIT_FRAGMENTS_H

/* Later fragments have no transport header: they take their ports from the first one, which came before. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "include/address_abi.h"
#include "lifetimes.h"
#include "packet.h"

/* Ports of a fragmented packet, learnt from its first fragment. These two structs stay within the kernel. */
struct fragment_key {
  struct ip_address peer_address;
  struct ip_address local_address;
  __u32 endpoint;
  __be32 identification;
  __u8 protocol; /* IPv4; 0 for IPv6, which tells datagrams apart without it (RFC 8200, 4.5) */
  __u8 direction;
  __u8 padding[2];
};
_Static_assert(sizeof(struct fragment_key) == 44, "struct fragment_key");

struct fragment {
  __u64 first_seen; /* nanoseconds, CLOCK_MONOTONIC */
  __be16 peer_port;
  __be16 local_port;
  __u8 protocol; /* behind all extension headers */
  __u8 kind;     /* enum packet_kind of the first fragment */
  __u8 padding[2];
};
_Static_assert(sizeof(struct fragment) == 16, "struct fragment");

/* Written and read by the pod programs only. Full: the oldest goes; its later fragments match no rule with a port. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct fragment_key);
  __type(value, struct fragment);
} fragment SEC(".maps");

/* The datagram as it is on the wire: later fragments of what the pod sends to a service name the service. */
static __always_inline struct fragment_key fragment_key_of(const struct packet *packet) {
  struct fragment_key key = {};

  key.peer_address = packet->service == SERVICE_NONE ? packet->flow.peer_address : packet->asked_address;
  key.local_address = packet->local_address;
  key.endpoint = packet->endpoint;
  key.identification = packet->identification;
  key.protocol = packet->is_ipv6 ? 0 : packet->flow.protocol;
  key.direction = packet->direction;
  return key;
}

/* A first fragment that passed lends its ports to the later ones. */
__noinline int remember_fragment(const struct packet *packet, __u64 now) {
  struct fragment value = {.first_seen = now};
  struct fragment_key key;

  if (!packet)
    return 0;
  key = fragment_key_of(packet);
  value.peer_port = packet->service == SERVICE_NONE ? packet->flow.peer_port : packet->asked_port;
  value.local_port = packet->service == SERVICE_NONE ? packet->flow.local_port : packet->sent_port;
  value.protocol = packet->flow.protocol;
  value.kind = packet->kind;
  /* A failure costs the later fragments their ports, not the first its way. */
  return (int)bpf_map_update_elem(&fragment, &key, &value, BPF_ANY);
}

/* Gives a later fragment the ports of the first, if that one passed lately. */
__noinline int recall_fragment(struct packet *packet, __u64 now) {
  struct fragment_key key;
  struct fragment *value;

  if (!packet)
    return 0;
  key = fragment_key_of(packet);
  value = bpf_map_lookup_elem(&fragment, &key);
  if (!value || is_older(value->first_seen, now, LIFETIME_FRAGMENT))
    return 0;
  packet->flow.peer_port = value->peer_port;
  packet->flow.local_port = value->local_port;
  packet->flow.protocol = value->protocol;
  packet->kind = value->kind;
  return 1;
}

#endif
