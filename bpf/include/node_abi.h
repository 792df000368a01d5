/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_NODE_ABI_H
#define TERWAYKIT_NODE_ABI_H

/* Connections from outside the cluster to services, translated at the node's devices. */
#include <linux/types.h>
#include "address_abi.h"

/*
 * Map `node_flow` (LRU hash): the ends of a packet as it arrives -> its ends as it goes on. A flow has two entries, one
 * for each side, and each is the other one turned round.
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

/* node_flow.flags, beside FLOW_REPLIED, FLOW_CLOSING, FLOW_FORWARD_FIN and FLOW_REPLY_FIN: packets of the client. */
#define NODE_FLOW_FORWARD (1u << 0)
/* The backend is on another node: packets of both sides leave again by the device that they came by. */
#define NODE_FLOW_AWAY (1u << 1)

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

#endif
