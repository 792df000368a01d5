/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_CHOICE_H
#define TERWAYKIT_CHOICE_H

/* The choice of a backend for a packet: of a pod, or of a client outside. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "include/service_abi.h"
#include "rewriting.h"
#include "service.h"

/* Of a flow; the same on every node. */
static __always_inline __u32 hash_of(const struct ends *asking, __u8 protocol) {
  const struct ip_address *client = &asking->source, *asked = &asking->destination;
  __u64 from = (__u64)(client->word[0] ^ client->word[2]) << 32 | (client->word[1] ^ client->word[3]);
  __u64 to = (__u64)(asked->word[0] ^ asked->word[2]) << 32 | (asked->word[1] ^ asked->word[3]);
  __u64 ports = (__u64)asking->source_port << 32 | (__u64)asking->destination_port << 16 | protocol;

  return spread(ports + 0x9e3779b97f4a7c15ull * spread(from + 0x9e3779b97f4a7c15ull * spread(to)));
}

/* By chance, where no table asks for the flow: a port used again should not find the backend that it had. */
static __always_inline __u32 chance(const struct ends *asking, __u64 now) {
  __u64 ends = (__u64)(asking->source.word[3] ^ asking->destination.word[3]) << 32 | (__u32)asking->source_port << 16 |
               asking->destination_port;

  /* The clock moves in ticks, which are far apart. */
  return spread(ends ^ now * 0x9e3779b97f4a7c15ull);
}

/* Open connections are counted only where that matters to the next choice. */
static __always_inline int counts_load(__u32 service) {
  struct service_config *config = bpf_map_lookup_elem(&service_config, &service);

  return config && config->algorithm == SERVICE_LEAST_LOAD;
}

/* The number of a backend for a new flow, as choose_backend(), with what became of the client counted. */
static __always_inline int choose_index(const struct ends *asking, __u8 protocol, __u64 word, int is_local, __u64 now) {
  struct affinity_key client = {.kind = is_local ? AFFINITY_LOCAL : 0};
  __u32 hash;
  int index;

  client.client = asking->source;
  hash = word_flags(word) & FRONTEND_CONFIGURED ? hash_of(asking, protocol) : chance(asking, now);
  index = choose_backend(word, is_local != 0, &client, hash);
  if (index > 0)
    count_service(word_service(word), SERVICE_TRANSLATED);
  else
    count_service(word_service(word), index == SERVICE_REFUSED ? SERVICE_WAS_REFUSED : SERVICE_WAS_NOT_LOCAL);
  return index;
}

#endif
