/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_FLOW_ABI_H
#define TERWAYKIT_FLOW_ABI_H

/* What the datapath says of itself: numbered drop reasons, counters, flow records. */
#include <linux/types.h>
#include "address_abi.h"

/*
 * Why a packet was dropped. Where Cilium has the same reason the number is the same (without its sign), so that
 * operators recognise it.
 */
enum drop_reason {
  DROP_NONE = 0,
  DROP_INVALID_SOURCE = 132,     /* the pod sent from an address that is not its own */
  DROP_POLICY = 133,             /* the endpoint is isolated and nothing allows this */
  DROP_INVALID = 134,            /* truncated or malformed headers */
  DROP_FRAG_NEEDED = 136,        /* too long to be encapsulated for its way; the sender is told */
  DROP_UNKNOWN_PROTOCOL = 137,   /* an IP protocol that connection tracking does not know, at an isolated pod */
  DROP_UNSUPPORTED_L3 = 139,     /* neither IPv4, nor IPv6, nor ARP */
  DROP_MISSED_TAIL_CALL = 140,   /* no program in the dispatcher's slot: closed */
  DROP_CSUM_L4 = 154,            /* SCTP to a service whose backends have another port: its checksum cannot be mended */
  DROP_FLOW_CREATE = 155,        /* the flow table refused a new entry */
  DROP_INVALID_EXTHDR = 156,     /* IPv6 extension headers: too many, out of place, or a route with segments left */
  DROP_NO_SERVICE = 158,         /* the service has no backend; the sender is told, unless it asks too often */
  DROP_NAT_NO_MAPPING = 167,     /* of a translated flow: no free port, or what was asked for is not known any more */
  DROP_UNKNOWN_SENDER = 172,     /* encapsulated as by a node, but not from one */
  DROP_IS_CLUSTER_IP = 174,      /* a client outside asks for a cluster IP */
  DROP_NOT_IN_SRC_RANGE = 177,   /* a client outside is in none of the service's source ranges */
  DROP_POLICY_DENY = 181,        /* an explicit deny entry */
  DROP_ENDPOINT_NOT_READY = 203, /* no such endpoint, or policy required and not compiled yet */
  DROP_NOT_LOCAL = 240,          /* the service's traffic policy is Local and no backend is on this node */
};
#define DROP_REASON_LIMIT 256

/* Map `drop_counter` (per-CPU array by drop_reason). */
struct drop_counter {
  __u64 packets;
  __u64 bytes;
};
_Static_assert(sizeof(struct drop_counter) == 16, "struct drop_counter");

/* flow_record.direction */
#define FLOW_EGRESS  0 /* sent by the pod */
#define FLOW_INGRESS 1 /* sent to the pod */

/* flow_record.verdict */
#define FLOW_DROPPED 0
#define FLOW_ALLOWED 1 /* the first packet of a new flow */

/* Ring buffer `flow_event`. */
struct flow_record {
  __u64 timestamp;          /* nanoseconds, CLOCK_MONOTONIC */
  struct ip_address source; /* :: where the packet was not read so far */
  struct ip_address destination;
  __be16 source_port; /* 0 where the protocol has none */
  __be16 destination_port;
  __u32 endpoint;
  __u32 decision;
  __u32 generation;
  __u32 length; /* bytes on the wire */
  __u8 protocol;
  __u8 direction; /* FLOW_EGRESS, FLOW_INGRESS */
  __u8 verdict;   /* FLOW_DROPPED, FLOW_ALLOWED */
  __u8 reason;    /* enum drop_reason */
};
_Static_assert(sizeof(struct flow_record) == 64, "struct flow_record");

#endif
