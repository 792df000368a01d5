/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_LOCAL_PODS_H
#define TERWAYKIT_LOCAL_PODS_H

/* Which addresses are pods of this node: shared by the pod programs and the node programs. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "include/endpoint_abi.h"

/*
 * Address of a pod of this node -> number of its parent, where slaves of one parent reach each other without a gateway
 * (IPVLAN L2); 0 in all other modes. Written by the wiring, read when a service's backend is chosen. Absent: the pod is
 * not on this node.
 */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 2 * ENDPOINT_LIMIT);
  __type(key, struct ip_address);
  __type(value, __u32);
} local_pod SEC(".maps");

#endif
