/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_NODE_ABI_H
#define TERWAYKIT_NODE_ABI_H

/* Connections from outside the cluster to services, translated at the node's devices. */
#include <linux/types.h>
#include "address_abi.h"

/*
 * Map `node_flow` (LRU hash): the ends of a packet as it arrives -> its ends as it goes on. A flow has two entries, one
 * for each side, and each is the other one turned round; of direct return the client's alone.
 */
struct node_flow_key {
  struct ip_address source;
  struct ip_address destination;
  __be16 source_port;
  __be16 destination_port;
  __u8 protocol;
  __u8 padding[3];
};
_Static_assert(sizeof(struct node_flow_key) == 40, "struct node_flow_key");

/* node_flow.flags, beside FLOW_* of bits 2-5 (include/endpoint_abi.h): packets of the client. */
#define NODE_FLOW_FORWARD (1u << 0)
/* The backend is on another node: packets of both sides leave again by the device that they came by. */
#define NODE_FLOW_AWAY (1u << 1)
/*
 * Direct return. With NODE_FLOW_AWAY, at the node that the client reached: packets go encapsulated to the backend's
 * node, `source` stays the client, and there is no entry for replies. Without, at the backend's node: another node has
 * chosen the backend, whose index is not known (0).
 */
#define NODE_FLOW_DIRECT (1u << 9)

struct node_flow {
  __u64 last_seen; /* nanoseconds, CLOCK_MONOTONIC; written at most once a second, in both entries */
  struct ip_address source;
  struct ip_address destination;
  __be16 source_port;
  __be16 destination_port;
  __u32 flags;   /* NODE_FLOW_*, FLOW_* */
  __u32 backend; /* index */
  __u32 epoch;   /* of that index */
};
_Static_assert(sizeof(struct node_flow) == 56, "struct node_flow");

/* Map `node_counter` (per-CPU array, struct drop_counter): packets between clients and backends on other nodes. */
#define NODE_COUNT_REQUESTS     0 /* of clients, with this node as the client */
#define NODE_COUNT_REPLIES      1 /* to them */
#define NODE_COUNT_DRIVER       2 /* of both, those that XDP sent on */
#define NODE_COUNT_ENCAPSULATED 3 /* of clients, to a node that answers them by itself */
#define NODE_COUNT_DECAPSULATED 4 /* of clients, from another node, answered from here */
#define NODE_COUNT_LIMIT        5

#endif
