// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writers of ring buffers: several types of record, discarded, huge and unfinished ones. cb[0] and cb[1] are arguments.
 */
#include "samples.h"

#define KIND_OPEN 1
#define KIND_DATA 2

#define HELD     0
#define RELEASED 1

struct ring_header {
  __u32 kind;
  __u32 producer;
};

struct ring_event {
  struct ring_header header;
  __u64 sequence;
  __u8 fill[48];
};

struct ring_open {
  struct ring_header header;
  __u64 number;
};

struct ring_data {
  struct ring_header header;
  __u32 length;
  __u32 padding;
  __u8 bytes[32];
};

const struct ring_header *unused_header __attribute__((unused));
const struct ring_event *unused_event __attribute__((unused));
const struct ring_open *unused_open __attribute__((unused));

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} more_events SEC(".maps");

/* The next sequence number of each producer. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 8);
} sequence SEC(".maps");

/* Records for which there was no space; user space reads it. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 2);
} lost SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 2);
} lost_shared SEC(".maps");

/* HELD: 1 while the program holds a record, then 2; RELEASED: user space lets it go on. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 2);
} gate SEC(".maps");

static __always_inline int no_space(__u32 slot) {
  __u64 *own = bpf_map_lookup_elem(&lost, &slot);
  __u64 *shared = bpf_map_lookup_elem(&lost_shared, &slot);
  if (own)
    *own += 1;
  if (shared)
    __sync_fetch_and_add(shared, 1);
  return 1;
}

static __always_inline int emit(void *ring, __u32 producer) {
  __u64 *next = bpf_map_lookup_elem(&sequence, &producer);
  struct ring_event *event = bpf_ringbuf_reserve(ring, sizeof(*event), 0);
  if (!event)
    return no_space(0);
  __builtin_memset(event, 0, sizeof(*event));
  event->header.producer = producer;
  event->sequence = next ? *next : 0;
  if (next)
    *next += 1;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/* 64 bytes, numbered for each producer. Returns 1 where the ring was full. */
SEC("tc")
int ring_emit(struct __sk_buff *skb) {
  return emit(&events, skb->cb[0]);
}

/* The same into the other ring. */
SEC("tc")
int ring_emit_more(struct __sk_buff *skb) {
  return emit(&more_events, skb->cb[0]);
}

/* 16 bytes. */
SEC("tc")
int ring_emit_open(struct __sk_buff *skb) {
  struct ring_open open = {.header = {.kind = KIND_OPEN, .producer = skb->cb[0]}, .number = skb->cb[1]};
  return (int)bpf_ringbuf_output(&events, &open, sizeof(open), 0);
}

/* 16 bytes, and up to 32 more, each of them 7. */
SEC("tc")
int ring_emit_data(struct __sk_buff *skb) {
  struct ring_data data = {.header = {.kind = KIND_DATA, .producer = skb->cb[0]}};
  __u32 length = skb->cb[1] & 31;
  data.length = length;
  __builtin_memset(data.bytes, 7, sizeof(data.bytes));
  return (int)bpf_ringbuf_output(&events, &data, 16 + length, 0);
}

/* 4 bytes: shorter than any header. */
SEC("tc")
int ring_emit_short(struct __sk_buff *skb) {
  __u32 word = skb->cb[0];
  return (int)bpf_ringbuf_output(&events, &word, sizeof(word), 0);
}

/* As long as a ring of 4096 bytes can hold. */
SEC("tc")
int ring_emit_huge(struct __sk_buff *skb) {
  struct ring_header *header = bpf_ringbuf_reserve(&events, 4080, 0);
  if (!header)
    return no_space(0);
  header->kind = 99;
  header->producer = skb->cb[0];
  bpf_ringbuf_submit(header, 0);
  return 0;
}

/* Longer than that. */
SEC("tc")
int ring_emit_too_long(struct __sk_buff *skb) {
  (void)skb;
  void *record = bpf_ringbuf_reserve(&events, 4096, 0);
  if (!record)
    return no_space(1);
  bpf_ringbuf_submit(record, 0);
  return 0;
}

/* A record that the program thinks better of. */
SEC("tc")
int ring_discard(struct __sk_buff *skb) {
  (void)skb;
  void *record = bpf_ringbuf_reserve(&events, sizeof(struct ring_event), 0);
  if (!record)
    return no_space(0);
  bpf_ringbuf_discard(record, 0);
  return 0;
}

static long look(__u32 index, void *context) {
  (void)index;
  (void)context;
  __u32 slot = RELEASED;
  __u64 *released = bpf_map_lookup_elem(&gate, &slot);
  return !released || *(volatile __u64 *)released;
}

static long look_longer(__u32 index, void *context) {
  (void)index;
  bpf_loop(1 << 23, look, context, 0);
  return look(0, context);
}

/* Reserves, and submits when user space says so, or after a second or so. */
SEC("tc")
int ring_hold(struct __sk_buff *skb) {
  __u32 slot = HELD;
  __u64 *held = bpf_map_lookup_elem(&gate, &slot);
  struct ring_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event)
    return no_space(0);
  __builtin_memset(event, 0, sizeof(*event));
  event->header.producer = skb->cb[0];
  if (held)
    *(volatile __u64 *)held = 1;
  bpf_loop(64, look_longer, (void *)0, 0);
  if (held)
    *(volatile __u64 *)held = 2;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
