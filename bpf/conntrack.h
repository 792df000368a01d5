/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_CONNTRACK_H
#define TERWAYKIT_CONNTRACK_H

/*
 * Connection tracking: one entry per endpoint and flow, found from packets of both directions. Nothing sweeps it;
 * lifetimes are checked when an entry is met, and the map evicts what was not met for longest.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "lifetimes.h"
#include "packet.h"
#include "pod_maps.h"
#include "transport.h"

static __always_inline __u32 direction_flag(__u8 direction) {
  return direction == FLOW_EGRESS ? FLOW_FROM_POD : FLOW_TO_POD;
}

static __always_inline struct flow_state *live_flow(const struct flow_key *key, __u64 now) {
  struct flow_state *state = bpf_map_lookup_elem(&flow, key);

  if (state && is_older(state->last_seen, now, lifetime(key->protocol, state->flags)))
    return 0;
  return state;
}

/*
 * Notes a packet of the flow. Stores are rare on purpose: both directions may be on different CPUs, and a cache line
 * that both write is what connection tracking costs. Not 0: this packet is the one that closes it.
 */
static __always_inline int note_packet(struct flow_state *state, const struct packet *packet, int is_reply, __u64 now) {
  __u32 flags = *(volatile __u32 *)&state->flags;
  __u32 seen = is_reply ? FLOW_REPLIED : 0;
  int closes = 0;

  if (packet->flow.protocol == IPPROTO_TCP && packet->tcp_flags & (TCP_FIN | TCP_RST)) {
    if (packet->tcp_flags & TCP_RST)
      seen |= FLOW_CLOSING;
    if (packet->tcp_flags & TCP_FIN)
      seen |= is_reply ? FLOW_REPLY_FIN : FLOW_FORWARD_FIN;
    if (((flags | seen) & (FLOW_FORWARD_FIN | FLOW_REPLY_FIN)) == (FLOW_FORWARD_FIN | FLOW_REPLY_FIN))
      seen |= FLOW_CLOSING;
  }
  if (seen & ~flags)
    closes = ~__sync_fetch_and_or(&state->flags, seen) & seen & FLOW_CLOSING;
  if (is_older(state->last_seen, now, SECOND))
    state->last_seen = now;
  return closes;
}

/*
 * Starts a flow with this packet, or starts it over unless `how` is BPF_NOEXIST. `flags`: beside its direction. 0, or
 * why the map refused.
 */
static __always_inline long start_flow(const struct flow_key *key, const struct packet *packet, const __u8 direction,
                                       __u32 flags, __u64 how, __u64 now) {
  struct flow_state state = {
      .last_seen = now,
      .flags = direction_flag(direction) | flags,
      .decision = packet->decision,
      .generation = packet->generation,
      .translation = packet->translation,
  };

  return bpf_map_update_elem(&flow, key, &state, how);
}

#endif
