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
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "service.h"

#define PROCEED 1
#define REFUSE  0

/*
 * Whether to ask the kernel for the MPTCP socket that a TCP socket is part of; needs CAP_PERFMON and CONFIG_MPTCP when
 * the programs are loaded. Without, such sockets are translated too, but say the backend when asked for their peer.
 */
const volatile bool mptcp = false;

/* Of <sys/socket.h>, which BPF cannot include. */
#define AF_INET 2

/* A value of bpf_sock.state that connected UDP sockets have too. */
#define SOCKET_CONNECTED 1

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
