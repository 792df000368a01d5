// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Refuses what is sent to one port. */
#include "samples.h"

const volatile __u32 refused_port = 4711;

SEC("sk_lookup")
int refuses_port(struct bpf_sk_lookup *context) {
  return context->local_port == refused_port ? SK_DROP : SK_PASS;
}

/* Tells addresses and ports apart: passes only what comes from 10.0.0.5 or 2001:db8::5, port 1000. */
SEC("sk_lookup")
int knows_sender(struct bpf_sk_lookup *context) {
  if (context->remote_port != bpf_htons(1000))
    return SK_DROP;
  if (context->family == 2)
    return context->remote_ip4 == bpf_htonl(0x0a000005) ? SK_PASS : SK_DROP;
  return context->remote_ip6[0] == bpf_htonl(0x20010db8) && context->remote_ip6[3] == bpf_htonl(5) ? SK_PASS : SK_DROP;
}

struct {
  __uint(type, BPF_MAP_TYPE_SOCKMAP);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 1);
} listener SEC(".maps");

/* Leads every port from 7000 to 7003 to one socket. */
SEC("sk_lookup")
int leads_ports(struct bpf_sk_lookup *context) {
  __u32 slot = 0;
  if (context->local_port < 7000 || context->local_port > 7003)
    return SK_PASS;
  struct bpf_sock *socket = bpf_map_lookup_elem(&listener, &slot);
  if (!socket)
    return SK_DROP;
  int status = bpf_sk_assign(context, socket, 0);
  bpf_sk_release(socket);
  return status ? SK_DROP : SK_PASS;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
