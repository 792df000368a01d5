// SPDX-License-Identifier: Apache-2.0
//
// One system call for each operation.

#include "bench.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static int map;
static uint64_t sum;
static int cpus;
static struct value *cpu_values;

static void check(int status, const char *what) {
  if (status != 0)
    die(what);
}

// Hashes

#define HASH(NAME, KEY, KEY_OF)                                                                                        \
  static void NAME##_update(uint32_t number) {                                                                         \
    KEY key = KEY_OF(number);                                                                                          \
    struct value it = value(number);                                                                                   \
    check(bpf_map_update_elem(map, &key, &it, BPF_NOEXIST), #NAME ".update");                                          \
  }                                                                                                                    \
  static void NAME##_lookup(uint32_t number) {                                                                         \
    KEY key = KEY_OF(number);                                                                                          \
    struct value it;                                                                                                   \
    check(bpf_map_lookup_elem(map, &key, &it), #NAME ".lookup");                                                       \
    sum += it.first;                                                                                                   \
  }                                                                                                                    \
  static void NAME##_delete(uint32_t number) {                                                                         \
    KEY key = KEY_OF(number);                                                                                          \
    check(bpf_map_delete_elem(map, &key), #NAME ".delete");                                                            \
  }

#define HASH_REPLACE(NAME, KEY, KEY_OF)                                                                                \
  static void NAME##_replace(uint32_t number) {                                                                        \
    KEY key = KEY_OF(number);                                                                                          \
    struct value it = value(number + 1);                                                                               \
    check(bpf_map_update_elem(map, &key, &it, BPF_EXIST), #NAME ".replace");                                           \
  }

HASH(hash8, uint64_t, key8)
HASH_REPLACE(hash8, uint64_t, key8)
HASH(hash40, struct key40, key40)
HASH_REPLACE(hash40, struct key40, key40)
HASH(lpm, struct lpm_key, lpm_key)

static void loop(const char *group, const char *op, unsigned passes, void (*body)(uint32_t)) {
  struct measurement it = measure(group, op, passes * (ENTRIES / CHUNK + 1) * 10);
  for (unsigned pass = 0; pass < passes; pass++)
    measure_loop(&it, scaled(ENTRIES), body);
  report(&it, "");
}

// Reads all by batches, as many entries a call as the program's own iteration takes.

#define PAGE 4096

static size_t key_size, value_size;

static uint32_t iterate(void) {
  static _Alignas(16) char keys[PAGE * sizeof(struct key40)];
  static char *values;
  if (values == NULL && (values = aligned_alloc(16, PAGE * sizeof(struct value) * libbpf_num_possible_cpus())) == NULL)
    die("no memory");
  uint32_t position = 0, total = 0;
  for (bool is_first = true;; is_first = false) {
    uint32_t count = PAGE, next;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    int status = bpf_map_lookup_batch(map, is_first ? NULL : &position, &next, keys, values, &count, &options);
    if (status != 0 && status != -2)
      die("lookup batch");
    for (uint32_t place = 0; place < count; place++)
      sum += *(uint32_t *)(keys + place * key_size) + *(uint64_t *)(values + place * value_size);
    total += count;
    if (status == -2)
      break;
    position = next;
  }
  if (total != scaled(ENTRIES))
    die("entries are missing");
  return total;
}

static void iterations(const char *group, size_t key, size_t value) {
  key_size = key;
  value_size = value;
  struct measurement it = measure(group, "iterate", 10);
  for (int pass = 0; pass < 10; pass++)
    measure_call(&it, iterate);
  report(&it, "");
}

void hash8(void) {
  map = make_map(BPF_MAP_TYPE_HASH, "hash8", 8, sizeof(struct value), 0);
  loop("hash8", "update", 1, hash8_update);
  loop("hash8", "replace", 3, hash8_replace);
  loop("hash8", "lookup", 3, hash8_lookup);
  iterations("hash8", 8, sizeof(struct value));
  loop("hash8", "delete", 1, hash8_delete);
  close(map);
}

void hash40(void) {
  map = make_map(BPF_MAP_TYPE_HASH, "hash40", sizeof(struct key40), sizeof(struct value), 0);
  loop("hash40", "update", 1, hash40_update);
  loop("hash40", "replace", 3, hash40_replace);
  loop("hash40", "lookup", 3, hash40_lookup);
  iterations("hash40", sizeof(struct key40), sizeof(struct value));
  loop("hash40", "delete", 1, hash40_delete);
  close(map);
}

void lpm(void) {
  map = make_map(BPF_MAP_TYPE_LPM_TRIE, "lpm", sizeof(struct lpm_key), sizeof(struct value), BPF_F_NO_PREALLOC);
  loop("lpm", "update", 1, lpm_update);
  loop("lpm", "lookup", 3, lpm_lookup);
  loop("lpm", "delete", 1, lpm_delete);
  close(map);
}

// Arrays

static void array_update(uint32_t number) {
  struct value it = value(number);
  check(bpf_map_update_elem(map, &number, &it, BPF_ANY), "array.update");
}

static void array_lookup(uint32_t number) {
  struct value it;
  check(bpf_map_lookup_elem(map, &number, &it), "array.lookup");
  sum += it.first;
}

void array(void) {
  map = make_map(BPF_MAP_TYPE_ARRAY, "array", 4, sizeof(struct value), 0);
  loop("array", "update", 3, array_update);
  loop("array", "lookup", 3, array_lookup);
  close(map);
}

// A value for each CPU

static void per_cpu_write(uint32_t number, uint64_t flags, const char *what) {
  uint64_t key = key8(number);
  for (int cpu = 0; cpu < cpus; cpu++)
    cpu_values[cpu] = value(number + cpu);
  check(bpf_map_update_elem(map, &key, cpu_values, flags), what);
}

static void per_cpu_update(uint32_t number) {
  per_cpu_write(number, BPF_NOEXIST, "pcpu8.update");
}

static void per_cpu_replace(uint32_t number) {
  per_cpu_write(number, BPF_EXIST, "pcpu8.replace");
}

static void per_cpu_lookup(uint32_t number) {
  uint64_t key = key8(number);
  check(bpf_map_lookup_elem(map, &key, cpu_values), "pcpu8.lookup");
  for (int cpu = 0; cpu < cpus; cpu++)
    sum += cpu_values[cpu].first;
}

void per_cpu(void) {
  cpus = libbpf_num_possible_cpus();
  if (cpus <= 0 || (cpu_values = calloc(cpus, sizeof *cpu_values)) == NULL)
    die("possible CPUs");
  map = make_map(BPF_MAP_TYPE_PERCPU_HASH, "pcpu8", 8, sizeof(struct value), 0);
  loop("pcpu8", "update", 1, per_cpu_update);
  loop("pcpu8", "replace", 3, per_cpu_replace);
  loop("pcpu8", "lookup", 3, per_cpu_lookup);
  iterations("pcpu8", 8, sizeof(struct value) * cpus);
  loop("pcpu8", "delete", 1, hash8_delete);
  close(map);
}
