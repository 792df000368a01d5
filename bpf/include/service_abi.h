/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_ABI_H
#define TERWAYKIT_SERVICE_ABI_H

/*
 * Services. frontend (VIP, port, protocol) -> service word -> slot -> backend. Changing the endpoints of a service
 * writes a fresh extent of slots, then the service's one 64-bit word: a reader sees all old or all new.
 */
#include <linux/types.h>

/* Map `frontend` (hash). */
struct frontend_key {
  __be32 address;
  __be16 port;
  __u8 protocol;
  __u8 padding;
};
_Static_assert(sizeof(struct frontend_key) == 8, "struct frontend_key");

struct frontend {
  __u32 service; /* index into `service` */
  __u32 flags;
};
_Static_assert(sizeof(struct frontend) == 8, "struct frontend");

/*
 * Map `service` (array of one 64-bit word): bits 0-27 index of the first slot, 28-41 number of slots, 42-55 how many of
 * these are on this node (they come first), 56-63 generation.
 */
#define SERVICE_SLOT_BITS        28
#define SERVICE_COUNT_BITS       14
#define SERVICE_COUNT_SHIFT      28
#define SERVICE_LOCAL_SHIFT      42
#define SERVICE_GENERATION_SHIFT 56

struct service_word {
  __u64 value;
};
_Static_assert(sizeof(struct service_word) == 8, "struct service_word");

/* Map `service_slot` (array). */
struct service_slot {
  __u32 backend; /* index into `backend` */
  __u16 weight;
  __u16 state;
};
_Static_assert(sizeof(struct service_slot) == 8, "struct service_slot");

/* Map `backend` (array; index 0 is never used). */
struct backend {
  __be32 address;
  __be16 port;
  __u8 state;
  __u8 padding;
};
_Static_assert(sizeof(struct backend) == 8, "struct backend");

/* backend.state */
#define BACKEND_FREE        0
#define BACKEND_ACTIVE      1
#define BACKEND_TERMINATING 2

/*
 * Socket storage `socket_peer` of a connected socket: what the program asked for, and the backend it was valid for. A
 * reader compares the backend before it uses the rest, so a stale value is harmless.
 */
struct socket_peer {
  __be32 frontend_address;
  __be32 backend_address;
  __be16 frontend_port;
  __be16 backend_port;
  __u32 service;
};
_Static_assert(sizeof(struct socket_peer) == 16, "struct socket_peer");

/* Map `datagram_peer` (LRU hash): the same for unconnected UDP sockets, which may talk to several services. */
struct datagram_peer_key {
  __u64 cookie;
  __be32 address; /* the backend's */
  __be16 port;
  __u16 padding;
};
_Static_assert(sizeof(struct datagram_peer_key) == 16, "struct datagram_peer_key");

struct datagram_peer {
  __be32 address; /* the frontend's */
  __be16 port;
  __u16 padding;
};
_Static_assert(sizeof(struct datagram_peer) == 8, "struct datagram_peer");

/* Map `service_counter` (per-CPU array by service index). */
struct service_counter {
  __u64 translated; /* connections, or datagrams of unconnected sockets */
  __u64 refused;    /* no backend */
};
_Static_assert(sizeof(struct service_counter) == 16, "struct service_counter");

#endif
