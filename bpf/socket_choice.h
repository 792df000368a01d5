/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SOCKET_CHOICE_H
#define TERWAYKIT_SOCKET_CHOICE_H

/* Which service a socket asks for, which backend it gets, and what it gets instead. */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "service.h"

#define PROCEED 1
#define REFUSE  0

struct asked {
  struct ip_address address;
  __be16 port;
  __u8 protocol;
};

static __always_inline int refuse(int error) {
  bpf_set_retval(error);
  return REFUSE;
}

static __always_inline bool is_in_node_namespace(void *ctx) {
  return bpf_get_netns_cookie(ctx) == bpf_get_netns_cookie(0);
}

/* To a socket the unspecified address is a loopback address. */
static __always_inline bool is_loopback(const struct ip_address *address) {
  if (is_mapped(address))
    return (address->word[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000) || !address->word[3];
  return !address->word[0] && !address->word[1] && !address->word[2] && !(address->word[3] & bpf_htonl(0xfffffffe));
}

static __always_inline bool is_excluded(void *ctx) {
  __u32 zero = 0;
  const struct service_state *state = bpf_map_lookup_elem(&service_state, &zero);
  if (!state || !*(const volatile __u32 *)&state->exclusions)
    return false;
  __u64 cookie = bpf_get_netns_cookie(ctx);
  return bpf_map_lookup_elem(&socket_exclusion, &cookie) != 0;
}

/* Whether the socket's own namespace serves what is asked for: a local redirect is for all but who it leads to. */
static __noinline bool listens_here(struct bpf_sock_addr *ctx, const struct asked *asked) {
  struct bpf_sock_tuple tuple = {};
  __u32 size;
  if (is_mapped(&asked->address)) {
    tuple.ipv4.daddr = asked->address.word[3];
    tuple.ipv4.dport = asked->port;
    size = sizeof(tuple.ipv4);
  } else {
    for (int i = 0; i < 4; i++)
      tuple.ipv6.daddr[i] = asked->address.word[i];
    tuple.ipv6.dport = asked->port;
    size = sizeof(tuple.ipv6);
  }
  struct bpf_sock *listener = asked->protocol == IPPROTO_TCP
                                  ? bpf_sk_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0)
                                  : bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
  if (!listener)
    return false;
  bpf_sk_release(listener);
  return true;
}

/* The frontend that sockets are to be translated by; 0: what is asked for is no service's, or this socket is let be. */
static __always_inline __u64 find_frontend(struct bpf_sock_addr *ctx, const struct asked *asked) {
  __u64 word = find_exact(&asked->address, asked->port, asked->protocol);
  /* Who asks for the unspecified address finds node ports by it, but has not named an address of the node's yet. */
  if (!word || word_flags(word) & FRONTEND_NODE_PORT) {
    word = find_node_port(&asked->address, asked->port, asked->protocol);
    if (!word)
      return 0;
    if (!(is_loopback(&asked->address) && is_in_node_namespace(ctx)) && !is_node_address(&asked->address))
      return 0;
  }
  __u32 flags = word_flags(word);
  if (flags & FRONTEND_NOT_INTERNAL)
    return 0;
  if (flags & FRONTEND_LOCAL_REDIRECT && listens_here(ctx, asked))
    return 0;
  return is_excluded(ctx) ? 0 : word;
}

/* Chooses for a socket; 0 or less: see choose_backend(). Clients in the cluster use the local scope for cluster IPs. */
static __always_inline int choose(struct bpf_sock_addr *ctx, __u64 word, __u32 hash) {
  bool local = word_flags(word) & FRONTEND_INTERNAL_LOCAL;
  struct affinity_key client = {.kind = AFFINITY_COOKIE | (local ? AFFINITY_LOCAL : 0)};
  if (word_flags(word) & FRONTEND_CONFIGURED) {
    __u64 cookie = bpf_get_netns_cookie(ctx);
    client.client.word[0] = (__u32)cookie;
    client.client.word[1] = cookie >> 32;
  }
  return choose_backend(word, local, &client, hash);
}

/* What a socket gets that asked for a service without a backend. */
static __always_inline int answer(__u64 word, int choice) {
  __u32 service_index = word_service(word);
  if (choice == SERVICE_NOT_LOCAL) {
    count_service(service_index, SERVICE_WAS_NOT_LOCAL);
    return packet_path ? PROCEED : refuse(-EHOSTUNREACH);
  }
  count_service(service_index, SERVICE_WAS_REFUSED);
  return refuse(-ECONNREFUSED);
}

#endif
