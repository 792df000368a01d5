/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_IN_PLACE_H
#define TERWAYKIT_IN_PLACE_H

/*
 * The last step of plain packets of translated flows: programs of their own, which write into the packet. Before such a
 * program the kernel puts a few instructions that copy headers which others may read. If the pod programs wrote
 * themselves, all flows would pay for that.
 *
 * skb->cb[1] is the index of the record whose address the packet gets, cb[2] both ports as they are to be, cb[3] what
 * follows.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "drop.h"
#include "include/endpoint_abi.h"
#include "packet.h"
#include "plain.h"
#include "service_maps.h"
#include "shared_maps.h"

#define IN_PLACE_TCP     (1u << 0)
#define IN_PLACE_IPV6    (1u << 1)
#define IN_PLACE_SIBLING (1u << 2) /* the frame's receiver is to be its sender, as in send_to_own_station() */

/* Jumps to the program in this slot. Returns where there is none. */
static __always_inline void change_in_place(struct __sk_buff *skb, const struct packet *packet, const __u32 slot,
                                            __u32 index, __be32 ports, int is_sibling) {
  skb->cb[1] = index;
  skb->cb[2] = ports;
  skb->cb[3] = (packet->flow.protocol == IPPROTO_TCP ? IN_PLACE_TCP : 0) | (packet->is_ipv6 ? IN_PLACE_IPV6 : 0) |
               (is_sibling ? IN_PLACE_SIBLING : 0);
  bpf_tail_call_static(skb, &pod_programs, slot);
}

static __always_inline int put_own_station(struct __sk_buff *skb) {
  __u16 *station = (void *)(long)skb->data;

  if ((void *)(station + ETH_ALEN) > (void *)(long)skb->data_end)
    return DROP_INVALID;
  station[0] = station[3];
  station[1] = station[4];
  station[2] = station[5];
  return DROP_NONE;
}

/* POD_PROGRAM_SEND: `index` is a backend's. */
static __always_inline int send_in_place(struct __sk_buff *skb) {
  __u32 index = skb->cb[1], how = skb->cb[3];
  const struct backend *chosen = bpf_map_lookup_elem(&backend, &index);

  if (!chosen || change_plain(skb, how & IN_PLACE_IPV6, how & IN_PLACE_TCP, 0, &chosen->address, skb->cb[2], 1))
    return DROP_INVALID;
  return how & IN_PLACE_SIBLING ? put_own_station(skb) : DROP_NONE;
}

/* POD_PROGRAM_RECEIVE: `index` is a VIP's. */
static __always_inline int receive_in_place(struct __sk_buff *skb) {
  __u32 index = skb->cb[1], how = skb->cb[3];
  const struct vip *asked = bpf_map_lookup_elem(&vip, &index);

  if (!asked || change_plain(skb, how & IN_PLACE_IPV6, how & IN_PLACE_TCP, &asked->address, 0, skb->cb[2], 1))
    return DROP_INVALID;
  return DROP_NONE;
}

/* How these programs end. A drop is not recorded: they know no more of the packet than its endpoint. */
static __always_inline int end_in_place(struct __sk_buff *skb, int reason) {
  if (reason == DROP_NONE)
    return TC_ACT_UNSPEC;
  count_drop(skb, reason);
  return TC_ACT_SHOT;
}

#endif
