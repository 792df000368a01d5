// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a field that no kernel's struct has: libbpf finds out where it is when the object is loaded, or that it is not.
 */
#include "samples.h"

struct sk_buff {
  int never_was;
} __attribute__((preserve_access_index));

SEC("tc")
int reads_what_never_was(struct __sk_buff *skb) {
  struct sk_buff *buffer = (void *)(long)skb->mark;
  return buffer->never_was;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
