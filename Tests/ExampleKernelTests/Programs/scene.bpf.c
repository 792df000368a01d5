// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps of every kind that bpfmap dumps, with types that no Swift code declares, and a program to count. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

enum scene_state { SCENE_CLOSED, SCENE_OPENING, SCENE_OPEN, SCENE_ENDING = 9 };

struct scene_key {
  __be32 source;
  __be32 peer_addr;
  __be16 port;
  __u8 protocol;
  __u8 padding;
};

struct scene_value {
  __u64 packets;
  __s32 balance;
  enum scene_state state;
  char label[16];
  __u8 blob[4];
  _Bool isActive;
  signed char level;
  __u16 low : 3;
  __u16 high : 13;
  union {
    __u32 mark;
    struct {
      __u16 first;
      __u16 second;
    };
  };
  struct {
    __u32 left;
    __u32 right[3];
  } inner;
  __u32 wide[2][2];
};

struct scene_prefix {
  __u32 prefixlen;
  __be32 address;
};

/* Variables: their sections are maps too. */
const volatile __u32 scene_limit = 42;
const volatile char scene_label[8] = "limits";
__u64 scene_total = 0;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, struct scene_key);
  __type(value, struct scene_value);
  __uint(max_entries, 64);
} scene_hash SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __type(key, __u32);
  __type(value, struct scene_value);
  __uint(max_entries, 64);
} scene_lru SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} scene_array SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 3);
} scene_cpu_array SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, 16);
} scene_cpu_hash SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct scene_prefix);
  __type(value, __s64);
  __uint(max_entries, 16);
} scene_lpm SEC(".maps");

/* Neither key nor value is described. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(key_size, 4);
  __uint(value_size, 12);
  __uint(max_entries, 16);
} scene_plain SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(max_entries, 2);
} scene_programs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} scene_events SEC(".maps");

/* Counts; the name is longer than the kernel's 15 characters. */
SEC("tc")
int scene_counts_every_packet(struct __sk_buff *skb) {
  __u32 slot = 1;
  __u64 *count = bpf_map_lookup_elem(&scene_array, &slot);
  if (count)
    __sync_fetch_and_add(count, 1);
  scene_total += scene_limit + (__u32)scene_label[0];
  return (int)(skb->mark & 1);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
