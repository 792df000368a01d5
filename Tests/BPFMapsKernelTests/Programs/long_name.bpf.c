// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program whose name is too long for a file, so that pinning fails after the maps were pinned. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, 1);
} first SEC(".maps");

/* clang-format off */
SEC("tc")
int finds_a_name_that_no_file_can_have_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_because_it_is_longer_than_255_bytes_(struct __sk_buff *skb) {
  __u32 key = 0;
  __u32 *found = bpf_map_lookup_elem(&first, &key);
  (void)skb;
  return found ? (int)*found : 0;
}
/* clang-format on */

char program_license[] SEC("license") = "Dual BSD/GPL";
