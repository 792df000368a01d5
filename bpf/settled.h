/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SETTLED_H
#define TERWAYKIT_SETTLED_H

/*
 * Further plain packets of a flow to a service, by one look-up in the flow table: requests by the choice alone, for a
 * second after the flow itself was looked at, and replies by the flow. The jump at the end is to in_place.h.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/service_abi.h"
#include "in_place.h"
#include "lifetimes.h"
#include "packet.h"
#include "plain.h"
#include "policy.h"
#include "service_maps.h"
#include "translation.h"

/*
 * Notes that a packet of the choice's flow passed, as one of this policy generation (0: none is compiled). Stores are
 * rare on purpose, as in note_packet().
 */
static __always_inline void settle(struct flow_state *choice, __u32 generation, __u64 now) {
  __u32 both = (choice->generation & CHOICE_EPOCH_MASK) | generation << CHOICE_GENERATION_SHIFT;

  if (choice->generation != both)
    choice->generation = both;
  if (is_older(choice->last_seen, now, SECOND))
    choice->last_seen = now;
  if (!(choice->flags & FLOW_SETTLED))
    __sync_fetch_and_or(&choice->flags, FLOW_SETTLED);
}

/*
 * Whether nothing has to be asked about a packet but where its backend is: its flow passed less than a second ago, by
 * the generation in force. 16 bits tell generations apart, of which no second has so many. One whose bits are 0 is not
 * told from none, and settles nothing.
 */
static __always_inline int is_settled(const struct packet *packet, const struct flow_state *choice,
                                      const struct endpoint *pod, __u64 now) {
  __u32 generation, settled = choice->generation >> CHOICE_GENERATION_SHIFT;

  if ((choice->flags & (FLOW_SETTLED | FLOW_HAIRPIN)) != FLOW_SETTLED || !is_plain(packet) ||
      packet->tcp_flags & (TCP_SYN | TCP_RST | TCP_FIN) || is_older(choice->last_seen, now, SECOND))
    return 0;
  generation = active_generation();
  if (generation == 0)
    return settled == 0 && !(pod->flags & ENDPOINT_POLICY_REQUIRED);
  return settled != 0 && settled == (__u16)generation;
}

/* Whether the backend of a settled choice goes on as it was. */
static __always_inline const struct backend *settled_backend(const struct flow_state *choice) {
  __u32 index = choice->decision;
  const struct backend *chosen = bpf_map_lookup_elem(&backend, &index);

  return chosen && chosen->state == BACKEND_ACTIVE && is_chosen(chosen, choice) ? chosen : 0;
}

/* Sends a plain packet to the backend of its settled choice. Returns where it cannot, and has changed nothing. */
static __always_inline void send_settled(struct __sk_buff *skb, const struct packet *packet,
                                         const struct flow_state *choice) {
  const struct backend *chosen = settled_backend(choice);
  __u32 flags = choice->flags;

  if (chosen)
    change_in_place(skb, packet, POD_PROGRAM_SEND, choice->decision,
                    ports_word(port_of(flags, packet->flow.local_port), chosen->port), flags & FLOW_SIBLING);
}

/* Gives a plain reply the address that the pod asked for, unless that is a node port's. Returns as send_settled(). */
static __always_inline void receive_at_once(struct __sk_buff *skb, const struct packet *packet,
                                            const struct flow_state *state) {
  __u32 translation = state->translation, flags = state->flags;
  __u32 index = translation & ((1u << TRANSLATION_VIP_BITS) - 1);
  const struct vip *asked;

  if (!is_plain(packet) || flags & FLOW_HAIRPIN)
    return;
  asked = bpf_map_lookup_elem(&vip, &index);
  if (asked && asked->epoch == translation >> TRANSLATION_VIP_BITS && !is_node_port_record(asked))
    change_in_place(skb, packet, POD_PROGRAM_RECEIVE, index,
                    ports_word(asked->port, port_of(flags, packet->flow.local_port)), 0);
}

#endif
