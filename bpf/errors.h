/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_ERRORS_H
#define TERWAYKIT_ERRORS_H

/*
 * ICMP errors: one that quotes a packet of a live flow belongs to it. Of a translated flow the error is translated like
 * the flow, and so is what it quotes: each side is told of the packet as it knows it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "conntrack.h"
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"
#include "packet.h"
#include "quotation.h"
#include "rewriting.h"
#include "translation.h"

/* What an ICMP error is. */
enum error_relation {
  ERROR_UNRELATED,
  ERROR_RELATED,
  ERROR_HAIRPIN, /* the pod tells itself: it goes back */
  ERROR_BROKEN,  /* it was being written, and cannot be: it has to be dropped */
};

/* More than a program's stack has room for beside the rest. It stays within the kernel. */
struct error_work {
  struct quotation quoted;
  struct ends inner;      /* what the quotation is to say */
  struct rewriting outer; /* what becomes of the error's own ends */
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct error_work);
} error_work SEC(".maps");

/*
 * The ends of a quoted packet, as its sender or receiver on the pod's side knows them, and what becomes of the error's
 * own ends. `state` is the entry that it was found by, with `translation` and all.
 */
static __always_inline int other_ends(const struct packet *packet, struct error_work *work,
                                      const struct flow_state *state) {
  const int is_to_pod = packet->direction == FLOW_INGRESS;
  const struct quotation *quoted = &work->quoted;
  struct rewriting *outer = &work->outer;
  struct ends *inner = &work->inner;
  struct flow_key key = quoted->flow;
  __u32 flags = state->flags;
  struct ip_address address;
  __be16 port;

  outer->from.source = is_to_pod ? packet->flow.peer_address : packet->local_address;
  outer->from.destination = is_to_pod ? packet->local_address : packet->flow.peer_address;
  outer->to = outer->from;
  if (!(flags & FLOW_SERVICE)) {
    /* Found as the flow itself: in words of the backend. */
    if (!find_asked(&key, state->translation, &address, &port))
      return 0;
    if (flags & FLOW_HAIRPIN) {
      /* The pod as a server, about what it got from itself. */
      outer->to.source = address;
      outer->to.destination = quoted->local_address;
      inner->source = quoted->local_address;
      inner->source_port = port_of(flags, key.peer_port);
    } else {
      /* To the pod, about what it sent. */
      if (is_same(&outer->from.source, &key.peer_address))
        outer->to.source = address;
      inner->source = quoted->local_address;
      inner->source_port = port_of(flags, key.local_port);
    }
    inner->destination = address;
    inner->destination_port = port;
    return 1;
  }
  /* Found as the choice: from the pod, about what it got from the service. */
  {
    __u32 index = state->decision;
    struct backend *chosen = bpf_map_lookup_elem(&backend, &index);

    if (!chosen || !is_chosen(chosen, state))
      return 0;
    address = chosen->address;
    port = chosen->port;
  }
  inner->source = address;
  inner->source_port = port;
  inner->destination_port = port_of(flags, key.local_port);
  inner->destination = quoted->local_address;
  if (flags & FLOW_HAIRPIN) {
    inner->destination = hairpin_address(packet->is_ipv6);
    outer->to.source = inner->destination;
    outer->to.destination = quoted->local_address;
  } else if (is_same(&outer->from.destination, &key.peer_address)) {
    outer->to.destination = address;
  }
  return 1;
}

/* Off the way of errors about flows that are none of a service's. */
__noinline int translate_error(struct __sk_buff *skb, const struct packet *packet, const struct flow_state *state) {
  __u32 zero = 0;
  struct error_work *work = bpf_map_lookup_elem(&error_work, &zero);

  if (!packet || !state || !work)
    return ERROR_UNRELATED;
  if (!other_ends(packet, work, state))
    return ERROR_UNRELATED;
  if (rewrite_quotation(skb, packet, &work->quoted, &work->inner) != DROP_NONE ||
      rewrite_error(skb, packet, &work->outer) != DROP_NONE)
    return ERROR_BROKEN;
  return state->flags & FLOW_HAIRPIN ? ERROR_HAIRPIN : ERROR_RELATED;
}

/* What an ICMP error says to or of a flow of this endpoint. An error to the pod quotes what the pod sent. */
__noinline int relate_error(struct __sk_buff *skb, const struct packet *packet, const struct endpoint *pod, __u64 now) {
  __u32 zero = 0;
  struct error_work *work = bpf_map_lookup_elem(&error_work, &zero);
  struct flow_state *state;
  struct flow_key key;

  if (!packet || !pod || !work)
    return ERROR_UNRELATED;
  __builtin_memset(&work->quoted, 0, sizeof(work->quoted));
  if (!read_quotation(skb, packet, &work->quoted) || !is_own(pod, &work->quoted.local_address, packet->is_ipv6))
    return ERROR_UNRELATED;
  key = work->quoted.flow;
  state = live_flow(&key, now);
  if (!translate_services)
    return state ? ERROR_RELATED : ERROR_UNRELATED;
  if (!state) /* from refuse(): what it says can be checked */
    return packet->direction == FLOW_INGRESS && is_refused(&key) ? ERROR_RELATED : ERROR_UNRELATED;
  if (packet->direction == FLOW_INGRESS) {
    if (state->flags & FLOW_SERVICE)
      return state->flags & FLOW_HAIRPIN ? ERROR_RELATED : ERROR_UNRELATED;
    if (state->translation == 0 || state->flags & FLOW_HAIRPIN)
      return ERROR_RELATED;
  } else if (!(state->flags & (FLOW_SERVICE | FLOW_HAIRPIN))) {
    return ERROR_RELATED;
  }
  return translate_error(skb, packet, state);
}

#endif
