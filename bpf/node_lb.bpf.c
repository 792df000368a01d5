// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * Services for clients outside the cluster, at a device of the node that faces them: node ports, external addresses and
 * those of load balancers. from_outside is attached to what the device receives, to_outside to what it sends. A backend
 * on this node gets the client's own address; one on another node sees this node as the client, so that its replies
 * come back here. What is none of this passes (TC_ACT_UNSPEC), be it malformed: it is the node's traffic.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "choice.h"
#include "drop.h"
#include "fragments.h"
#include "include/flow_abi.h"
#include "include/node_abi.h"
#include "local_pods.h"
#include "node_flows.h"
#include "packet.h"
#include "parsing.h"
#include "plain.h"
#include "quotation.h"
#include "refusal.h"
#include "rewriting.h"
#include "service.h"
#include "shared_maps.h"

/* Set by the loader: where this node's own connections to other nodes come from. Zero: no such family. */
const volatile struct ip_address masquerade_address4 = {};
const volatile struct ip_address masquerade_address6 = {};

#define NOT_OURS (-1)

#define ADDRESS_FAMILY4 2
#define ADDRESS_FAMILY6 10

/* Word by word: a copy of the whole would drop `volatile`, and the compiler then knows that it is zero. */
static __always_inline void set_constant_address(struct ip_address *address,
                                                 const volatile struct ip_address *constant) {
  for (int index = 0; index < 4; index++)
    address->word[index] = constant->word[index];
}

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

/* Whether a backend is on this node: a pod, or a program of the node itself. */
static __always_inline int is_here(const struct ip_address *address) {
  struct ip_address key = *address;

  return bpf_map_lookup_elem(&local_pod, &key) || is_node_address(&key);
}

/* The first packet of a client to a service. A drop_reason, or NOT_OURS. */
__noinline int start_outside(const struct packet *packet, __u64 now) {
  struct node_work *work = find_work();
  struct backend *chosen;
  __u32 flags, number;
  int index, is_local;
  __u64 word;

  if (!packet || !work)
    return NOT_OURS;
  word = find_outside(&work->key);
  if (word == 0)
    return NOT_OURS;
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
  work->back.flags = is_local ? 0 : NODE_FLOW_AWAY;
  work->forth.destination = chosen->address;
  work->forth.destination_port = chosen->port;
  if (is_local)
    work->forth.source = work->key.source;
  else
    set_constant_address(&work->forth.source, packet->is_ipv6 ? &masquerade_address6 : &masquerade_address4);
  if (is_unspecified(&work->forth.source))
    return DROP_NAT_NO_MAPPING;
  return make_node_flow(work, packet->flow.protocol, !is_local, now);
}

/* Whether a client's flow has to find another backend. */
static __always_inline int must_move(const struct packet *packet, const struct node_flow *found) {
  __u32 index = found->backend;
  struct backend *chosen;

  if (!(found->flags & NODE_FLOW_FORWARD) || packet->is_later_fragment)
    return 0;
  if (is_opening(packet) && found->flags & FLOW_CLOSING)
    return 1;
  chosen = bpf_map_lookup_elem(&backend, &index);
  if (!chosen || chosen->epoch != found->epoch || chosen->state == BACKEND_FREE)
    return 1;
  if (chosen->state == BACKEND_ACTIVE)
    return 0;
  return begins(packet) || (packet->flow.protocol == IPPROTO_UDP && chosen->state == BACKEND_GONE);
}

/* One router on the way: -1 where the packet has had enough of them. */
static __always_inline long count_hop(struct __sk_buff *skb, const struct packet *packet) {
  __u8 before[2], after[2];
  const __u32 place = sizeof(struct ethhdr) + (packet->is_ipv6 ? 7 : 8);

  if (bpf_skb_load_bytes(skb, place, before, packet->is_ipv6 ? 1 : 2) != 0 || before[0] <= 1)
    return -1;
  after[0] = before[0] - 1;
  after[1] = before[1];
  if (packet->is_ipv6)
    return bpf_skb_store_bytes(skb, place, after, 1, 0);
  if (bpf_l3_csum_replace(skb, HEADER_CHECKSUM4, *(__be16 *)before, *(__be16 *)after, 2) != 0)
    return -1;
  return bpf_skb_store_bytes(skb, place, after, 2, 0);
}

/*
 * Out again. The route says by which device; neighbours are the kernel's business. Where it says nothing (the device
 * does not forward), the packet leaves by the device that it came by.
 */
__noinline int send_on(struct __sk_buff *skb, const struct packet *packet, const struct ends *to) {
  struct bpf_fib_lookup route = {};
  __u32 device = skb->ifindex;
  long found;

  if (!packet || !to || count_hop(skb, packet) != 0)
    return TC_ACT_SHOT;
  route.family = packet->is_ipv6 ? ADDRESS_FAMILY6 : ADDRESS_FAMILY4;
  route.l4_protocol = packet->flow.protocol;
  route.ifindex = device;
  if (packet->is_ipv6) {
    __builtin_memcpy(route.ipv6_src, &to->source, 16);
    __builtin_memcpy(route.ipv6_dst, &to->destination, 16);
  } else {
    route.ipv4_src = to->source.word[3];
    route.ipv4_dst = to->destination.word[3];
  }
  found = bpf_fib_lookup(skb, &route, sizeof(route), 0);
  if (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH)
    device = route.ifindex;
  return (int)bpf_redirect_neigh(device, 0, 0, 0);
}

static __always_inline int reject(struct __sk_buff *skb, __u32 reason) {
  count_drop(skb, reason);
  return TC_ACT_SHOT;
}

/* An ICMP error about a translated flow is translated like it. */
__noinline int relate_outside(struct __sk_buff *skb, const struct packet *packet) {
  struct node_work *work = find_work();
  struct node_flow *found;

  if (!packet || !work)
    return TC_ACT_UNSPEC;
  __builtin_memset(&work->quoted, 0, sizeof(work->quoted));
  if (!read_quotation(skb, packet, &work->quoted))
    return TC_ACT_UNSPEC;
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
    return TC_ACT_UNSPEC;
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

static __always_inline int handle(struct __sk_buff *skb, const __u8 direction) {
  struct packet packet = {.direction = direction};
  struct node_work *work = find_work();
  __u64 now = bpf_ktime_get_coarse_ns();
  struct node_flow *found;
  int reason;

  reason = parse(skb, &packet, direction);
  if (reason == DROP_INVALID)
    reason = parse_again(skb, &packet);
  if (reason != DROP_NONE || !work)
    return TC_ACT_UNSPEC;
  if (packet.is_later_fragment)
    recall_fragment(&packet, now);
  if (packet.kind == PACKET_ICMP_ERROR)
    return relate_outside(skb, &packet);
  if (!may_be_translated(&packet))
    return TC_ACT_UNSPEC;
  set_ends(&work->change.from, &packet);
  set_key(&work->key, &work->change.from, packet.flow.protocol);
  found = bpf_map_lookup_elem(&node_flow, &work->key);
  if (!found || !is_alive(found, packet.flow.protocol, now) || must_move(&packet, found)) {
    if (direction == FLOW_EGRESS)
      return TC_ACT_UNSPEC;
    reason = start_outside(&packet, now);
    if (reason == NOT_OURS)
      return TC_ACT_UNSPEC;
    if (reason != DROP_NONE) {
      reject(skb, reason);
      return reason == DROP_NO_SERVICE ? refuse(skb, &packet) : TC_ACT_SHOT;
    }
    found = bpf_map_lookup_elem(&node_flow, &work->key);
    if (!found)
      return reject(skb, DROP_FLOW_CREATE);
  } else {
    note_node_packet(work, found, &packet, now);
  }
  if (packet.is_first_fragment)
    remember_fragment(&packet, now);
  work->change.to.source = found->source;
  work->change.to.destination = found->destination;
  work->change.to.source_port = found->source_port;
  work->change.to.destination_port = found->destination_port;
  if (rewrite_any(skb, &packet, &work->change.to) != DROP_NONE)
    return reject(skb, DROP_INVALID);
  return found->flags & NODE_FLOW_AWAY ? send_on(skb, &packet, &work->change.to) : TC_ACT_UNSPEC;
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
