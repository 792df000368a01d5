// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verifier refuses this on purpose: it reads past the end of the packet. */
#include "samples.h"

SEC("tc")
int reads_past_end(struct __sk_buff *skb) {
  unsigned char *data = (unsigned char *)(long)skb->data;
  return data[100];
}

char program_license[] SEC("license") = "Dual BSD/GPL";
