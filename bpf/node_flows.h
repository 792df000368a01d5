/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_NODE_FLOWS_H
#define TERWAYKIT_NODE_FLOWS_H

/* Connection tracking of what comes from outside: include/node_abi.h. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/node_abi.h"
#include "lifetimes.h"
#include "packet.h"
#include "quotation.h"
#include "rewriting.h"

/* Written and read by the node programs, listed by operators. Full: the entry used longest ago goes. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 131072);
  __type(key, struct node_flow_key);
  __type(value, struct node_flow);
} node_flow SEC(".maps");

/* What a program's stack has no room for. It stays within the kernel. */
struct node_work {
  struct node_flow_key key; /* of the packet under way */
  struct node_flow_key reverse;
  struct node_flow forth;
  struct node_flow back;
  struct rewriting change;
  struct quotation quoted;
  struct ends inner; /* what the quotation is to say */
  struct {
    struct ip_address address;
    __be16 port;
  } named;      /* the backend that another node has chosen */
  __u32 length; /* with TOO_LONG: how long a client's packet may be, from its IP header on; or 0 */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct node_work);
} node_work SEC(".maps");

/* NODE_COUNT_* -> packets and bytes, per CPU. Written by the node programs, read by operators. Never full. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, NODE_COUNT_LIMIT);
  __type(key, __u32);
  __type(value, struct drop_counter);
} node_counter SEC(".maps");

/* What is neither a drop_reason nor a verdict of tc: the packet passes as it is, goes as it is to another node, is too
 * long for that. */
#define NOT_OURS    (-2)
#define GOES_DIRECT (-3)
#define TOO_LONG    (-4)

static __always_inline void count_node_bytes(__u32 what, __u64 bytes) {
  struct drop_counter *counter = bpf_map_lookup_elem(&node_counter, &what);

  if (!counter)
    return;
  counter->packets += 1;
  counter->bytes += bytes;
}

static __always_inline void count_node_packet(struct __sk_buff *skb, __u32 what) {
  count_node_bytes(what, skb->len);
}

static __always_inline struct node_work *find_work(void) {
  __u32 zero = 0;

  return bpf_map_lookup_elem(&node_work, &zero);
}

/* Ports of clients that stand for another one on the wire: beyond those that the node's own sockets get. */
const volatile __u16 masquerade_port_first = 61000;
const volatile __u16 masquerade_port_last = 65535;

#define MASQUERADE_TRIES 32

/* The ends of a packet as it came. */
static __always_inline void set_ends(struct ends *ends, const struct packet *packet) {
  const int is_egress = packet->direction == FLOW_EGRESS;

  ends->source = is_egress ? packet->local_address : packet->flow.peer_address;
  ends->destination = is_egress ? packet->flow.peer_address : packet->local_address;
  ends->source_port = is_egress ? packet->flow.local_port : packet->flow.peer_port;
  ends->destination_port = is_egress ? packet->flow.peer_port : packet->flow.local_port;
}

static __always_inline void set_key(struct node_flow_key *key, const struct ends *ends, __u8 protocol) {
  key->source = ends->source;
  key->destination = ends->destination;
  key->source_port = ends->source_port;
  key->destination_port = ends->destination_port;
  key->protocol = protocol;
  key->padding[0] = key->padding[1] = key->padding[2] = 0;
}

/* The key of the other side's packets: what leaves by `flow`, turned round. */
static __always_inline void set_other_key(struct node_flow_key *key, const struct node_flow *flow, __u8 protocol) {
  key->source = flow->destination;
  key->destination = flow->source;
  key->source_port = flow->destination_port;
  key->destination_port = flow->source_port;
  key->protocol = protocol;
  key->padding[0] = key->padding[1] = key->padding[2] = 0;
}

/* Whether packets go to another node as they are, and their replies do not come back here. */
static __always_inline int is_direct_away(const struct node_flow *found) {
  return (found->flags & (NODE_FLOW_DIRECT | NODE_FLOW_AWAY)) == (NODE_FLOW_DIRECT | NODE_FLOW_AWAY);
}

/* What is left to live of a direct flow whose client said its last word: the backend's end is not seen here. */
#define LIFETIME_ONE_SIDE (120 * SECOND)

static __always_inline int is_alive(const struct node_flow *found, __u8 protocol, __u64 now) {
  __u64 limit = lifetime(protocol, found->flags);

  if (is_direct_away(found) && found->flags & FLOW_FORWARD_FIN && limit > LIFETIME_ONE_SIDE)
    limit = LIFETIME_ONE_SIDE;
  return !is_older(found->last_seen, now, limit);
}

/* Notes a packet in both entries, once a second, or where it ends the flow. */
static __always_inline void note_node_packet(struct node_work *work, struct node_flow *found,
                                             const struct packet *packet, __u64 now) {
  __u32 flags = found->flags, seen = 0;
  int is_forward = (flags & NODE_FLOW_FORWARD) != 0;
  struct node_flow *other;

  /* Of direct return no reply is seen, but what the client says next. */
  if (!is_forward || (flags & NODE_FLOW_DIRECT && !is_opening(packet)))
    seen |= FLOW_REPLIED;
  if (packet->flow.protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_FIN | TCP_RST)) {
    if (packet->tcp_flags & TCP_RST)
      seen |= FLOW_CLOSING;
    if (packet->tcp_flags & TCP_FIN)
      seen |= is_forward ? FLOW_FORWARD_FIN : FLOW_REPLY_FIN;
    if (((flags | seen) & (FLOW_FORWARD_FIN | FLOW_REPLY_FIN)) == (FLOW_FORWARD_FIN | FLOW_REPLY_FIN))
      seen |= FLOW_CLOSING;
  }
  if (!(seen & ~flags) && !is_older(found->last_seen, now, SECOND))
    return;
  __sync_fetch_and_or(&found->flags, seen);
  found->last_seen = now;
  set_other_key(&work->reverse, found, packet->flow.protocol);
  other = bpf_map_lookup_elem(&node_flow, &work->reverse);
  if (!other)
    return;
  __sync_fetch_and_or(&other->flags, seen);
  other->last_seen = now;
}

/* Takes the ends of the way back for this flow, unless another one has them. */
static __always_inline int claim(struct node_work *work, __u8 protocol, __u64 now) {
  struct node_flow *other;

  if (bpf_map_update_elem(&node_flow, &work->reverse, &work->back, BPF_NOEXIST) == 0)
    return 1;
  other = bpf_map_lookup_elem(&node_flow, &work->reverse);
  if (!other)
    return 0;
  /* Its own, from before, or one that ended. */
  if ((other->destination_port != work->back.destination_port || other->source_port != work->back.source_port ||
       !is_same(&other->destination, &work->back.destination) || !is_same(&other->source, &work->back.source)) &&
      is_alive(other, protocol, now) && !(other->flags & FLOW_CLOSING))
    return 0;
  return bpf_map_update_elem(&node_flow, &work->reverse, &work->back, BPF_ANY) == 0;
}

/* Makes the one entry of a flow from work->key to work->forth whose replies do not come back here. */
static __always_inline int make_direct_flow(struct node_work *work) {
  work->forth.flags |= NODE_FLOW_DIRECT;
  work->forth.source = work->key.source;
  work->forth.source_port = work->key.source_port;
  return bpf_map_update_elem(&node_flow, &work->key, &work->forth, BPF_ANY) == 0 ? DROP_NONE : DROP_FLOW_CREATE;
}

/*
 * Makes both entries of a flow from work->key to work->forth, of which the ports at the client's side are open:
 * `is_masked` says that they must be of the masquerade's range, else the client's own is tried first.
 */
static __always_inline int make_node_flow(struct node_work *work, __u8 protocol, int is_masked, __u64 now) {
  __u32 range = (__u32)masquerade_port_last - masquerade_port_first + 1;

  work->back.source = work->key.destination;
  work->back.destination = work->key.source;
  work->back.source_port = work->key.destination_port;
  work->back.destination_port = work->key.source_port;
  set_other_key(&work->reverse, &work->forth, protocol);
#pragma clang loop unroll(disable)
  for (int try = 0; try < MASQUERADE_TRIES; try++) {
    __be16 port = work->key.source_port;

    if (try != 0 || (is_masked && protocol != IPPROTO_SCTP))
      port = bpf_htons(masquerade_port_first + (__u32)(((__u64)bpf_get_prandom_u32() * range) >> 32));
    work->reverse.destination_port = port;
    work->forth.source_port = port;
    if (claim(work, protocol, now)) {
      if (bpf_map_update_elem(&node_flow, &work->key, &work->forth, BPF_ANY) == 0)
        return DROP_NONE;
      bpf_map_delete_elem(&node_flow, &work->reverse);
      return DROP_FLOW_CREATE;
    }
    /* SCTP's checksum does not let its ports change. */
    if (protocol == IPPROTO_SCTP)
      break;
  }
  return DROP_NAT_NO_MAPPING;
}

#endif
