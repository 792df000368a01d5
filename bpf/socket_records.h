/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SOCKET_RECORDS_H
#define TERWAYKIT_SOCKET_RECORDS_H

/* What is remembered of a socket: what it asked for, and the backend that stands for it. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "service.h"
#include "socket_choice.h"

/*
 * Whether to ask the kernel for the MPTCP socket that a TCP socket is part of; needs CAP_PERFMON and CONFIG_MPTCP when
 * the programs are loaded. Without, such sockets are translated too, but say the backend when asked for their peer.
 */
const volatile bool mptcp = false;

/* Of <sys/socket.h>, which BPF cannot include. */
#define AF_INET 2

/*
 * Connected TCP socket -> what it asked for, by the low bits of its cookie; one more, whose `cookie` is not 0 once a
 * TCP socket had to take socket storage instead. Full: socket storage.
 */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, SOCKET_SLOTS + 1);
  __type(key, __u32);
  __type(value, struct socket_slot);
} socket_slot SEC(".maps");

/* Makes a socket's record say nothing of its last peer, and takes it off the load that it is counted in. */
static __always_inline void forget(struct socket_peer *peer) {
  if (peer->flags & SOCKET_PEER_COUNTED)
    remove_load(peer->backend, peer->epoch);
  peer->flags &= ~SOCKET_PEER_COUNTED;
  peer->frontend_port = 0;
  peer->backend_port = 0;
}

static __always_inline bool is_backend(const struct socket_peer *peer, const struct ip_address *address, __be16 port) {
  return peer->backend_port == port && port && is_same(&peer->backend_address, address);
}

static __always_inline bool is_frontend(const struct socket_peer *peer, const struct asked *asked) {
  return peer->frontend_port == asked->port && asked->port && is_same(&peer->frontend_address, &asked->address);
}

/*
 * The record of a TCP socket is in a slot that its cookie names, and free again when the socket is closed: socket
 * storage costs ten times as much, nearly all of it for memory that the kernel has to find. Where another socket holds
 * the slot, or held it and nobody told its end (the kernel's own sockets), the socket has storage after all.
 */
static __always_inline struct socket_slot *slot_of(__u64 cookie) {
  __u32 index = cookie & (SOCKET_SLOTS - 1);
  return bpf_map_lookup_elem(&socket_slot, &index);
}

/* Tells that TCP sockets may have storage; without `tell`, asks. */
static __always_inline bool storage_in_use(bool tell) {
  __u32 index = SOCKET_SLOTS;
  struct socket_slot *mark = bpf_map_lookup_elem(&socket_slot, &index);
  if (!mark)
    return true;
  if (tell && !mark->cookie)
    mark->cookie = 1;
  return *(const volatile __u64 *)&mark->cookie != 0;
}

/* The record of a socket that connects; null: there is none, or with `fresh` no memory. */
static __always_inline struct socket_peer *own_record(struct bpf_sock_addr *ctx, __u32 protocol,
                                                      struct socket_peer *fresh, bool *is_part) {
  __u64 flags = fresh ? BPF_SK_STORAGE_GET_F_CREATE : 0;
  *is_part = false;
  if (protocol == IPPROTO_TCP) {
    /*
     * An MPTCP socket connects by TCP sockets of its own making, which are never asked for their peer, and whose end is
     * not told: the record is that of the whole.
     */
    if (mptcp) {
      struct mptcp_sock *whole = bpf_skc_to_mptcp_sock(ctx->sk);
      if (whole) {
        *is_part = true;
        return bpf_sk_storage_get(&socket_peer, whole, fresh, flags);
      }
    }
    __u64 cookie = bpf_get_socket_cookie(ctx);
    struct socket_slot *slot = slot_of(cookie);
    __u64 owner = slot ? *(const volatile __u64 *)&slot->cookie : ~0ULL;
    if (slot && owner == cookie)
      return &slot->peer;
    if (!fresh && !storage_in_use(false))
      return 0;
    if (slot && fresh && !owner && !__sync_val_compare_and_swap(&slot->cookie, 0, cookie)) {
      slot->peer = *fresh;
      return &slot->peer;
    }
    if (fresh)
      storage_in_use(true);
  }
  return bpf_sk_storage_get(&socket_peer, ctx->sk, fresh, flags);
}

/* The record of a socket that was connected, by its cookie or in its storage; null: there is none. */
static __always_inline struct socket_peer *find_record(void *ctx, void *sk, __u32 protocol) {
  if (protocol == IPPROTO_TCP) {
    __u64 cookie = bpf_get_socket_cookie(ctx);
    struct socket_slot *slot = slot_of(cookie);
    if (slot && *(const volatile __u64 *)&slot->cookie == cookie)
      return &slot->peer;
  }
  return bpf_sk_storage_get(&socket_peer, sk, 0, 0);
}

/* Writes down what a socket asked for, and what stands for it; false: there is no memory. */
static __always_inline bool remember(struct bpf_sock_addr *ctx, struct socket_peer *peer, const struct asked *asked,
                                     __u32 index, const struct backend *record, __u32 flags) {
  struct socket_peer fresh = {
      .frontend_address = asked->address,
      .backend_address = record->address,
      .frontend_port = asked->port,
      .backend_port = record->port,
      .service = record->service,
      .backend = index,
      .epoch = record->epoch,
      .flags = flags,
  };
  bool is_part;
  if (!peer)
    return own_record(ctx, asked->protocol, &fresh, &is_part) != 0;
  if (peer->flags & SOCKET_PEER_COUNTED)
    remove_load(peer->backend, peer->epoch);
  fresh.flags |= peer->flags & SOCKET_PEER_MORE;
  *peer = fresh;
  return true;
}

/*
 * Whether a TCP socket never was on its way anywhere, so that there is nothing to forget. The kernel leaves the address
 * of the last attempt in place when that fails.
 */
static __always_inline bool is_fresh(struct bpf_sock_addr *ctx, __u32 protocol) {
  if (protocol != IPPROTO_TCP)
    return false;
  struct bpf_sock *sk = ctx->sk;
  if (sk->family == AF_INET)
    return !sk->dst_ip4;
  return !sk->dst_ip6[3] && !sk->dst_ip6[2] && !sk->dst_ip6[1] && !sk->dst_ip6[0];
}

/*
 * An unconnected socket has its own record of the service that it asked first; what it asks besides goes to
 * `datagram_peer`. With two services that share a backend, replies are reported as from the one asked last.
 */
static __always_inline bool remember_more(struct socket_peer *peer, const struct asked *asked,
                                          const struct backend *record, __u64 cookie) {
  struct datagram_peer_key key = {.cookie = cookie, .address = record->address, .port = record->port};
  struct datagram_peer value = {.address = asked->address, .port = asked->port, .service = record->service};
  const struct datagram_peer *known = bpf_map_lookup_elem(&datagram_peer, &key);
  if ((!known || known->port != value.port || !is_same(&known->address, &value.address)) &&
      bpf_map_update_elem(&datagram_peer, &key, &value, BPF_ANY))
    return false;
  peer->flags |= SOCKET_PEER_MORE;
  return true;
}

#endif
