// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * Service translation when a socket connects or sends, so that no packet has to be rewritten later. IPv4; TCP,
 * connected UDP (connect4) and unconnected UDP (sendmsg4). The way back, recvmsg4 and getpeername4, reports the address
 * that the application asked for.
 *
 * user_ip4 is a 32-bit word in network order. user_port is a 32-bit word whose value is the 16-bit port in network
 * order, zero-extended: it is narrowed and widened here, never byte-swapped.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "service_abi.h"
#include "service_maps.h"

/* What an application sees when a service has no backend: what kube-proxy's ICMP port unreachable makes of it. */
#define NO_BACKEND_ERROR (-ECONNREFUSED)

#define PROCEED 1
#define REFUSE  0

/* Values of bpf_sock.state; TCP_ESTABLISHED also marks a connected UDP socket. */
#define SOCKET_CONNECTED 1

static __always_inline int refuse(int error) {
  bpf_set_retval(error);
  return REFUSE;
}

/*
 * Userland may replace any map value while a program runs, and the kernel may recycle a hash element. Each value that
 * steers traffic is 8 bytes and is therefore copied here with one load, before anything looks at its fields.
 */
static __always_inline __u64 load_once(const void *value) {
  return *(const volatile __u64 *)value;
}

static __always_inline bool find_service(__be32 address, __be16 port, __u8 protocol, __u32 *service_index) {
  struct frontend_key key = {};
  key.address = address;
  key.port = port;
  key.protocol = protocol;
  const void *value = bpf_map_lookup_elem(&frontend, &key);
  if (!value)
    return false;
  union {
    __u64 word;
    struct frontend fields;
  } found = {.word = load_once(value)};
  *service_index = found.fields.service;
  return true;
}

/* `choice` is uniform over 32 bits. With at most 2^14 slots the bias of the product is below 2^-18. */
static __always_inline bool pick_backend(__u32 service_index, __u32 choice, struct backend *picked) {
  const void *value = bpf_map_lookup_elem(&service, &service_index);
  if (!value)
    return false;
  __u64 word = load_once(value);
  __u32 base = word & ((1ULL << SERVICE_SLOT_BITS) - 1);
  __u32 count = (word >> SERVICE_COUNT_SHIFT) & ((1ULL << SERVICE_COUNT_BITS) - 1);
  if (count == 0)
    return false;

  __u32 slot_index = base + (__u32)(((__u64)choice * count) >> 32);
  value = bpf_map_lookup_elem(&service_slot, &slot_index);
  if (!value)
    return false;
  union {
    __u64 word;
    struct service_slot fields;
  } slot = {.word = load_once(value)};

  __u32 backend_index = slot.fields.backend;
  value = bpf_map_lookup_elem(&backend, &backend_index);
  if (!value)
    return false;
  union {
    __u64 word;
    struct backend fields;
  } found = {.word = load_once(value)};
  if (found.fields.state == BACKEND_FREE)
    return false;
  *picked = found.fields;
  return true;
}

static __always_inline void count(__u32 service_index, bool translated) {
  struct service_counter *counter = bpf_map_lookup_elem(&service_counter, &service_index);
  if (!counter)
    return;
  if (translated)
    counter->translated++;
  else
    counter->refused++;
}

/* Spreads socket cookies, which are handed out in sequence, over 32 bits. */
static __always_inline __u32 spread(__u64 cookie) {
  cookie ^= cookie >> 32;
  cookie *= 0x9e3779b97f4a7c15ULL;
  cookie ^= cookie >> 29;
  cookie *= 0xbf58476d1ce4e5b9ULL;
  return cookie >> 32;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) {
  __u32 protocol = ctx->protocol;
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
    return PROCEED;

  __be32 address = ctx->user_ip4;
  __be16 port = (__be16)ctx->user_port;
  __u32 service_index;
  if (!find_service(address, port, protocol, &service_index)) {
    /* The socket may have been connected to a service before. Now it asks for an address itself. */
    bpf_sk_storage_delete(&socket_peer, ctx->sk);
    return PROCEED;
  }

  struct backend picked;
  if (!pick_backend(service_index, bpf_get_prandom_u32(), &picked)) {
    count(service_index, false);
    return refuse(NO_BACKEND_ERROR);
  }

  /* Before the rewrite: a socket whose peer could not be reported as the service must not be connected to it. */
  struct socket_peer *peer = bpf_sk_storage_get(&socket_peer, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
  if (!peer)
    return refuse(-ENOMEM);
  peer->frontend_address = address;
  peer->frontend_port = port;
  peer->backend_address = picked.address;
  peer->backend_port = picked.port;
  peer->service = service_index;

  ctx->user_ip4 = picked.address;
  ctx->user_port = picked.port;
  count(service_index, true);
  return PROCEED;
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx) {
  if (ctx->protocol != IPPROTO_UDP)
    return PROCEED;

  __be32 address = ctx->user_ip4;
  __be16 port = (__be16)ctx->user_port;
  __u32 service_index;
  if (!find_service(address, port, IPPROTO_UDP, &service_index))
    return PROCEED;

  /* By socket, not by datagram: what one socket sends to one service arrives at one backend. */
  __u64 cookie = bpf_get_socket_cookie(ctx);
  struct backend picked;
  if (!pick_backend(service_index, spread(cookie), &picked)) {
    count(service_index, false);
    return refuse(NO_BACKEND_ERROR);
  }

  struct datagram_peer_key key = {};
  key.cookie = cookie;
  key.address = picked.address;
  key.port = picked.port;
  struct datagram_peer asked = {};
  asked.address = address;
  asked.port = port;
  struct datagram_peer *known = bpf_map_lookup_elem(&datagram_peer, &key);
  if (!known || known->address != address || known->port != port) {
    if (bpf_map_update_elem(&datagram_peer, &key, &asked, BPF_ANY))
      return refuse(-ENOMEM);
  }

  ctx->user_ip4 = picked.address;
  ctx->user_port = picked.port;
  count(service_index, true);
  return PROCEED;
}

/* Reports the service as peer, if the address seen is the backend that the socket was connected to for it. */
static __always_inline void restore_connected(struct bpf_sock_addr *ctx) {
  struct socket_peer *peer = bpf_sk_storage_get(&socket_peer, ctx->sk, 0, 0);
  if (!peer || peer->backend_address != ctx->user_ip4 || peer->backend_port != (__be16)ctx->user_port)
    return;
  ctx->user_ip4 = peer->frontend_address;
  ctx->user_port = peer->frontend_port;
}

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *ctx) {
  if (ctx->protocol != IPPROTO_UDP)
    return PROCEED;
  if (ctx->sk->state == SOCKET_CONNECTED) {
    restore_connected(ctx);
    return PROCEED;
  }

  struct datagram_peer_key key = {};
  key.cookie = bpf_get_socket_cookie(ctx);
  key.address = ctx->user_ip4;
  key.port = (__be16)ctx->user_port;
  struct datagram_peer *found = bpf_map_lookup_elem(&datagram_peer, &key);
  if (!found)
    return PROCEED;
  union {
    __u64 word;
    struct datagram_peer fields;
  } asked = {.word = load_once(found)};
  ctx->user_ip4 = asked.fields.address;
  ctx->user_port = asked.fields.port;
  return PROCEED;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx) {
  if (ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_UDP)
    restore_connected(ctx);
  return PROCEED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
