// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verifier follows each turn of a loop, so that its log has tens of megabytes; then it refuses the end. */
#include "samples.h"

const volatile __u32 turns = 1000;

SEC("tc")
int walks_far(struct __sk_buff *skb) {
  volatile __u32 sum = 0;
  for (__u32 turn = 0; turn < turns; turn++)
    sum += turn;
  unsigned char *data = (unsigned char *)(long)skb->data;
  return data[100] + (int)sum;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
