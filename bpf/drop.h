/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_DROP_H
#define TERWAYKIT_DROP_H

/* The only ways out for a packet that does not pass, and what the datapath says of it. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "include/flow_abi.h"
#include "shared_maps.h"

static __always_inline void count_drop(struct __sk_buff *skb, __u32 reason) {
  struct drop_counter *counter = bpf_map_lookup_elem(&drop_counter, &reason);

  if (!counter)
    return;
  counter->packets += 1;
  counter->bytes += skb->len;
}

#endif
