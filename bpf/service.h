/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_H
#define TERWAYKIT_SERVICE_H

/*
 * From what is asked for to a backend: shared by the socket programs, the pod programs and the node programs.
 *
 * User space changes all of it while programs run. What steers traffic is therefore read in single loads, each of which
 * is all old or all new, and a record is used only where it says that it belongs to the service.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "address.h"
#include "service_maps.h"

/* Ports at which nodes serve. */
const volatile __u16 node_port_first = 30000;
const volatile __u16 node_port_last = 32767;
/* Whether packets of the sockets concerned pass programs that know services. */
const volatile __u32 packet_path = 0;

/* What choose_backend() says where it has no backend. */
#define SERVICE_REFUSED   0    /* the cluster scope is empty: refuse at once */
#define SERVICE_NOT_LOCAL (-1) /* the local scope alone is empty: no answer */

/* A backend's number is below this, for the verifier and for the sign of choose_backend()'s result. */
#define BACKEND_LIMIT 0x7fffffffu

static __always_inline __u64 load_word(const void *value) {
  return *(const volatile __u64 *)value;
}

static __always_inline __u32 word_service(__u64 word) {
  return word & ((1u << FRONTEND_INDEX_BITS) - 1);
}

static __always_inline __u32 word_vip(__u64 word) {
  return (word >> FRONTEND_VIP_SHIFT) & ((1u << FRONTEND_INDEX_BITS) - 1);
}

static __always_inline __u32 word_flags(__u64 word) {
  return (word >> FRONTEND_FLAGS_SHIFT) & ((1u << FRONTEND_FLAGS_BITS) - 1);
}

static __always_inline __u32 word_epoch(__u64 word) {
  return word >> FRONTEND_EPOCH_SHIFT;
}

static __always_inline struct ip_address mapped(__be32 address) {
  struct ip_address result = {{0, 0, bpf_htonl(0xffff), address}};
  return result;
}

/* The frontend at an address; 0: there is none. */
static __always_inline __u64 find_frontend4(__be32 address, __be16 port, __u8 protocol) {
  struct frontend_key4 key = {.address = address, .port = port, .protocol = protocol};
  const struct frontend_word *found = bpf_map_lookup_elem(&frontend4, &key);
  return found ? load_word(found) : 0;
}

static __always_inline __u64 find_frontend6(const struct ip_address *address, __be16 port, __u8 protocol) {
  struct frontend_key6 key = {.address = *address, .port = port, .protocol = protocol};
  const struct frontend_word *found = bpf_map_lookup_elem(&frontend6, &key);
  return found ? load_word(found) : 0;
}

static __always_inline bool is_node_port(__be16 port) {
  __u16 number = bpf_ntohs(port);
  return number >= node_port_first && number <= node_port_last;
}

static __always_inline bool is_node_address(const struct ip_address *address) {
  return bpf_map_lookup_elem(&node_address, address) != 0;
}

/* Of both families: an IPv4 address is a mapped one. */
static __always_inline __u64 find_exact(const struct ip_address *address, __be16 port, __u8 protocol) {
  return is_mapped(address) ? find_frontend4(address->word[3], port, protocol)
                            : find_frontend6(address, port, protocol);
}

/* The node port of a number in an address's family, whatever the address is; 0: there is none. */
static __always_inline __u64 find_node_port(const struct ip_address *address, __be16 port, __u8 protocol) {
  if (!is_node_port(port))
    return 0;
  if (is_mapped(address))
    return find_frontend4(0, port, protocol);
  struct ip_address any = {};
  return find_frontend6(&any, port, protocol);
}

/* The record behind a slot; null where it is not this service's, or takes no flows. */
static __always_inline struct backend *slot_backend(__u32 slot, __u32 service_index, __u32 *index) {
  __u32 element = slot >> 1;
  const struct slot_pair *pair = bpf_map_lookup_elem(&service_slot, &element);
  if (!pair)
    return 0;
  __u32 number = *(const volatile __u32 *)&pair->backend[slot & 1];
  struct backend *record = bpf_map_lookup_elem(&backend, &number);
  if (!record || record->service != service_index)
    return 0;
  __u8 state = *(const volatile __u8 *)&record->state;
  if (state != BACKEND_ACTIVE && state != BACKEND_TERMINATING)
    return 0;
  *index = number;
  return record;
}

/* `hash` is spread over 32 bits: slot = first + hash * count / 2^32, also in the table of Maglev. */
static __always_inline struct backend *pick(__u64 extent, __u32 hash, __u32 service_index, __u32 *index) {
  __u32 count = extent >> EXTENT_COUNT_SHIFT;
  __u32 slot = (__u32)extent + (__u32)(((__u64)hash * count) >> 32);
  return slot_backend(slot, service_index, index);
}

/* A remembered backend, if it still is what is remembered; null otherwise. */
static __always_inline struct backend *same_backend(__u32 index, __u32 epoch, __u32 service_index) {
  struct backend *record = bpf_map_lookup_elem(&backend, &index);
  if (!record || record->service != service_index || record->epoch != epoch)
    return 0;
  return record;
}

/* Whether a backend goes on serving what it has: a datagram's flow is looked at with each datagram. */
static __always_inline bool is_serving(const struct backend *record) {
  __u8 state = *(const volatile __u8 *)&record->state;
  return state == BACKEND_ACTIVE || state == BACKEND_TERMINATING;
}

/*
 * The backend that a client had, while it may have it again: its last flow is not older than the service says, and it
 * takes new flows, or as much as the ones that the service has now (`other`).
 */
static __always_inline struct backend *sticky_backend(const struct affinity *entry, __u32 seconds, __u64 now,
                                                      __u32 service_index, const struct backend *other, __u32 *index) {
  __u64 last_used = load_word(&entry->last_used);
  if (now - last_used >= seconds * 1000000000ULL)
    return 0;
  /* Index and epoch are neighbours, and read in one load. */
  __u64 had = load_word(&entry->backend);
  __u32 number = had;
  struct backend *record = same_backend(number, had >> 32, service_index);
  if (!record)
    return 0;
  __u8 state = *(const volatile __u8 *)&record->state;
  if (state != BACKEND_ACTIVE && (state != BACKEND_TERMINATING || other->state != BACKEND_TERMINATING))
    return 0;
  *index = number;
  return record;
}

/* The rest of choose_backend() for services with an algorithm or affinity, given one choice at random. */
static __noinline __u32 choose_configured(__u32 service_index, __u64 extent, struct affinity_key *client, __u32 index) {
  const void *found = bpf_map_lookup_elem(&service_config, &service_index);
  struct backend *record = bpf_map_lookup_elem(&backend, &index);
  if (!found || !record)
    return index;
  union {
    __u64 word;
    struct service_config fields;
  } config = {.word = load_word(found)};

  __u32 seconds = config.fields.affinity_seconds;
  struct affinity *entry = 0;
  __u64 now = 0;
  if (seconds) {
    now = bpf_ktime_get_ns();
    entry = bpf_map_lookup_elem(&affinity, client);
    if (entry) {
      __u32 sticky;
      if (sticky_backend(entry, seconds, now, service_index, record, &sticky)) {
        *(volatile __u64 *)&entry->last_used = now;
        return sticky;
      }
    }
  }

  if (config.fields.algorithm == SERVICE_LEAST_LOAD) {
    __u32 other;
    struct backend *second = pick(extent, bpf_get_prandom_u32(), service_index, &other);
    if (second && *(const volatile __u32 *)&second->load < *(const volatile __u32 *)&record->load) {
      record = second;
      index = other;
    }
  }

  if (seconds) {
    struct affinity fresh = {.last_used = now, .backend = index, .epoch = record->epoch};
    /* Full or out of memory: the client is placed anew next time. */
    bpf_map_update_elem(&affinity, client, &fresh, BPF_ANY);
  }
  return index;
}

/*
 * A backend for a new flow: its number, or SERVICE_REFUSED or SERVICE_NOT_LOCAL.
 *
 * `local`: in the local scope. `client`: who asks, all but the service; used for session affinity alone. `hash`: spread
 * over 32 bits: of the flow at packets, so that every node chooses alike with Maglev; random at sockets.
 */
static __always_inline int choose_backend(__u64 word, bool local, struct affinity_key *client, __u32 hash) {
  __u32 service_index = word_service(word);
  const struct service *extents = bpf_map_lookup_elem(&service, &service_index);
  if (!extents)
    return SERVICE_REFUSED;
  const void *scope = local ? &extents->local : &extents->cluster;
  __u32 index = 0;
  /* A choice fails only where a writer was killed half-way, or made the quarantine too short: once more, elsewhere. */
  for (int attempt = 0; attempt < 2; attempt++) {
    __u64 extent = load_word(scope);
    if (!(extent >> EXTENT_COUNT_SHIFT))
      break;
    if (pick(extent, hash, service_index, &index)) {
      if (word_flags(word) & FRONTEND_CONFIGURED) {
        client->service = service_index;
        index = choose_configured(service_index, extent, client, index);
      }
      return index & BACKEND_LIMIT;
    }
    hash *= 0x9e3779b1u;
  }
  /* Without an endpoint anywhere the policy does not matter, as with kube-proxy. */
  return local && load_word(&extents->cluster) >> EXTENT_COUNT_SHIFT ? SERVICE_NOT_LOCAL : SERVICE_REFUSED;
}

/* Adds an open connection to a backend's load. */
static __always_inline void add_load(struct backend *record) {
  __sync_fetch_and_add(&record->load, 1);
}

/* Takes it off again, if the record still is that backend's. */
static __always_inline void remove_load(__u32 index, __u32 epoch) {
  struct backend *record = bpf_map_lookup_elem(&backend, &index);
  /* User space may have set it back meanwhile. */
  if (record && record->epoch == epoch && *(const volatile __u32 *)&record->load > 0)
    __sync_fetch_and_add(&record->load, -1);
}

enum service_event { SERVICE_TRANSLATED, SERVICE_WAS_REFUSED, SERVICE_WAS_NOT_LOCAL, SERVICE_FILTERED };

static __always_inline void count_service(__u32 service_index, enum service_event event) {
  struct service_counter *counter = bpf_map_lookup_elem(&service_counter, &service_index);
  if (!counter)
    return;
  switch (event) {
  case SERVICE_TRANSLATED:
    counter->translated++;
    break;
  case SERVICE_WAS_REFUSED:
    counter->refused++;
    break;
  case SERVICE_WAS_NOT_LOCAL:
    counter->not_local++;
    break;
  case SERVICE_FILTERED:
    counter->filtered++;
    break;
  }
}

/* Spreads numbers that are handed out in sequence over 32 bits. */
static __always_inline __u32 spread(__u64 number) {
  number ^= number >> 32;
  number *= 0x9e3779b97f4a7c15ULL;
  number ^= number >> 29;
  number *= 0xbf58476d1ce4e5b9ULL;
  return number >> 32;
}

#endif
