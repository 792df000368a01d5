// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Sends every IPv4 connect to 127.0.0.1 and a port that the loader sets. */
#include "samples.h"

const volatile __u16 target_port = 0;

SEC("cgroup/connect4")
int redirects(struct bpf_sock_addr *context) {
  context->user_ip4 = bpf_htonl(0x7f000001);
  context->user_port = bpf_htons(target_port);
  return 1;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
