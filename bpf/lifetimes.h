/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_LIFETIMES_H
#define TERWAYKIT_LIFETIMES_H

/* How long flows live, and which packets begin one. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "packet.h"
#include "transport.h"

#define SECOND 1000000000ull

/* What lives without a packet for how long, beside FLOW_SECONDS_*. */
#define LIFETIME_ECHO     (30 * SECOND)
#define LIFETIME_FRAGMENT (30 * SECOND) /* as net.ipv4.ipfrag_time */

static __always_inline __u64 lifetime(__u8 protocol, __u32 flags) {
  if (protocol == IPPROTO_UDP)
    return (flags & FLOW_REPLIED ? FLOW_SECONDS_UDP : FLOW_SECONDS_UDP_UNREPLIED) * SECOND;
  if (is_icmp(protocol))
    return LIFETIME_ECHO;
  if (flags & FLOW_CLOSING)
    return FLOW_SECONDS_CLOSING * SECOND;
  return (flags & FLOW_REPLIED ? FLOW_SECONDS_ESTABLISHED : FLOW_SECONDS_OPENING) * SECOND;
}

/* Signed: another CPU may have stored a time that is later than the one this CPU read. */
static __always_inline int is_older(__u64 since, __u64 now, __u64 limit) {
  return (__s64)(now - since) > (__s64)limit;
}

/* A TCP packet that can only be the first of a connection. */
static __always_inline int is_opening(const struct packet *packet) {
  return packet->flow.protocol == IPPROTO_TCP &&
         (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/*
 * Whether an allowed packet without a flow starts one. A TCP packet from the middle of a connection does (the entry may
 * have been evicted, or be older than the datapath); one that answers or ends a connection does not, because it would
 * turn the flow's direction round. Nor does a later fragment, which carries no flags.
 */
static __always_inline int may_start_flow(const struct packet *packet) {
  if (packet->is_later_fragment)
    return 0;
  if (packet->flow.protocol != IPPROTO_TCP)
    return 1;
  if (packet->tcp_flags & (TCP_RST | TCP_FIN))
    return 0;
  return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
}

#endif
