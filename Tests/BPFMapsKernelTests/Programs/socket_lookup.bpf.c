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

char program_license[] SEC("license") = "Dual BSD/GPL";
