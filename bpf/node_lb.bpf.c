// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * Services for clients outside the cluster, at a device of the node that faces them: node ports, external addresses and
 * those of load balancers. from_outside is attached to what the device receives, to_outside to what it sends. A backend
 * on this node gets the client's own address; one on another node sees this node as the client, so that its replies
 * come back here, or answers the client itself (direct_return.h). What is none of this passes (TC_ACT_UNSPEC), be it
 * malformed: it is the node's traffic.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "choice.h"
#include "direct_return.h"
#include "drop.h"
#include "fragments.h"
#include "include/flow_abi.h"
#include "include/node_abi.h"
#include "local_pods.h"
#include "node_flows.h"
#include "node_routing.h"
#include "packet.h"
#include "parsing.h"
#include "plain.h"
#include "quotation.h"
#include "refusal.h"
#include "rewriting.h"
#include "service.h"
#include "service_addresses.h"
#include "shared_maps.h"

static __always_inline int may_be_translated(const struct packet *packet) {
  __u8 protocol = packet->flow.protocol;

  return packet->kind == PACKET_FLOW &&
         (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP);
}

static __always_inline int begins(const struct packet *packet) {
  return is_opening(packet) || (packet->flow.protocol == IPPROTO_SCTP && packet->tcp_flags & TCP_SYN);
}

/* What a client outside asks for; 0: nothing. */
static __always_inline __u64 find_outside(const struct node_flow_key *key) {
  struct ip_address address = key->destination;
  __u64 word = find_exact(&address, key->destination_port, key->protocol);

  if (word == 0 && is_node_port(key->destination_port) && is_node_address(&address))
    word = find_node_port(&address, key->destination_port, key->protocol);
  return word;
}

static __always_inline int is_in_source_range(const struct node_flow_key *key, __u32 service) {
  struct source_range_key range = {.prefix_length = 32 + 128, .service = bpf_htonl(service), .address = key->source};

  return bpf_map_lookup_elem(&source_range, &range) != 0;
}

/* The first packet of a client to a service. A drop_reason, or NOT_OURS. */
__noinline int start_outside(const struct packet *packet, __u64 now) {
  struct node_work *work = find_work();
  struct backend *chosen;
  __u32 flags, number;
  int index, is_local, is_direct;
  __u64 word;

  if (!packet || !work)
    return NOT_OURS;
  word = find_outside(&work->key);
  if (word == 0)
    return refuse_unknown_ports && is_service_address(&work->key.destination) ? DROP_NO_SERVICE : NOT_OURS;
  flags = word_flags(word);
  if (!(flags & FRONTEND_EXTERNAL))
    return DROP_IS_CLUSTER_IP;
  if (!may_start_flow(packet))
    return DROP_NAT_NO_MAPPING;
  if (flags & FRONTEND_SOURCE_RANGES && !is_in_source_range(&work->key, word_service(word))) {
    count_service(word_service(word), SERVICE_FILTERED);
    return DROP_NOT_IN_SRC_RANGE;
  }
  is_local = (flags & FRONTEND_EXTERNAL_LOCAL) != 0;
  index = choose_index(&work->change.from, packet->flow.protocol, word, is_local, now);
  if (index <= 0)
    return index == SERVICE_REFUSED ? DROP_NO_SERVICE : DROP_NOT_LOCAL;
  number = (__u32)index;
  chosen = bpf_map_lookup_elem(&backend, &number);
  if (!chosen)
    return DROP_NO_SERVICE;
  if (packet->flow.protocol == IPPROTO_SCTP && chosen->port != work->key.destination_port)
    return DROP_CSUM_L4;
  is_local = is_local || is_here(&chosen->address);
  work->forth.last_seen = work->back.last_seen = now;
  work->forth.backend = work->back.backend = number;
  work->forth.epoch = work->back.epoch = chosen->epoch;
  work->forth.flags = NODE_FLOW_FORWARD | (is_local ? 0 : NODE_FLOW_AWAY);
  is_direct = !is_local && is_direct_service(word);
  work->back.flags = is_local ? 0 : NODE_FLOW_AWAY;
  work->forth.destination = chosen->address;
  work->forth.destination_port = chosen->port;
  if (is_local)
    work->forth.source = work->key.source;
  else
    set_own_address(&work->forth.source, packet->is_ipv6);
  if (is_unspecified(&work->forth.source))
    return DROP_NAT_NO_MAPPING;
  if (is_direct)
    return make_direct_flow(work);
  return make_node_flow(work, packet->flow.protocol, !is_local, now);
}

/*
 * The first packet of a flow that another node has chosen the backend of, which is here. That node is believed, but for
 * what this one knows better: whether there is such a service for clients outside, and for this one.
 */
__noinline int start_encapsulated(const struct packet *packet, __u64 now) {
  struct node_work *work = find_work();
  struct ip_address address;
  __u32 flags;
  __u64 word;

  if (!packet || !work)
    return DROP_INVALID;
  address = work->key.destination;
  word = find_exact(&address, work->key.destination_port, packet->flow.protocol);
  /* A node port of that node's. */
  if (word == 0 && is_node_peer(&address))
    word = find_node_port(&address, work->key.destination_port, packet->flow.protocol);
  flags = word_flags(word);
  if (word == 0 || !may_start_flow(packet))
    return DROP_NAT_NO_MAPPING;
  if (!(flags & FRONTEND_EXTERNAL))
    return DROP_IS_CLUSTER_IP;
  if (flags & FRONTEND_SOURCE_RANGES && !is_in_source_range(&work->key, word_service(word))) {
    count_service(word_service(word), SERVICE_FILTERED);
    return DROP_NOT_IN_SRC_RANGE;
  }
  if (packet->flow.protocol == IPPROTO_SCTP && work->named.port != work->key.destination_port)
    return DROP_CSUM_L4;
  work->forth.last_seen = work->back.last_seen = now;
  work->forth.backend = work->back.backend = 0;
  work->forth.epoch = work->back.epoch = 0;
  work->forth.flags = NODE_FLOW_FORWARD | NODE_FLOW_DIRECT;
  work->back.flags = NODE_FLOW_DIRECT;
  work->forth.source = work->key.source;
  work->forth.destination = work->named.address;
  work->forth.destination_port = work->named.port;
  return make_node_flow(work, packet->flow.protocol, 0, now);
}

/* Whether a client's flow has to find another backend. */
static __always_inline int must_move(const struct packet *packet, const struct node_flow *found) {
  __u32 index = found->backend;
  struct backend *chosen;

  if (!(found->flags & NODE_FLOW_FORWARD) || packet->is_later_fragment)
    return 0;
  /* Of a direct flow the end is not seen, only that the client has no more to say. */
  if (is_opening(packet) && found->flags & (FLOW_CLOSING | (found->flags & NODE_FLOW_DIRECT ? FLOW_FORWARD_FIN : 0)))
    return 1;
  /* Another node has chosen. */
  if (index == 0)
    return 0;
  chosen = bpf_map_lookup_elem(&backend, &index);
  if (!chosen || chosen->epoch != found->epoch || chosen->state == BACKEND_FREE)
    return 1;
  if (chosen->state == BACKEND_ACTIVE)
    return 0;
  return begins(packet) || (packet->flow.protocol == IPPROTO_UDP && chosen->state == BACKEND_GONE);
}

/* An ICMP error about a translated flow is translated like it. The verdict, NOT_OURS, or
 * GOES_DIRECT, with the flow's key in work->key. */
__noinline int relate_outside(struct __sk_buff *skb, const struct packet *packet) {
  struct node_work *work = find_work();
  struct node_flow *found;

  if (!packet || !work)
    return NOT_OURS;
  __builtin_memset(&work->quoted, 0, sizeof(work->quoted));
  if (!read_quotation(skb, packet, &work->quoted))
    return NOT_OURS;
  /* What is quoted went the other way: turned round, it is a packet of whoever it was sent to. */
  {
    const int is_egress = packet->direction == FLOW_EGRESS;
    const struct quotation *quoted = &work->quoted;

    work->key.source = is_egress ? quoted->local_address : quoted->flow.peer_address;
    work->key.destination = is_egress ? quoted->flow.peer_address : quoted->local_address;
    work->key.source_port = is_egress ? quoted->flow.local_port : quoted->flow.peer_port;
    work->key.destination_port = is_egress ? quoted->flow.peer_port : quoted->flow.local_port;
    work->key.protocol = quoted->flow.protocol;
    work->key.padding[0] = work->key.padding[1] = work->key.padding[2] = 0;
  }
  found = bpf_map_lookup_elem(&node_flow, &work->key);
  if (!found)
    return NOT_OURS;
  /* The backend's node knows what it is about. */
  if (is_direct_away(found))
    return packet->direction == FLOW_INGRESS ? GOES_DIRECT : NOT_OURS;
  work->inner.source = found->destination;
  work->inner.destination = found->source;
  work->inner.source_port = found->destination_port;
  work->inner.destination_port = found->source_port;
  set_ends(&work->change.from, packet);
  work->change.to = work->change.from;
  work->change.to.destination = found->destination;
  if (is_same(&work->change.from.source, &work->key.source))
    work->change.to.source = found->source;
  if (rewrite_quotation(skb, packet, &work->quoted, &work->inner) != DROP_NONE ||
      rewrite_error(skb, packet, &work->change) != DROP_NONE)
    return reject(skb, DROP_INVALID);
  return found->flags & NODE_FLOW_AWAY ? send_on(skb, packet, &work->change.to) : TC_ACT_UNSPEC;
}

/* By one helper where the packet is plain. */
__noinline int rewrite_any(struct __sk_buff *skb, const struct packet *packet, const struct ends *to) {
  if (!packet || !to)
    return DROP_INVALID;
  if (!is_plain(packet))
    return rewrite(skb, packet, to);
  return change_plain(skb, packet->is_ipv6, packet->flow.protocol == IPPROTO_TCP, &to->source, &to->destination,
                      ports_word(to->source_port, to->destination_port), 0);
}

/* Whether another node's choice is that of the flow, or there is none so far. */
static __always_inline int is_named(const struct node_work *work, const struct node_flow *found) {
  return found->destination_port == work->named.port && is_same(&found->destination, &work->named.address);
}

/* The entry of a packet, found or made. `reason`: NOT_OURS, or a drop_reason; the entry is there only with DROP_NONE.
 */
static __always_inline struct node_flow *find_flow(const struct packet *packet, struct node_work *work,
                                                   const __u8 direction, int is_encapsulated, __u64 now, int *reason) {
  struct node_flow *found = bpf_map_lookup_elem(&node_flow, &work->key);
  int is_known = found && is_alive(found, packet->flow.protocol, now);

  *reason = DROP_NONE;
  if (is_known && (is_encapsulated ? is_named(work, found) : !must_move(packet, found))) {
    note_node_packet(work, found, packet, now);
    return found;
  }
  if (direction == FLOW_EGRESS)
    *reason = NOT_OURS;
  else
    *reason = is_encapsulated ? start_encapsulated(packet, now) : start_outside(packet, now);
  if (*reason != DROP_NONE)
    return 0;
  found = bpf_map_lookup_elem(&node_flow, &work->key);
  if (!found)
    *reason = DROP_FLOW_CREATE;
  return found;
}

static __always_inline int handle(struct __sk_buff *skb, const __u8 direction) {
  struct packet packet = {.direction = direction};
  struct node_work *work = find_work();
  __u64 now = bpf_ktime_get_coarse_ns();
  int reason, is_encapsulated = 0;
  struct node_flow *found;

  reason = parse(skb, &packet, direction);
  if (reason == DROP_INVALID)
    reason = parse_again(skb, &packet);
  if (reason != DROP_NONE || !work)
    return TC_ACT_UNSPEC;
  if (direction == FLOW_INGRESS && may_be_encapsulated(&packet)) {
    reason = decapsulate(skb, &packet);
    if (reason != DROP_NONE && reason != NOT_OURS)
      return reject(skb, reason);
    is_encapsulated = reason == DROP_NONE;
  }
  if (packet.is_later_fragment)
    recall_fragment(&packet, now);
  /* What came encapsulated has no business here but a backend's. */
  if (packet.kind == PACKET_ICMP_ERROR) {
    reason = relate_outside(skb, &packet);
    if (direction == FLOW_INGRESS && reason == GOES_DIRECT) {
      found = bpf_map_lookup_elem(&node_flow, &work->key);
      return found ? send_direct(skb, &packet, found, work) : TC_ACT_SHOT;
    }
    if (reason != NOT_OURS)
      return reason;
    return is_encapsulated ? reject(skb, DROP_NAT_NO_MAPPING) : TC_ACT_UNSPEC;
  }
  if (direction == FLOW_INGRESS && !is_encapsulated && asks_echo(&packet))
    return answer_echo(skb, &packet);
  if (!may_be_translated(&packet))
    return is_encapsulated ? reject(skb, DROP_INVALID) : TC_ACT_UNSPEC;
  set_ends(&work->change.from, &packet);
  set_key(&work->key, &work->change.from, packet.flow.protocol);
  found = find_flow(&packet, work, direction, is_encapsulated, now, &reason);
  if (!found) {
    if (reason == NOT_OURS)
      return TC_ACT_UNSPEC;
    reject(skb, reason);
    return reason == DROP_NO_SERVICE ? refuse(skb, &packet) : TC_ACT_SHOT;
  }
  if (packet.is_first_fragment)
    remember_fragment(&packet, now);
  if (is_direct_away(found))
    return direction == FLOW_INGRESS ? send_direct(skb, &packet, found, work) : TC_ACT_UNSPEC;
  work->change.to.source = found->source;
  work->change.to.destination = found->destination;
  work->change.to.source_port = found->source_port;
  work->change.to.destination_port = found->destination_port;
  if (rewrite_any(skb, &packet, &work->change.to) != DROP_NONE)
    return reject(skb, DROP_INVALID);
  if (!(found->flags & NODE_FLOW_AWAY))
    return TC_ACT_UNSPEC;
  count_node_packet(skb, found->flags & NODE_FLOW_FORWARD ? NODE_COUNT_REQUESTS : NODE_COUNT_REPLIES);
  return send_on(skb, &packet, &work->change.to);
}

SEC("tc")
int from_outside(struct __sk_buff *skb) {
  return handle(skb, FLOW_INGRESS);
}

SEC("tc")
int to_outside(struct __sk_buff *skb) {
  return handle(skb, FLOW_EGRESS);
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
