// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Variables of every shape, programs to choose among, and one that takes the verifier a while. */
#include "samples.h"

struct sample_pair {
  __u32 left;
  __u32 right;
};

enum colour { COLOUR_RED, COLOUR_GREEN, COLOUR_BLUE };

const volatile __u32 word = 1;
const volatile __s32 signed_word = -1;
const volatile __u8 byte = 2;
const volatile _Bool flag = 0;
const volatile char letters[4] = "abc";
const volatile enum colour colour = COLOUR_GREEN;
const volatile struct sample_pair pair = {3, 4};

/* .data and .bss: read and written while the programs run. */
__u64 hits = 5;
__u16 half = 6;
__u64 total;
__u32 copied;
struct sample_pair last;

/* A section of static variables alone is no shared memory. */
static volatile __u32 hidden SEC(".data.hidden") = 7;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, struct sample_pair);
  __uint(max_entries, 16);
} pairs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} spare SEC(".maps");

/* Adds up what the loader set. */
SEC("tc")
int adds_constants(struct __sk_buff *skb) {
  (void)skb;
  return (int)(word + (__u32)signed_word + byte + flag + (__u32)letters[0] + colour + pair.left + pair.right);
}

/* Counts in .data and .bss. */
SEC("tc")
int touches_variables(struct __sk_buff *skb) {
  __sync_fetch_and_add(&hits, 1);
  total += skb->len;
  copied = half;
  last.left += 1;
  last.right = skb->mark;
  return (int)hidden;
}

/* The only user of `spare`. */
SEC("tc")
int uses_spare(struct __sk_buff *skb) {
  __u32 index = 0;
  __u64 *value = bpf_map_lookup_elem(&spare, &index);
  (void)skb;
  return value ? (int)*value : 0;
}

/* Stays out unless asked for. */
SEC("?tc")
int optional(struct __sk_buff *skb) {
  (void)skb;
  return 1;
}

/* The only user of `pairs`. */
SEC("tc")
int uses_pairs(struct __sk_buff *skb) {
  __u32 key = skb->mark;
  struct sample_pair *found = bpf_map_lookup_elem(&pairs, &key);
  return found ? (int)found->left : 0;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
