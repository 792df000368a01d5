/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_ENDPOINT_ABI_H
#define TERWAYKIT_ENDPOINT_ABI_H

/*
 * Endpoints: the pods of one node, by a small number that is local to the node. Shared by the BPF programs and Swift
 * (CDatapathABI): each struct that crosses the border is defined here once, and both compilers assert its layout.
 */
#include <linux/types.h>
#include "address_abi.h"

/* Endpoint identifiers are 1 ... ENDPOINT_LIMIT - 1; 0 means "no endpoint". */
#define ENDPOINT_LIMIT 4096

/* endpoint.flags: the slot is in use; a slot without it drops everything. */
#define ENDPOINT_PRESENT (1u << 0)
/* endpoint.flags: drop (DROP_ENDPOINT_NOT_READY) until the active policy generation has compiled this endpoint. */
#define ENDPOINT_POLICY_REQUIRED (1u << 1)
/* endpoint.flags: the pod routes for its neighbours: its router advertisements and redirects pass. */
#define ENDPOINT_ROUTER (1u << 2)
/*
 * endpoint.flags: the pod is a slave of a parent that passes frames between its slaves by itself (IPVLAN L2), so that
 * map `local_pod` is asked whether a service's backend is another one of them.
 */
#define ENDPOINT_SIBLINGS (1u << 3)

/*
 * Slots of the program array that dispatchers tail-call into, with the endpoint in skb->cb[0]. The first two jump on to
 * the others, with words in skb->cb[1] ... cb[3] (bpf/in_place.h); a slot that is empty is done without. Words of
 * another meaning take other slots, since slots are replaced one after the other.
 */
#define POD_PROGRAM_EGRESS  0 /* from the pod */
#define POD_PROGRAM_INGRESS 1 /* to the pod */
#define POD_PROGRAM_SEND    2 /* what the pod sends to a service, on to the backend */
#define POD_PROGRAM_RECEIVE 3 /* what a backend answers, to the pod */
#define POD_PROGRAM_COUNT   4

/*
 * Map `endpoint` (array by endpoint identifier). A family that the pod has no address of is zero. What the pod sends
 * from any other address is spoofed, but for the link-local and unspecified sources of IPv6 discovery.
 */
struct endpoint {
  __be32 address;             /* IPv4 */
  __u32 flags;                /* ENDPOINT_* */
  struct ip_address address6; /* IPv6; never a mapped address */
};
_Static_assert(sizeof(struct endpoint) == 24, "struct endpoint");

/*
 * Map `flow` (connection tracking): one entry per flow and endpoint, whichever side sent first. Two pods of one node
 * that talk to each other have an entry each, so that neither inherits the other's verdict.
 * For ICMP echo the port of the side that asked holds the identifier and the other is 0, so that two sides that happen
 * to ping each other with one identifier have two flows.
 */
struct flow_key {
  struct ip_address peer_address;
  __be16 peer_port;
  __be16 local_port;
  __u16 endpoint;
  __u8 protocol;
  __u8 padding;
};
_Static_assert(ENDPOINT_LIMIT <= 65536, "an endpoint fits flow_key.endpoint");
_Static_assert(sizeof(struct flow_key) == 24, "struct flow_key");

/* flow_state.flags: who sent the first packet. Replies run the other way. */
#define FLOW_FROM_POD (1u << 0)
#define FLOW_TO_POD   (1u << 1)
/* flow_state.flags: a packet of the other direction was seen. */
#define FLOW_REPLIED (1u << 2)
/* flow_state.flags: RST was seen, or FIN of both sides; the flow ends after a short wait. */
#define FLOW_CLOSING (1u << 3)
/* flow_state.flags: FIN was seen, of the side that sent first or of the other. One alone is a half-close, which lasts.
 */
#define FLOW_FORWARD_FIN (1u << 4)
#define FLOW_REPLY_FIN   (1u << 5)
/*
 * flow_state.flags: not a flow but a service's choice of backend: the key has the VIP as peer. `decision` is the
 * backend index; bits 0-15 of `generation` are its epoch's, bits 16-31 those of the policy generation that let the flow
 * pass (FLOW_SETTLED). The flow itself is a second entry, with the backend as peer.
 */
#define FLOW_SERVICE            (1u << 6)
#define CHOICE_EPOCH_MASK       0xffffu
#define CHOICE_GENERATION_SHIFT 16
/* flow_state.flags, with FLOW_SERVICE: the backend is reached on the pod's own parent, without a gateway. */
#define FLOW_SIBLING (1u << 7)
/*
 * flow_state.flags: the backend is the pod itself. The flow's peer is then HAIRPIN_ADDRESS of its family with the port
 * that the pod sends from, because the pod's stack takes no packet from its own address.
 */
#define FLOW_HAIRPIN (1u << 8)
/*
 * flow_state.flags, with FLOW_SERVICE: the flow was there and passed, at `last_seen`. For a second after that its plain
 * packets are sent to the backend without a look at it.
 */
#define FLOW_SETTLED (1u << 9)
/*
 * flow_state.flags, bits 16-31, in network order: another flow of the pod to the same backend has the port that the pod
 * sends from, so that one has two. In the service's choice: the port on the wire; in the flow: the pod's own. 0: one.
 */
#define FLOW_PORT_SHIFT 16

/* Where a pod that reaches itself seems to be: 169.254.42.1, and 100::a9fe:2a01 of the discard-only prefix (RFC 6666).
 */
#define HAIRPIN_ADDRESS4 0xa9fe2a01u
#define HAIRPIN_PREFIX6  0x01000000u

/* How many seconds a flow lives without a packet. */
#define FLOW_SECONDS_ESTABLISHED   8000 /* TCP and SCTP that both sides took part in */
#define FLOW_SECONDS_OPENING       60   /* TCP and SCTP without a reply */
#define FLOW_SECONDS_CLOSING       10   /* TCP after RST or FIN of both sides */
#define FLOW_SECONDS_UDP           60
#define FLOW_SECONDS_UDP_UNREPLIED 30

/* flow_state.translation */
#define TRANSLATION_VIP_BITS 20

struct flow_state {
  __u64 last_seen;   /* nanoseconds, CLOCK_MONOTONIC; written at most once a second */
  __u32 flags;       /* FLOW_* */
  __u32 decision;    /* the decision that let the latest forward packet pass (struct verdict) */
  __u32 generation;  /* the policy generation of that decision; 0: none was compiled */
  __u32 translation; /* bits 0-19 index of the VIP that the pod asked for, 20-31 its epoch; 0: it asked for the peer */
};
_Static_assert(sizeof(struct flow_state) == 24, "struct flow_state");

#endif
