// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps that the kernel has otherwise than they are declared, pinned under their names. */
#include "samples.h"

/* The kernel adds BPF_F_RDONLY_PROG. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(max_entries, 4);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} devices SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(max_entries, 4);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} device_hash SEC(".maps");

/* libbpf makes it for as many CPUs as there can be. */
struct {
  __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

/* The kernel keeps the flag with the descriptor. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 4);
  __uint(map_flags, BPF_F_RDONLY);
  __uint(pinning, LIBBPF_PIN_BY_NAME);
} readings SEC(".maps");

char program_license[] SEC("license") = "Dual BSD/GPL";
