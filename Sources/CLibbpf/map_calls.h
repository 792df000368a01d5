/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLIBBPF_MAP_CALLS_H
#define TERWAYKIT_CLIBBPF_MAP_CALLS_H

/*
 * bpf(2) for one map element, or for one batch of them: what libbpf's functions of the same purpose do, without their
 * calls between libraries, and with no more of the argument struct written and copied than the command reads (the
 * kernel takes the rest as zero). Each returns 0 or the negative error number; errno stays as it was.
 */
#include "call.h"

/* The part of union bpf_attr that BPF_MAP_*_ELEM and BPF_MAP_GET_NEXT_KEY read. */
struct clibbpf_element {
  __u32 map;
  __u32 padding;
  __u64 key;
  __u64 value;
  __u64 flags;
};

static inline int clibbpf_map_look_up(int map, const void *key, void *value) {
  struct clibbpf_element element = {(__u32)map, 0, (__u64)key, (__u64)value, 0};
  return clibbpf_call(BPF_MAP_LOOKUP_ELEM, &element, 24);
}

static inline int clibbpf_map_take(int map, const void *key, void *value) {
  struct clibbpf_element element = {(__u32)map, 0, (__u64)key, (__u64)value, 0};
  return clibbpf_call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &element, 24);
}

static inline int clibbpf_map_update(int map, const void *key, const void *value, __u64 flags) {
  struct clibbpf_element element = {(__u32)map, 0, (__u64)key, (__u64)value, flags};
  return clibbpf_call(BPF_MAP_UPDATE_ELEM, &element, 32);
}

static inline int clibbpf_map_delete(int map, const void *key) {
  struct clibbpf_element element = {(__u32)map, 0, (__u64)key, 0, 0};
  return clibbpf_call(BPF_MAP_DELETE_ELEM, &element, 16);
}

static inline int clibbpf_map_next_key(int map, const void *key, void *next) {
  struct clibbpf_element element = {(__u32)map, 0, (__u64)key, (__u64)next, 0};
  return clibbpf_call(BPF_MAP_GET_NEXT_KEY, &element, 24);
}

/* `count` goes in as what the buffers hold, and comes out as what was transferred. */
static inline int clibbpf_map_batch(enum bpf_cmd command, int map, const void *from, void *next, const void *keys,
                                    const void *values, __u32 *count, __u64 element_flags) {
  struct {
    __u64 from, next, keys, values;
    __u32 count, map;
    __u64 element_flags, flags;
  } batch = {(__u64)from, (__u64)next, (__u64)keys, (__u64)values, *count, (__u32)map, element_flags, 0};
  int result = clibbpf_call(command, &batch, sizeof batch);
  *count = batch.count;
  return result;
}

#endif
