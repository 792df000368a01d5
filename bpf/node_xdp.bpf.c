// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * The same as from_outside for what is most of the traffic: further packets of connections between a client outside and
 * a backend on another node, in the driver. All else passes, untouched, and is from_outside's: first packets, which
 * choose; backends of this node; direct return; fragments, options, ICMP; neighbours that are not resolved. Without
 * from_outside it does nothing.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/node_abi.h"
#include "node_flows.h"
#include "packet.h"
#include "rewriting.h"
#include "transport.h"

#define ADDRESS_FAMILY4 2
#define ADDRESS_FAMILY6 10

/* What the program found in a frame; pointers are taken anew from its offsets. */
struct headers {
  __u32 transport; /* offset */
  __u16 length;    /* from the IP header on */
  __u8 hop_limit;
};

/* 0: this is not for here. */
static __always_inline int read_headers(struct xdp_md *context, struct packet *packet, struct headers *headers) {
  void *data = (void *)(long)context->data;
  void *data_end = (void *)(long)context->data_end;
  struct ethhdr *ethernet = data;
  __be16 *ports;

  if ((void *)(ethernet + 1) > data_end)
    return 0;
  if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr *ip = (void *)(ethernet + 1);

    if ((void *)(ip + 1) > data_end || ip->version != 4 || ip->ihl != 5 ||
        ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
      return 0;
    packet->flow.peer_address.word[2] = packet->local_address.word[2] = bpf_htonl(0xffff);
    packet->flow.peer_address.word[3] = ip->saddr;
    packet->local_address.word[3] = ip->daddr;
    packet->flow.protocol = ip->protocol;
    headers->transport = sizeof(*ethernet) + sizeof(*ip);
    headers->length = bpf_ntohs(ip->tot_len);
    headers->hop_limit = ip->ttl;
  } else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr *ip = (void *)(ethernet + 1);

    if ((void *)(ip + 1) > data_end || ip->version != 6)
      return 0;
    packet->is_ipv6 = 1;
    __builtin_memcpy(&packet->flow.peer_address, &ip->saddr, 16);
    __builtin_memcpy(&packet->local_address, &ip->daddr, 16);
    packet->flow.protocol = ip->nexthdr;
    headers->transport = sizeof(*ethernet) + sizeof(*ip);
    headers->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
    headers->hop_limit = ip->hop_limit;
    if (is_mapped(&packet->flow.peer_address) || is_mapped(&packet->local_address))
      return 0;
  } else {
    return 0;
  }
  ports = packet->is_ipv6 ? data + 54 : data + 34;
  if (packet->flow.protocol == IPPROTO_TCP) {
    if ((void *)ports + sizeof(struct tcphdr) > data_end)
      return 0;
    packet->tcp_flags = ((__u8 *)ports)[13];
  } else if (packet->flow.protocol != IPPROTO_UDP || (void *)ports + sizeof(struct udphdr) > data_end) {
    return 0;
  }
  packet->flow.peer_port = ports[0];
  packet->flow.local_port = ports[1];
  packet->kind = PACKET_FLOW;
  return 1;
}

/* Where the packet goes next; 0: the stack may know, or has to resolve who that is. */
static __always_inline int find_route(struct xdp_md *context, const struct packet *packet,
                                      const struct headers *headers, const struct node_flow *found,
                                      struct bpf_fib_lookup *route) {
  route->family = packet->is_ipv6 ? ADDRESS_FAMILY6 : ADDRESS_FAMILY4;
  route->l4_protocol = packet->flow.protocol;
  route->tot_len = headers->length;
  route->ifindex = context->ingress_ifindex;
  if (packet->is_ipv6) {
    __builtin_memcpy(route->ipv6_src, &found->source, 16);
    __builtin_memcpy(route->ipv6_dst, &found->destination, 16);
  } else {
    route->ipv4_src = found->source.word[3];
    route->ipv4_dst = found->destination.word[3];
  }
  return bpf_fib_lookup(context, route, sizeof(*route), 0) == BPF_FIB_LKUP_RET_SUCCESS;
}

/* Whether the packet is one of a connection that has not to choose, which only from_outside can. */
static __always_inline int goes_on(const struct packet *packet, const struct node_flow *found, __u64 now) {
  if (!(found->flags & NODE_FLOW_AWAY) || is_direct_away(found) || !is_alive(found, packet->flow.protocol, now))
    return 0;
  if (!(found->flags & NODE_FLOW_FORWARD))
    return 1;
  /* Of UDP each packet asks whether the backend is still there, of TCP the first. */
  return packet->flow.protocol == IPPROTO_TCP && !is_opening(packet);
}

SEC("xdp")
int xdp_outside(struct xdp_md *context) {
  struct packet packet = {.direction = FLOW_INGRESS};
  struct bpf_fib_lookup route = {};
  struct headers headers = {};
  struct node_work *work = find_work();
  __u64 now = bpf_ktime_get_coarse_ns();
  struct node_flow *found;
  void *data, *data_end, *start;
  __u64 difference;
  __be16 *checksum;

  if (!work || !read_headers(context, &packet, &headers) || headers.hop_limit <= 1)
    return XDP_PASS;
  set_ends(&work->change.from, &packet);
  set_key(&work->key, &work->change.from, packet.flow.protocol);
  found = bpf_map_lookup_elem(&node_flow, &work->key);
  if (!found || !goes_on(&packet, found, now))
    return XDP_PASS;
  if (!find_route(context, &packet, &headers, found, &route))
    return XDP_PASS;
  note_node_packet(work, found, &packet, now);
  work->change.to.source = found->source;
  work->change.to.destination = found->destination;
  work->change.to.source_port = found->source_port;
  work->change.to.destination_port = found->destination_port;
  data = (void *)(long)context->data;
  data_end = (void *)(long)context->data_end;
  start = data + (packet.is_ipv6 ? 54 : 34);
  if (start + sizeof(struct udphdr) > data_end)
    return XDP_PASS;
  checksum = start + 6;
  if (packet.flow.protocol == IPPROTO_TCP) {
    if (start + sizeof(struct tcphdr) > data_end)
      return XDP_PASS;
    checksum = start + 16;
  }
  if (packet.is_ipv6) {
    struct ipv6hdr *ip = data + sizeof(struct ethhdr);

    difference = address_difference(&work->change.from, &work->change.to, 4);
    __builtin_memcpy(&ip->saddr, &work->change.to.source, 16);
    __builtin_memcpy(&ip->daddr, &work->change.to.destination, 16);
    ip->hop_limit -= 1;
  } else {
    struct iphdr *ip = data + sizeof(struct ethhdr);

    difference = address_difference(&work->change.from, &work->change.to, 1);
    ip->saddr = work->change.to.source.word[3];
    ip->daddr = work->change.to.destination.word[3];
    ip->ttl -= 1;
    /* One hop less is the upper byte of a word, in network order. */
    ip->check = changed_checksum(ip->check, fold(difference + (__u16)~bpf_htons(0x0100)));
  }
  ((__be16 *)start)[0] = work->change.to.source_port;
  ((__be16 *)start)[1] = work->change.to.destination_port;
  difference += (__u64)work->change.to.source_port + work->change.to.destination_port;
  difference += (__u64)(__u16)~work->change.from.source_port + (__u16)~work->change.from.destination_port;
  if (packet.flow.protocol == IPPROTO_TCP || *checksum != 0) {
    __be16 changed = changed_checksum(*checksum, fold(difference));

    *checksum = changed == 0 && packet.flow.protocol == IPPROTO_UDP ? 0xffff : changed;
  }
  count_node_bytes(found->flags & NODE_FLOW_FORWARD ? NODE_COUNT_REQUESTS : NODE_COUNT_REPLIES, data_end - data);
  count_node_bytes(NODE_COUNT_DRIVER, data_end - data);
  __builtin_memcpy(data, route.dmac, ETH_ALEN);
  __builtin_memcpy(data + ETH_ALEN, route.smac, ETH_ALEN);
  if (route.ifindex == context->ingress_ifindex)
    return XDP_TX;
  return (int)bpf_redirect(route.ifindex, 0);
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
