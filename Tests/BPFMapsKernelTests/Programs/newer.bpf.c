// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A helper that no kernel has. */
#include "samples.h"

static long (*bpf_never_was)(void) = (void *)9999;

SEC("tc")
int calls_the_future(struct __sk_buff *skb) {
  (void)skb;
  return (int)bpf_never_was();
}

char program_license[] SEC("license") = "Dual BSD/GPL";
