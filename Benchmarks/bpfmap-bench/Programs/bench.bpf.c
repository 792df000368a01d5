// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The maps that are measured, and a writer of ring buffer records at a rate that is asked for. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#define ENTRIES 100000

struct bench_key40 {
  __u32 words[10];
};

struct bench_lpm_key {
  __u32 prefix_length;
  __u32 address; /* in the order of the wire */
};

struct bench_value {
  __u64 first;
  __u64 second;
};

struct bench_record {
  __u64 sequence;
  __u64 fill[7];
};

const struct bench_record *unused_record __attribute__((unused));

#define BENCH_MAP(NAME, TYPE, KEY, FLAGS)                                                                              \
  struct {                                                                                                             \
    __uint(type, TYPE);                                                                                                \
    __uint(map_flags, FLAGS);                                                                                          \
    __type(key, KEY);                                                                                                  \
    __type(value, struct bench_value);                                                                                 \
    __uint(max_entries, ENTRIES);                                                                                      \
  } NAME SEC(".maps")

BENCH_MAP(hash8, BPF_MAP_TYPE_HASH, __u64, 0);
BENCH_MAP(hash40, BPF_MAP_TYPE_HASH, struct bench_key40, 0);
BENCH_MAP(pcpu8, BPF_MAP_TYPE_PERCPU_HASH, __u64, 0);
BENCH_MAP(lpm, BPF_MAP_TYPE_LPM_TRIE, struct bench_lpm_key, BPF_F_NO_PREALLOC);
BENCH_MAP(array, BPF_MAP_TYPE_ARRAY, __u32, 0);
BENCH_MAP(batch, BPF_MAP_TYPE_HASH, __u64, 0);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4 << 20);
} ring SEC(".maps");

/* What the writer did; one writer. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
} state SEC(".maps");

enum { WRITTEN, LOST, BEGAN, NANOSECONDS_PER_1024_RECORDS };

/*
 * Writes a record when one is due: record N at N * interval after the first run. An interval of 0: with each run. A
 * record for which there is no space is lost, and counted.
 */
SEC("tc")
int ring_write(struct __sk_buff *skb) {
  __u32 slots[4] = {WRITTEN, LOST, BEGAN, NANOSECONDS_PER_1024_RECORDS};
  __u64 *written = bpf_map_lookup_elem(&state, &slots[0]);
  __u64 *lost = bpf_map_lookup_elem(&state, &slots[1]);
  __u64 *began = bpf_map_lookup_elem(&state, &slots[2]);
  __u64 *interval = bpf_map_lookup_elem(&state, &slots[3]);
  if (!written || !lost || !began || !interval)
    return 0;
  (void)skb;
  if (*interval) {
    __u64 now = bpf_ktime_get_ns();
    if (!*began)
      *began = now;
    if ((*written + *lost) * *interval > (now - *began) << 10)
      return 0;
  }
  struct bench_record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
  if (!record) {
    *lost += 1;
    return 0;
  }
  record->sequence = *written + *lost;
  *written += 1;
  for (int place = 0; place < 7; place++)
    record->fill[place] = place;
  bpf_ringbuf_submit(record, 0);
  return 0;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
