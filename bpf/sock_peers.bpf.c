// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/* Lists what the connected UDP sockets of a network namespace asked for, from their socket storage. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "include/service_abi.h"

/* Of the kernel's types only what is read here; the loader finds the offsets. */
struct seq_file;
struct udp_sock;
struct bpf_iter_meta {
  struct seq_file *seq;
} __attribute__((preserve_access_index));
struct bpf_iter__udp {
  struct bpf_iter_meta *meta;
  struct udp_sock *udp_sk;
} __attribute__((preserve_access_index));

/* As in service_maps.h. */
struct {
  __uint(type, BPF_MAP_TYPE_SK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct socket_peer);
} socket_peer SEC(".maps");

SEC("iter/udp")
int list_peers(struct bpf_iter__udp *ctx) {
  struct udp_sock *socket = ctx->udp_sk;
  if (!socket)
    return 0;
  const struct socket_peer *peer = bpf_sk_storage_get(&socket_peer, socket, 0, 0);
  if (!peer)
    return 0;
  struct socket_peer_record record = {.cookie = bpf_get_socket_cookie(socket), .peer = *peer};
  /* No room: the kernel grows the buffer, and calls again. */
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
