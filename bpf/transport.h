/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_TRANSPORT_H
#define TERWAYKIT_TRANSPORT_H

/* Transport headers and ICMP of both families. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"
#include "packet.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Headers that user space's <linux/…> lacks, or has only together with C library headers that BPF cannot include. */
struct sctp_header {
  __be16 source;
  __be16 dest;
  __be32 verification_tag;
  __be32 checksum;
};
_Static_assert(sizeof(struct sctp_header) == 12, "struct sctp_header");

/* Of ICMP and ICMPv6 alike. */
struct icmp_header {
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be16 identifier; /* of an echo */
  __be16 sequence;
};
_Static_assert(sizeof(struct icmp_header) == 8, "struct icmp_header");

#define ICMP_ECHO_REPLY        0
#define ICMP_UNREACHABLE       3
#define ICMP_ECHO_REQUEST      8
#define ICMP_TIME_EXCEEDED     11
#define ICMP_PARAMETER_PROBLEM 12

#define ICMPV6_UNREACHABLE            1 /* then packet too big, time exceeded, parameter problem */
#define ICMPV6_PARAMETER_PROBLEM      4
#define ICMPV6_ECHO_REQUEST           128
#define ICMPV6_ECHO_REPLY             129
#define ICMPV6_MLD_QUERY              130 /* then report, done */
#define ICMPV6_MLD_DONE               132
#define ICMPV6_ROUTER_SOLICITATION    133
#define ICMPV6_ROUTER_ADVERTISEMENT   134
#define ICMPV6_NEIGHBOR_SOLICITATION  135
#define ICMPV6_NEIGHBOR_ADVERTISEMENT 136
#define ICMPV6_REDIRECT               137
#define ICMPV6_MLD2_REPORT            143

static __always_inline int is_icmp_error(__u8 type, const __u8 icmp) {
  if (icmp == IPPROTO_ICMPV6)
    return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
  return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER_PROBLEM;
}

static __always_inline int is_discovery(__u8 type) {
  return (type >= ICMPV6_MLD_QUERY && type <= ICMPV6_REDIRECT) || type == ICMPV6_MLD2_REPORT;
}

static __always_inline int is_echo_request(__u8 type, const __u8 icmp) {
  return type == (icmp == IPPROTO_ICMPV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO_REQUEST);
}

static __always_inline int is_echo_reply(__u8 type, const __u8 icmp) {
  return type == (icmp == IPPROTO_ICMPV6 ? ICMPV6_ECHO_REPLY : ICMP_ECHO_REPLY);
}

/* Ports of an echo that goes in `direction`: the identifier stands for the port of the side that asked. */
static __always_inline void set_echo_ports(struct flow_key *flow, int is_request, const __u8 direction,
                                           __be16 identifier) {
  int is_local = is_request == (direction == FLOW_EGRESS);

  flow->local_port = is_local ? identifier : 0;
  flow->peer_port = is_local ? 0 : identifier;
}

static __always_inline void set_icmp(struct packet *packet, const struct icmp_header *header, const __u8 icmp,
                                     const __u8 direction) {
  if (is_echo_request(header->type, icmp)) {
    packet->kind = PACKET_FLOW;
    set_echo_ports(&packet->flow, 1, direction, header->identifier);
  } else if (is_echo_reply(header->type, icmp)) {
    packet->kind = PACKET_REPLY;
    set_echo_ports(&packet->flow, 0, direction, header->identifier);
  } else if (is_icmp_error(header->type, icmp)) {
    packet->kind = PACKET_ICMP_ERROR;
  } else {
    packet->kind = icmp == IPPROTO_ICMPV6 && is_discovery(header->type) ? PACKET_DISCOVERY : PACKET_LOOSE;
  }
}

static __always_inline void set_ports(struct packet *packet, const __u8 direction, __be16 source, __be16 destination) {
  packet->flow.local_port = direction == FLOW_EGRESS ? source : destination;
  packet->flow.peer_port = direction == FLOW_EGRESS ? destination : source;
}

/*
 * The transport header at `start`, of which the IP header promises `length` bytes. `icmp` is the number of the family's
 * own ICMP; the other one's is a protocol like any other.
 */
static __always_inline enum drop_reason parse_transport(struct packet *packet, const __u8 direction, const __u8 icmp,
                                                        void *start, void *data_end, __u32 length) {
  __u8 protocol = packet->flow.protocol;

  if (protocol == IPPROTO_TCP) {
    struct tcphdr *tcp = start;

    if (length < sizeof(*tcp) || (void *)(tcp + 1) > data_end)
      return DROP_INVALID;
    if (tcp->doff < 5 || tcp->doff * 4u > length)
      return DROP_INVALID;
    set_ports(packet, direction, tcp->source, tcp->dest);
    packet->tcp_flags = ((__u8 *)tcp)[13];
  } else if (protocol == IPPROTO_UDP) {
    struct udphdr *udp = start;

    if (length < sizeof(*udp) || (void *)(udp + 1) > data_end)
      return DROP_INVALID;
    set_ports(packet, direction, udp->source, udp->dest);
  } else if (protocol == IPPROTO_SCTP) {
    struct sctp_header *sctp = start;

    if (length < sizeof(*sctp) || (void *)(sctp + 1) > data_end)
      return DROP_INVALID;
    set_ports(packet, direction, sctp->source, sctp->dest);
    /* Only INIT has no tag (RFC 9260, 8.5). */
    packet->tcp_flags = sctp->verification_tag == 0 ? TCP_SYN : 0;
  } else if (protocol == icmp) {
    struct icmp_header *header = start;

    if (length < sizeof(*header) || (void *)(header + 1) > data_end)
      return DROP_INVALID;
    set_icmp(packet, header, icmp, direction);
  } else {
    packet->kind = PACKET_LOOSE;
  }
  return DROP_NONE;
}

/* A later fragment may not reach into the transport header, which was judged in the first one (RFC 1858, RFC 3128). */
static __always_inline enum drop_reason parse_later_fragment(struct packet *packet, __u32 offset) {
  packet->is_later_fragment = 1;
  packet->kind = PACKET_LOOSE;
  if (packet->flow.protocol == IPPROTO_TCP && offset < sizeof(struct tcphdr))
    return DROP_INVALID;
  if (packet->flow.protocol == IPPROTO_SCTP && offset < sizeof(struct sctp_header))
    return DROP_INVALID;
  return DROP_NONE;
}

#endif
