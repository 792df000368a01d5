// SPDX-License-Identifier: Apache-2.0
//
// Many entries for each system call.

#include "bench.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int map;
static uint32_t size, place;
static uint64_t *keys, *read_keys, sum;
static struct value *values, *read_values;

static uint32_t part(void) {
  uint32_t left = scaled(ENTRIES) - place;
  return left < size ? left : size;
}

static uint32_t update(void) {
  uint32_t count = part();
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  if (bpf_map_update_batch(map, keys + place, values + place, &count, &options) != 0)
    die("update batch");
  place += count;
  return count;
}

static uint32_t delete (void) {
  uint32_t count = part();
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  if (bpf_map_delete_batch(map, keys + place, &count, &options) != 0)
    die("delete batch");
  place += count;
  return count;
}

static uint32_t lookup(void) {
  uint32_t position = 0, total = 0;
  for (bool is_first = true;; is_first = false) {
    uint32_t count = size, next;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    int status =
        bpf_map_lookup_batch(map, is_first ? NULL : &position, &next, read_keys, read_values, &count, &options);
    if (status != 0 && status != -2)
      die("lookup batch");
    for (uint32_t entry = 0; entry < count; entry++)
      sum += read_keys[entry] + read_values[entry].first;
    total += count;
    if (status == -2)
      break;
    position = next;
  }
  if (total != scaled(ENTRIES))
    die("entries are missing");
  return total;
}

static void run(const char *group, const char *op, uint32_t (*body)(void)) {
  struct measurement it = measure(group, op, ENTRIES * 10 / size + 1);
  for (place = 0; place < scaled(ENTRIES);)
    measure_call(&it, body);
  report(&it, "");
}

void batch(uint32_t entries) {
  size = entries;
  uint32_t count = scaled(ENTRIES);
  keys = malloc(count * sizeof *keys);
  values = malloc(count * sizeof *values);
  read_keys = malloc(size * sizeof *read_keys);
  read_values = malloc(size * sizeof *read_values);
  if (keys == NULL || values == NULL || read_keys == NULL || read_values == NULL)
    die("no memory");
  for (uint32_t number = 0; number < count; number++) {
    keys[number] = key8(number);
    values[number] = value(number);
  }
  map = make_map(BPF_MAP_TYPE_HASH, "batch", 8, sizeof(struct value), 0);
  char group[32];
  snprintf(group, sizeof group, "batch%u", entries);
  run(group, "update", update);
  struct measurement it = measure(group, "lookup", 10);
  for (int pass = 0; pass < 10; pass++)
    measure_call(&it, lookup);
  report(&it, "");
  run(group, "delete", delete);
  close(map);
  free(keys);
  free(values);
  free(read_keys);
  free(read_values);
}
