// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps that programs and user space share, and programs that use them. */
#include "samples.h"

#define TC_ACT_OK   0
#define TC_ACT_SHOT 2

struct statistic {
  __u64 packets;
  __u64 bytes;
  __u32 last_length;
  __u32 padding;
};

struct prefix4 {
  __u32 length;
  __be32 address;
};

struct prefix6 {
  struct {
    __u32 length;
  } head;
  __u8 address[16];
};

struct misplaced {
  __u64 address;
  __u32 length;
  __u32 padding;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct statistic);
  __uint(max_entries, 300);
} statistics SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix4);
  __type(value, __u32);
  __uint(max_entries, 64);
} routes4 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct prefix6);
  __type(value, __u32);
  __uint(max_entries, 64);
} routes6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct misplaced);
  __type(value, __u32);
  __uint(max_entries, 64);
} routes_odd SEC(".maps");

struct inner {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 16);
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __type(key, __u32);
  __uint(max_entries, 2);
  __array(values, struct inner);
} generations SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_QUEUE);
  __uint(key_size, 0);
  __type(value, __u32);
  __uint(max_entries, 4);
} ports SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
  __type(key, struct bpf_cgroup_storage_key);
  __type(value, __u64);
} group_count SEC(".maps");

/* Counts in slot cb[0]. */
SEC("tc")
int counts_shared(struct __sk_buff *skb) {
  __u32 slot = skb->cb[0];
  struct statistic *statistic = bpf_map_lookup_elem(&statistics, &slot);
  if (!statistic)
    return TC_ACT_SHOT;
  __sync_fetch_and_add(&statistic->packets, 1);
  __sync_fetch_and_add(&statistic->bytes, skb->len);
  statistic->last_length = skb->len;
  return TC_ACT_OK;
}

/* The value at key cb[1] of the map in slot cb[0]; -1: there is none. */
SEC("tc")
int reads_generation(struct __sk_buff *skb) {
  __u32 slot = skb->cb[0];
  void *map = bpf_map_lookup_elem(&generations, &slot);
  if (!map)
    return -1;
  __u32 key = skb->cb[1];
  __u64 *value = bpf_map_lookup_elem(map, &key);
  return value ? (int)*value : -1;
}

/* Takes a port from the queue; 0: there is none. */
SEC("tc")
int takes_port(struct __sk_buff *skb) {
  (void)skb;
  __u32 port = 0;
  if (bpf_map_pop_elem(&ports, &port))
    return 0;
  return (int)port;
}

SEC("cgroup/connect4")
int counts_group(struct bpf_sock_addr *context) {
  (void)context;
  __u64 *count = bpf_get_local_storage(&group_count, 0);
  __sync_fetch_and_add(count, 1);
  return 1;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
