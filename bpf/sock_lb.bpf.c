// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * Service translation when a socket connects or sends, so that no packet has to be rewritten later: TCP (MPTCP too),
 * connected and unconnected UDP, both families. The way back (recvmsg, getpeername) reports the address that the
 * application asked for. UDP-Lite, which no Service can name, is left alone; SCTP has no hooks here.
 *
 * Addresses are in network order; user_port is a 32-bit word whose value is the 16-bit port in network order,
 * zero-extended: it is narrowed and widened here, never byte-swapped. IPv4 is in its mapped form throughout, so that
 * IPv6 sockets that use IPv4 need nothing of their own.
 *
 * The kernel holds the socket's lock around each of these programs but those at bind and release, so that two never see
 * one socket's storage at the same time.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "service.h"
#include "socket_choice.h"
#include "socket_records.h"

/* A value of bpf_sock.state that connected UDP sockets have too. */
#define SOCKET_CONNECTED 1

/* A socket connects: the backend that stands for what it asks for; null: `verdict`. */
static __always_inline struct backend *connect(struct bpf_sock_addr *ctx, const struct asked *asked, int *verdict) {
  bool is_part;
  struct backend *record = 0;
  __u32 index = 0;
  __u64 word = find_frontend(ctx, asked);
  *verdict = PROCEED;
  if (word) {
    int choice = choose(ctx, word, bpf_get_prandom_u32());
    index = choice;
    record = choice > 0 ? bpf_map_lookup_elem(&backend, &index) : 0;
    if (!record)
      *verdict = answer(word, choice);
  } else if (is_fresh(ctx, asked->protocol)) {
    return 0;
  }
  if (!record && *verdict != PROCEED)
    return 0;
  struct socket_peer *peer = own_record(ctx, asked->protocol, 0, &is_part);
  if (!record) {
    /*
     * The socket may have been connected to a service before. Now it asks for an address itself; but not where an MPTCP
     * socket that is connected adds another path.
     */
    if (peer && !is_part)
      forget(peer);
    return 0;
  }
  /* Before the rewrite: a socket whose peer could not be reported as the service must not be connected to it. */
  if (!remember(ctx, peer, asked, index, record, SOCKET_PEER_COUNTED)) {
    *verdict = refuse(-ENOMEM);
    return 0;
  }
  add_load(record);
  count_service(word_service(word), SERVICE_TRANSLATED);
  return record;
}

/* A datagram leaves a socket for an address of its own: the backend that stands for it; null: `verdict`. */
static __always_inline struct backend *send(struct bpf_sock_addr *ctx, const struct asked *asked, int *verdict) {
  struct socket_peer *peer = bpf_sk_storage_get(&socket_peer, ctx->sk, 0, 0);
  bool connected = ctx->sk->state == SOCKET_CONNECTED;
  __u64 word = find_frontend(ctx, asked);
  *verdict = PROCEED;
  if (!word) {
    /* Does it ask for an address itself that stood for a service before? */
    if (!peer || connected)
      return 0;
    if (is_backend(peer, &asked->address, asked->port)) {
      forget(peer);
    } else if (peer->flags & SOCKET_PEER_MORE) {
      struct datagram_peer_key key = {.address = asked->address, .port = asked->port};
      key.cookie = bpf_get_socket_cookie(ctx);
      bpf_map_delete_elem(&datagram_peer, &key);
    }
    return 0;
  }

  __u32 service_index = word_service(word);
  bool again = peer && is_frontend(peer, asked);
  if (again) {
    struct backend *record = same_backend(peer->backend, peer->epoch, service_index);
    if (record && is_serving(record)) {
      count_service(service_index, SERVICE_TRANSLATED);
      return record;
    }
  }

  /* What is not in the socket's own record is chosen by the socket, so that its datagrams stay together. */
  bool own = !connected && (!peer || again || !peer->backend_port);
  __u64 cookie = own ? 0 : bpf_get_socket_cookie(ctx);
  __u32 hash = own ? bpf_get_prandom_u32() : spread(cookie ^ ((__u64)service_index << 32));
  int choice = choose(ctx, word, hash);
  __u32 index = choice;
  struct backend *record = choice > 0 ? bpf_map_lookup_elem(&backend, &index) : 0;
  if (record && !own && !connected && peer && is_backend(peer, &record->address, record->port)) {
    /* Another service's replies would be taken for this one's. */
    choice = choose(ctx, word, spread(hash));
    index = choice;
    record = choice > 0 ? bpf_map_lookup_elem(&backend, &index) : 0;
    own = record && is_backend(peer, &record->address, record->port);
  }
  if (!record) {
    *verdict = answer(word, choice);
    return 0;
  }
  bool known = connected;
  if (own)
    known = remember(ctx, peer, asked, index, record, 0);
  else if (!connected && peer)
    known = remember_more(peer, asked, record, cookie);
  if (!known) {
    *verdict = refuse(-ENOMEM);
    return 0;
  }
  count_service(service_index, SERVICE_TRANSLATED);
  return record;
}

/* Puts what was asked for in the place of where a datagram came from; false: it came from no service's backend. */
static __always_inline bool restore(struct bpf_sock_addr *ctx, struct asked *from) {
  const struct socket_peer *peer = find_record(ctx, ctx->sk, from->protocol);
  if (!peer)
    return false;
  if (is_backend(peer, &from->address, from->port)) {
    from->address = peer->frontend_address;
    from->port = peer->frontend_port;
    return true;
  }
  if (!(peer->flags & SOCKET_PEER_MORE) || ctx->sk->state == SOCKET_CONNECTED)
    return false;
  struct datagram_peer_key key = {.address = from->address, .port = from->port};
  key.cookie = bpf_get_socket_cookie(ctx);
  const struct datagram_peer *found = bpf_map_lookup_elem(&datagram_peer, &key);
  if (!found)
    return false;
  from->address = found->address;
  from->port = found->port;
  return true;
}

static __always_inline bool read4(struct bpf_sock_addr *ctx, struct asked *asked) {
  __u32 protocol = ctx->protocol;
  if (protocol == IPPROTO_MPTCP)
    protocol = IPPROTO_TCP;
  asked->address = mapped(ctx->user_ip4);
  asked->port = (__be16)ctx->user_port;
  asked->protocol = protocol;
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline bool read6(struct bpf_sock_addr *ctx, struct asked *asked) {
  __u32 protocol = ctx->protocol;
  if (protocol == IPPROTO_MPTCP)
    protocol = IPPROTO_TCP;
  asked->address.word[0] = ctx->user_ip6[0];
  asked->address.word[1] = ctx->user_ip6[1];
  asked->address.word[2] = ctx->user_ip6[2];
  asked->address.word[3] = ctx->user_ip6[3];
  asked->port = (__be16)ctx->user_port;
  asked->protocol = protocol;
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline void write4(struct bpf_sock_addr *ctx, const struct ip_address *address, __be16 port) {
  ctx->user_ip4 = address->word[3];
  ctx->user_port = port;
}

static __always_inline void write6(struct bpf_sock_addr *ctx, const struct ip_address *address, __be16 port) {
  ctx->user_ip6[0] = address->word[0];
  ctx->user_ip6[1] = address->word[1];
  ctx->user_ip6[2] = address->word[2];
  ctx->user_ip6[3] = address->word[3];
  ctx->user_port = port;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) {
  struct asked asked;
  int verdict;
  if (!read4(ctx, &asked))
    return PROCEED;
  const struct backend *record = connect(ctx, &asked, &verdict);
  if (!record)
    return verdict;
  write4(ctx, &record->address, record->port);
  return PROCEED;
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx) {
  struct asked asked;
  int verdict;
  if (!read6(ctx, &asked))
    return PROCEED;
  const struct backend *record = connect(ctx, &asked, &verdict);
  if (!record)
    return verdict;
  write6(ctx, &record->address, record->port);
  return PROCEED;
}

/* IPv6 sockets that send to IPv4 come here too: the kernel goes over to IPv4 before it asks. */
SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx) {
  struct asked asked;
  int verdict;
  if (!read4(ctx, &asked))
    return PROCEED;
  const struct backend *record = send(ctx, &asked, &verdict);
  if (!record)
    return verdict;
  write4(ctx, &record->address, record->port);
  return PROCEED;
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx) {
  struct asked asked;
  int verdict;
  if (!read6(ctx, &asked))
    return PROCEED;
  const struct backend *record = send(ctx, &asked, &verdict);
  if (!record)
    return verdict;
  write6(ctx, &record->address, record->port);
  return PROCEED;
}

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *ctx) {
  struct asked from;
  if (read4(ctx, &from) && restore(ctx, &from))
    write4(ctx, &from.address, from.port);
  return PROCEED;
}

SEC("cgroup/recvmsg6")
int recvmsg6(struct bpf_sock_addr *ctx) {
  struct asked from;
  if (read6(ctx, &from) && restore(ctx, &from))
    write6(ctx, &from.address, from.port);
  return PROCEED;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx) {
  struct asked from;
  if (read4(ctx, &from) && restore(ctx, &from))
    write4(ctx, &from.address, from.port);
  return PROCEED;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx) {
  struct asked from;
  if (read6(ctx, &from) && restore(ctx, &from))
    write6(ctx, &from.address, from.port);
  return PROCEED;
}

/* Nobody on the node may listen where its services are served: it would never be reached. */
static __always_inline int check_bind(struct bpf_sock *ctx, const struct asked *asked) {
  if (!is_in_node_namespace(ctx))
    return PROCEED;
  __u64 word = find_exact(&asked->address, asked->port, asked->protocol);
  /* A cluster IP is no address of the node; who makes it one knows why (DNS caches do). */
  if ((word_flags(word) & (FRONTEND_EXTERNAL | FRONTEND_NOT_INTERNAL | FRONTEND_NODE_PORT)) == FRONTEND_EXTERNAL)
    return refuse(-EADDRINUSE);
  bool loopback = is_loopback(&asked->address);
  if (!loopback && !(is_node_port(asked->port) && is_node_address(&asked->address)))
    return PROCEED;
  word = find_node_port(&asked->address, asked->port, asked->protocol);
  /* Most IPv6 sockets at no address in particular get IPv4 too. */
  if (!word && loopback && !is_mapped(&asked->address) && !asked->address.word[3]) {
    struct ip_address any = mapped(0);
    word = find_node_port(&any, asked->port, asked->protocol);
  }
  return word ? refuse(-EADDRINUSE) : PROCEED;
}

static __always_inline bool read_bind(struct bpf_sock *ctx, struct asked *asked) {
  __u32 protocol = ctx->protocol;
  if (protocol == IPPROTO_MPTCP)
    protocol = IPPROTO_TCP;
  asked->protocol = protocol;
  /* In host order, other than all else here. */
  asked->port = bpf_htons(ctx->src_port);
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

SEC("cgroup/post_bind4")
int post_bind4(struct bpf_sock *ctx) {
  struct asked asked;
  if (!read_bind(ctx, &asked))
    return PROCEED;
  asked.address = mapped(ctx->src_ip4);
  return check_bind(ctx, &asked);
}

SEC("cgroup/post_bind6")
int post_bind6(struct bpf_sock *ctx) {
  struct asked asked;
  if (!read_bind(ctx, &asked))
    return PROCEED;
  asked.address.word[0] = ctx->src_ip6[0];
  asked.address.word[1] = ctx->src_ip6[1];
  asked.address.word[2] = ctx->src_ip6[2];
  asked.address.word[3] = ctx->src_ip6[3];
  return check_bind(ctx, &asked);
}

/* close(2). Its record goes with the socket by itself. */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx) {
  __u32 protocol = ctx->protocol;
  if (protocol == IPPROTO_TCP) {
    __u64 cookie = bpf_get_socket_cookie(ctx);
    struct socket_slot *slot = slot_of(cookie);
    if (slot && *(const volatile __u64 *)&slot->cookie == cookie) {
      if (slot->peer.flags & SOCKET_PEER_COUNTED)
        remove_load(slot->peer.backend, slot->peer.epoch);
      /* From here on it may be another socket's. */
      __sync_lock_test_and_set(&slot->cookie, 0);
      return PROCEED;
    }
  }
  struct socket_peer *peer = bpf_sk_storage_get(&socket_peer, ctx, 0, 0);
  if (peer && peer->flags & SOCKET_PEER_COUNTED) {
    peer->flags &= ~SOCKET_PEER_COUNTED;
    remove_load(peer->backend, peer->epoch);
  }
  return PROCEED;
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
