// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One map of each kind that BPFMaps types, and small programs that touch them. */
#include "samples.h"

#include "endpoint_abi.h"
#include "flow_abi.h"

#define TC_ACT_OK   0
#define TC_ACT_SHOT 2

struct sample_key {
  __u32 endpoint;
  __be32 peer;
  __be16 port;
  __u8 transport;
  __u8 padding;
};

struct sample_state {
  __u64 last_seen;
  __u32 flags;
  __u32 decision;
};

/* Not a multiple of its alignment in Swift, where a struct of these fields has 5 bytes at a stride of 8. */
struct sample_odd {
  __u32 number;
  __u8 letter;
} __attribute__((packed));

struct sample_prefix {
  __u32 length; /* in bits, the number's 32 included */
  __u32 number;
  __be32 address;
};

struct sample_class {
  __u32 class_id;
  __u32 flags;
};

/* Set by the loader. */
const volatile __u32 answer = 42;
const volatile __u64 wide = 1;

/* Ring buffer records have no map BTF; this mention keeps struct flow_record in the object's BTF. */
const struct flow_record *unused_flow_record __attribute__((unused));

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 1024);
} numbers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, struct sample_key);
  __type(value, struct sample_state);
  __uint(max_entries, 64);
} flow SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, struct sample_odd);
  __type(value, struct sample_odd);
  __uint(max_entries, 64);
} odd SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 1024);
} recent SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, struct endpoint);
  __uint(max_entries, 16);
} endpoint SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct sample_prefix);
  __type(value, struct sample_class);
  __uint(max_entries, 256);
} prefixes SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, struct drop_counter);
  __uint(max_entries, 4);
} counter SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __type(key, __u32);
  __type(value, __u32);
  __uint(max_entries, 64);
} cpu_numbers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(max_entries, 2);
} programs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline void count(struct __sk_buff *skb, __u32 slot) {
  struct drop_counter *counted = bpf_map_lookup_elem(&counter, &slot);
  if (!counted)
    return;
  counted->packets += 1;
  counted->bytes += skb->len;
}

/* Counts and lets pass. */
SEC("tc")
int counts(struct __sk_buff *skb) {
  count(skb, 0);
  return TC_ACT_OK;
}

/* Returns the constant. */
SEC("tc")
int returns_answer(struct __sk_buff *skb) {
  (void)skb;
  return (int)(answer + (__u32)wide - 1);
}

/* Returns cb[0] + mark; marks the packet with 7. */
SEC("tc")
int reads_context(struct __sk_buff *skb) {
  int result = (int)(skb->cb[0] + skb->mark);
  skb->mark = 7;
  skb->cb[1] = 9;
  return result;
}

/* Overwrites the first byte, grows nothing. */
SEC("tc")
int writes_packet(struct __sk_buff *skb) {
  __u8 byte = 0xee;
  bpf_skb_store_bytes(skb, 0, &byte, 1, 0);
  return TC_ACT_OK;
}

/* Tail-calls slot 0; an empty slot drops. */
SEC("tc")
int dispatches(struct __sk_buff *skb) {
  bpf_tail_call(skb, &programs, 0);
  count(skb, 1);
  return TC_ACT_SHOT;
}

/* Emits one record of 64 bytes; cb[0] is its endpoint. Returns 1 where the ring was full. */
SEC("tc")
int emits(struct __sk_buff *skb) {
  struct flow_record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
  if (!record)
    return 1;
  __builtin_memset(record, 0, sizeof(*record));
  record->endpoint = skb->cb[0];
  record->length = skb->len;
  record->reason = DROP_POLICY;
  bpf_ringbuf_submit(record, 0);
  return 0;
}

/* Emits a record of the wrong size. */
SEC("tc")
int emits_short(struct __sk_buff *skb) {
  (void)skb;
  __u64 record = 1;
  return (int)bpf_ringbuf_output(&events, &record, sizeof(record), 0);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
