/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_ABI_H
#define TERWAYKIT_SERVICE_ABI_H

/*
 * Services: what is asked for (a frontend: address, port, protocol) -> service -> slot -> backend.
 *
 *   frontend4, frontend6   hash    address, port, protocol -> frontend word
 *   vip                    array   VIP index -> what was asked for, for the way back
 *   service                array   service index -> two words, each an extent of slots: cluster scope and local scope
 *   service_config         array   service index -> algorithm, session affinity
 *   service_slot           array   slot -> backend index
 *   backend                array   backend index -> address, port, state, load
 *
 * One reader's decision loads one frontend word, one extent word and one slot. Each is a single aligned load, so that
 * it sees all old or all new. Writers keep the order: backends, slots, extents, configuration, VIPs, then frontends;
 * and the other way round when something goes. What no longer is named (a slot, an index) is not used again for
 * SERVICE_QUARANTINE; an index that is used again has another epoch, so that flows, sockets and affinities that
 * remember the old one do not take the new one for it.
 */
#include <linux/types.h>
#include "address_abi.h"

/* Seconds between the last word that names something and its reuse. Programs run for microseconds. */
#define SERVICE_QUARANTINE 1

/*
 * Keys of `frontend4` and `frontend6` (hashes). A node port has the unspecified address: it is looked up after the
 * exact address was not found, if the port is in the node port range and the address is one of `node_address` (or, in
 * the node's own network namespace, a loopback address).
 */
struct frontend_key4 {
  __be32 address;
  __be16 port;
  __u8 protocol;
  __u8 padding;
};
_Static_assert(sizeof(struct frontend_key4) == 8, "struct frontend_key4");

struct frontend_key6 {
  struct ip_address address; /* never a mapped one */
  __be16 port;
  __u8 protocol;
  __u8 padding;
};
_Static_assert(sizeof(struct frontend_key6) == 20, "struct frontend_key6");

/*
 * Value of both: bits 0-19 service index, 20-39 VIP index, 40-51 FRONTEND_* flags, 52-63 the VIP index's epoch. Index 0
 * of each is never used. One load.
 */
struct frontend_word {
  __u64 value;
};
_Static_assert(sizeof(struct frontend_word) == 8, "struct frontend_word");

#define FRONTEND_INDEX_BITS  20
#define FRONTEND_VIP_SHIFT   20
#define FRONTEND_FLAGS_SHIFT 40
#define FRONTEND_FLAGS_BITS  12
#define FRONTEND_EPOCH_SHIFT 52
#define FRONTEND_EPOCH_BITS  12

/* Served to clients outside the cluster too (node port, external IP, load balancer address); else it is a cluster IP.
 */
#define FRONTEND_EXTERNAL (1u << 0)
/* The address is the unspecified one: any of `node_address`. */
#define FRONTEND_NODE_PORT (1u << 1)
/* Clients in the cluster use the local scope (internalTrafficPolicy: Local, of cluster IPs only). */
#define FRONTEND_INTERNAL_LOCAL (1u << 2)
/* Clients outside use the local scope, and are not masked (externalTrafficPolicy: Local). */
#define FRONTEND_EXTERNAL_LOCAL (1u << 3)
/* service_config has to be read: session affinity, or another algorithm than random. */
#define FRONTEND_CONFIGURED (1u << 4)
/* Clients outside have to be in `source_range` (loadBalancerSourceRanges). */
#define FRONTEND_SOURCE_RANGES (1u << 5)
/* Local redirect: a socket is not redirected where its own network namespace listens on what it asks for. */
#define FRONTEND_LOCAL_REDIRECT (1u << 6)
/* An external address of another node's: sockets on this node are not translated (CVE-2020-8554). */
#define FRONTEND_NOT_INTERNAL (1u << 7)

/* Map `vip` (array by VIP index): what a frontend word's key was, for replies. Not changed while the index is in use.
 */
struct vip {
  struct ip_address address; /* of a node port: the unspecified address of its family */
  __be16 port;
  __u8 protocol;
  __u8 padding;
  __u32 service;
  __u32 epoch; /* of this index; FRONTEND_EPOCH_BITS */
  __u32 reserved;
};
_Static_assert(sizeof(struct vip) == 32, "struct vip");

/* An extent of slots, in one word: bits 0-31 the first slot, 32-63 how many. Count 0: there is none. */
struct slot_extent {
  __u64 value;
};
_Static_assert(sizeof(struct slot_extent) == 8, "struct slot_extent");

#define EXTENT_COUNT_SHIFT 32

/*
 * Map `service` (array by service index). The extents may share slots. `local` is kept only where a frontend asks for
 * it. With Maglev an extent is the table itself (16381 or 65521 slots) and the hash of the flow chooses; else a backend
 * has one slot.
 */
struct service {
  struct slot_extent cluster;
  struct slot_extent local; /* backends on this node */
};
_Static_assert(sizeof(struct service) == 16, "struct service");

/* Map `service_config` (array by service index). One load. */
struct service_config {
  __u32 affinity_seconds; /* 0: none */
  __u8 algorithm;         /* SERVICE_* */
  __u8 flags;             /* SERVICE_DSR */
  __u16 padding;
};
_Static_assert(sizeof(struct service_config) == 8, "struct service_config");

#define SERVICE_RANDOM     0
#define SERVICE_MAGLEV     1
#define SERVICE_LEAST_LOAD 2 /* the less loaded of two random ones */

/* service_config.flags: the backend answers clients outside by itself (direct server return). */
#define SERVICE_DSR (1u << 0)

/*
 * Map `service_slot` (array): two slots in each element, because the kernel spends 8 bytes on an element at least. Slot
 * n is backend[n & 1] of element n >> 1; one load. An index into `backend`.
 */
struct slot_pair {
  __u32 backend[2];
};
_Static_assert(sizeof(struct slot_pair) == 8, "struct slot_pair");

/*
 * Map `backend` (array by backend index; 0 is never used). A record belongs to one service. Only `state` and `load`
 * change while it is in use.
 */
struct backend {
  struct ip_address address;
  __be16 port;
  __u8 protocol;
  __u8 state;    /* BACKEND_* */
  __u32 service; /* index */
  __u32 epoch;   /* of this index */
  __u32 load;    /* open connections, counted by the programs; roughly: not stored across reboots */
};
_Static_assert(sizeof(struct backend) == 32, "struct backend");

#define BACKEND_FREE        0
#define BACKEND_ACTIVE      1 /* takes new flows */
#define BACKEND_TERMINATING 2 /* keeps its flows; takes new ones only while a service has no active one */
#define BACKEND_GONE        3 /* TCP flows go on until they end by themselves; UDP flows move to another backend */

/* Map `affinity` (LRU hash): which backend a client of a service had. Scopes are apart: they have other backends. */
struct affinity_key {
  struct ip_address client; /* or the network namespace's cookie, in word[0] and word[1] */
  __u32 service;
  __u32 kind; /* AFFINITY_* */
};
_Static_assert(sizeof(struct affinity_key) == 24, "struct affinity_key");

#define AFFINITY_COOKIE (1u << 0) /* of a socket in the cluster; else of a packet */
#define AFFINITY_LOCAL  (1u << 1) /* in the local scope */

struct affinity {
  __u64 last_used; /* nanoseconds, CLOCK_MONOTONIC */
  __u32 backend;   /* index */
  __u32 epoch;     /* of that index */
};
_Static_assert(sizeof(struct affinity) == 16, "struct affinity");

/* Map `source_range` (LPM trie): which clients outside may use a service's load balancer addresses. Value: nothing. */
struct source_range_key {
  __u32 prefix_length; /* 32 + bits of the address, in its mapped form for IPv4 */
  __be32 service;      /* index, in network order */
  struct ip_address address;
};
_Static_assert(sizeof(struct source_range_key) == 24, "struct source_range_key");

/* Map `node_address` (hash by struct ip_address): where node ports are served. Value: nothing. */
struct present {
  __u32 value;
};
_Static_assert(sizeof(struct present) == 4, "struct present");

/* Map `socket_exclusion` (hash by network namespace cookie, u64): sockets there are left alone (struct present). */

/* Map `service_state` (array of one element, mapped): what all programs look at first. */
struct service_state {
  __u32 exclusions; /* how many entries socket_exclusion has; 0: it is not looked at */
  __u32 revision;   /* counts applied tables, for people who look */
};
_Static_assert(sizeof(struct service_state) == 8, "struct service_state");

/*
 * Socket storage `socket_peer`: what the socket asked for last, and the backend that stands for it. A reader compares
 * the backend before it uses the rest, so that a stale value is harmless. It lives and dies with the socket.
 */
struct socket_peer {
  struct ip_address frontend_address;
  struct ip_address backend_address;
  __be16 frontend_port;
  __be16 backend_port;
  __u32 service; /* index */
  __u32 backend; /* index */
  __u32 epoch;   /* of the backend index */
  __u32 flags;   /* SOCKET_PEER_* */
};
_Static_assert(sizeof(struct socket_peer) == 52, "struct socket_peer");

#define SOCKET_PEER_COUNTED (1u << 0) /* in the backend's load */
#define SOCKET_PEER_MORE    (1u << 1) /* `datagram_peer` has more of this socket's */

/*
 * Map `socket_slot` (array): the same of a TCP socket, at the place that the low bits of its cookie name. Taken by the
 * socket whose cookie it has, free with 0; one cache line.
 */
struct socket_slot {
  __u64 cookie;
  struct socket_peer peer;
  __u32 padding;
};
_Static_assert(sizeof(struct socket_slot) == 64, "struct socket_slot");

#define SOCKET_SLOTS 65536

/* What `sock_peers` writes for each UDP socket that has a `socket_peer`. */
struct socket_peer_record {
  __u64 cookie; /* of the socket */
  struct socket_peer peer;
  __u32 padding;
};
_Static_assert(sizeof(struct socket_peer_record) == 64, "struct socket_peer_record");

/* Map `datagram_peer` (LRU hash): the same for unconnected UDP sockets that talk to more than one service. */
struct datagram_peer_key {
  __u64 cookie;
  struct ip_address address; /* the backend's */
  __be16 port;
  __u16 padding[3];
};
_Static_assert(sizeof(struct datagram_peer_key) == 32, "struct datagram_peer_key");

struct datagram_peer {
  struct ip_address address; /* the frontend's */
  __be16 port;
  __u16 padding;
  __u32 service; /* index */
};
_Static_assert(sizeof(struct datagram_peer) == 24, "struct datagram_peer");

/* Map `service_counter` (per-CPU array by service index). */
struct service_counter {
  __u64 translated; /* connections, flows, or datagrams of unconnected sockets */
  __u64 refused;    /* no backend */
  __u64 not_local;  /* local scope, and no backend on this node */
  __u64 filtered;   /* not in the source ranges */
};
_Static_assert(sizeof(struct service_counter) == 32, "struct service_counter");

#endif
