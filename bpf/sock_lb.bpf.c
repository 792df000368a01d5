// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/* Service translation when a socket connects or sends. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "service.h"

#define PROCEED 1

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx) {
  (void)ctx;
  return PROCEED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
