/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_STARTING_H
#define TERWAYKIT_STARTING_H

/* What begins when policy allows the first packet to a service: the flow, and the choice that leads to it. */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "choice.h"
#include "conntrack.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "pod_maps.h"
#include "service.h"
#include "translation.h"

/* Ports that stand for another one on the wire, and how many of them are tried. */
#define WIRE_PORT_FIRST 32768
#define WIRE_PORT_MASK  32767
#define WIRE_PORT_TRIES 16

/* Remembers the choice, under what the pod asked for, as one whose flow was started. */
static __always_inline int store_choice(const struct packet *packet, __u64 now) {
  /* FLOW_REPLIED: it lives as long as a flow that was answered, because it sees packets of one side only. */
  struct flow_state choice = {
      .last_seen = now,
      .flags = FLOW_SERVICE | FLOW_SETTLED | FLOW_REPLIED | (packet->is_hairpin ? FLOW_HAIRPIN : 0) |
               (packet->is_sibling ? FLOW_SIBLING : 0),
      .decision = packet->backend,
      .generation = packet->epoch | packet->generation << CHOICE_GENERATION_SHIFT,
      .translation = packet->translation,
  };
  struct flow_key key = packet->flow;

  if (wire_port(packet) != packet->sent_port)
    choice.flags |= (__u32)wire_port(packet) << FLOW_PORT_SHIFT;
  key.peer_address = packet->asked_address;
  key.peer_port = packet->asked_port;
  key.local_port = packet->sent_port;
  return bpf_map_update_elem(&flow, &key, &choice, BPF_ANY) == 0 ? DROP_NONE : DROP_FLOW_CREATE;
}

/* A VIP record of a node port says any address: which one it was is kept beside the flow. */
static __always_inline int store_asked(const struct packet *packet) {
  struct flow_key key = packet->flow;
  struct ip_address address = packet->asked_address;

  return bpf_map_update_elem(&asked_address, &key, &address, BPF_ANY) == 0 ? DROP_NONE : DROP_FLOW_CREATE;
}

/* A connection begins, which policy allowed: its backend has one more. */
static __always_inline void count_opened(__u32 number) {
  struct backend *chosen = bpf_map_lookup_elem(&backend, &number);

  if (chosen && counts_load(chosen->service))
    add_load(chosen);
}

/*
 * The flow that a packet would start is there. Either it is this one, whose choice was lost, or it is over, or else
 * another flow of the pod has these ends: two services share a backend, or the pod talks to the backend by its own
 * address too. Then this one gets another port. SCTP's checksum does not let its ports change.
 */
__noinline int start_taken(struct packet *packet, __u8 direction, __u64 now) {
  struct flow_state *state;
  struct flow_key key;
  int is_over;

  if (!packet)
    return DROP_INVALID;
  key = packet->flow; /* on the stack: Linux 6.1 wants keys there */
  state = live_flow(&key, now);
  is_over = !state || (state->flags & FLOW_CLOSING && is_opening(packet));
  if (!is_over && is_same_translation(state, packet)) {
    state->decision = packet->decision;
    state->generation = packet->generation;
    note_packet(state, packet, 0, now);
    return DROP_NONE;
  }
  if (is_over) {
    if (state)
      unsettle(packet, state);
    return start_flow(&key, packet, direction, translated_flags(packet), BPF_ANY, now) == 0 ? DROP_NONE
                                                                                            : DROP_FLOW_CREATE;
  }
  if (packet->flow.protocol == IPPROTO_SCTP)
    return DROP_NAT_NO_MAPPING;
#pragma clang loop unroll(disable)
  for (int try = 0; try < WIRE_PORT_TRIES; try++) {
    __be16 port = bpf_htons(WIRE_PORT_FIRST + (bpf_get_prandom_u32() & WIRE_PORT_MASK));

    if (port == packet->sent_port)
      continue;
    set_wire_port(packet, port);
    key = packet->flow;
    if (start_flow(&key, packet, direction, translated_flags(packet), BPF_NOEXIST, now) == 0)
      return DROP_NONE;
  }
  return DROP_NAT_NO_MAPPING;
}

/* Starts the flow of a packet whose backend was chosen just now and which policy allows, and remembers the choice. */
__noinline int start_chosen(struct packet *packet, __u8 direction, __u64 now) {
  int reason = DROP_NONE;
  struct flow_key key;
  int failure;

  if (!packet)
    return DROP_INVALID;
  key = packet->flow;
  /* Before Linux 6.4 the upper half of what a map says is anything. */
  failure = (int)start_flow(&key, packet, direction, translated_flags(packet), BPF_NOEXIST, now);
  if (failure == -EEXIST)
    reason = start_taken(packet, direction, now);
  else if (failure != 0)
    reason = DROP_FLOW_CREATE;
  if (reason == DROP_NONE && packet->is_node_port)
    reason = store_asked(packet);
  if (reason == DROP_NONE)
    reason = store_choice(packet, now);
  if (reason == DROP_NONE && packet->is_counted)
    count_opened(packet->backend);
  return reason;
}

#endif
