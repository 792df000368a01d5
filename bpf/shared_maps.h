/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SHARED_MAPS_H
#define TERWAYKIT_SHARED_MAPS_H

/* Maps that every dispatcher shares with the pod programs. Sizes, where the loader may change them, are its default. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"
#include "include/flow_abi.h"

/* POD_PROGRAM_* -> program. Written by the loader (upgrade: swap a slot), read by dispatchers. Empty slot: dropped. */
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, POD_PROGRAM_COUNT);
  __type(key, __u32);
  __type(value, __u32);
} pod_programs SEC(".maps");

/* enum drop_reason -> packets and bytes, per CPU. Written by every program, read by operators. Never full. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, DROP_REASON_LIMIT);
  __type(key, __u32);
  __type(value, struct drop_counter);
} drop_counter SEC(".maps");

#endif
