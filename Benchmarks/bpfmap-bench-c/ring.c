// SPDX-License-Identifier: Apache-2.0
//
// The ring buffer, filled by the very program that bpfmap-bench loads.

#include "bench.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RECORD_LIMIT 50000

enum { WRITTEN, LOST, BEGAN, INTERVAL };

struct record {
  uint64_t sequence;
  uint64_t fill[7];
};

static int program, state;
static struct ring_buffer *reader;
static uint64_t sum, received;

static int take(void *context, void *data, size_t length) {
  (void)context;
  if (length != sizeof(struct record))
    die("a record of another size");
  sum += ((struct record *)data)->sequence;
  received++;
  return 0;
}

static void set(uint32_t slot, uint64_t number) {
  if (bpf_map_update_elem(state, &slot, &number, BPF_ANY) != 0)
    die("state");
}

static uint64_t get(uint32_t slot) {
  uint64_t number;
  if (bpf_map_lookup_elem(state, &slot, &number) != 0)
    die("state");
  return number;
}

static void reset(uint64_t records_per_second) {
  set(WRITTEN, 0);
  set(LOST, 0);
  set(BEGAN, 0);
  set(INTERVAL, records_per_second ? 1024000000000 / records_per_second : 0);
}

static void write_records(uint32_t count) {
  static const char packet[60];
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof packet, .repeat = count);
  if (bpf_prog_test_run_opts(program, &options) != 0)
    die("test run");
}

// A full ring, emptied.

static uint32_t consume(void) {
  received = 0;
  ring_buffer__consume(reader);
  if (received != RECORD_LIMIT)
    die("records are missing");
  return received;
}

static void consumption(const char *op) {
  struct measurement it = measure("ring", op, 20);
  for (int pass = 0; pass < 20; pass++) {
    reset(0);
    write_records(RECORD_LIMIT);
    measure_call(&it, consume);
  }
  report(&it, "");
}

// A writer that does not wait.

static _Atomic bool is_stopped;

static void *write_until_stopped(void *context) {
  (void)context;
  while (!is_stopped)
    write_records(20000);
  return NULL;
}

struct outcome {
  uint64_t written, lost, received;
  double cpu, wall;
};

static struct outcome sustain(uint64_t records_per_second, double microseconds) {
  pthread_t writer;
  reset(records_per_second);
  received = 0;
  is_stopped = false;
  double began = now_wall(), cpu = now_thread();
  if (pthread_create(&writer, NULL, write_until_stopped, NULL) != 0)
    die("thread");
  while (now_wall() - began < microseconds)
    ring_buffer__poll(reader, 10);
  double wall = now_wall() - began;
  is_stopped = true;
  while (ring_buffer__poll(reader, 100) > 0)
    ;
  pthread_join(writer, NULL);
  ring_buffer__consume(reader);
  return (struct outcome){get(WRITTEN), get(LOST), received, now_thread() - cpu, wall};
}

static void sustained(const char *op) {
  struct measurement it = measure("ring", op, 1);
  struct outcome outcome = sustain(1000000, 1e6);
  if (outcome.received != outcome.written)
    die("records are missing");
  measure_add(&it, outcome.received, outcome.cpu, outcome.wall);
  char more[64];
  snprintf(more, sizeof more, ",\"lost\":%" PRIu64, outcome.lost);
  report(&it, more);
}

// The highest rate that was held without loss in one of three tries, found by halving; 0 asks the program to write as
// fast as it can. Rates are in records for each microsecond.

static bool is_held(double rate) {
  for (int attempt = 0; attempt < 3; attempt++) {
    struct outcome outcome = sustain((uint64_t)(rate * 1e6), 2e5);
    if (outcome.lost == 0 && outcome.written / outcome.wall > rate * 0.9)
      return true;
  }
  return false;
}

static void limit(const char *op) {
  double low = 0, high = 0;
  for (int attempt = 0; attempt < 3; attempt++) {
    struct outcome outcome = sustain(0, 2e5);
    double rate = outcome.written / outcome.wall;
    high = rate > high ? rate : high;
    if (outcome.lost == 0)
      low = rate > low ? rate : low;
  }
  bool is_writers = low > 0;
  for (int step = 0; step < 6 && !is_writers; step++) {
    double middle = (low + high) / 2;
    if (is_held(middle))
      low = middle;
    else
      high = middle;
  }
  printf("{\"op\":\"ring.%s\",\"value\":%.0f,\"unit\":\"records/s\",\"limited_by\":\"%s\"}\n", op, low * 1e6,
         is_writers ? "program" : "loss");
  fflush(stdout);
}

void ring(const char *file) {
  struct bpf_object *object = bpf_object__open_file(file, NULL);
  if (object == NULL || bpf_object__load(object) != 0)
    die(file);
  program = bpf_program__fd(bpf_object__find_program_by_name(object, "ring_write"));
  state = bpf_object__find_map_fd_by_name(object, "state");
  reader = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "ring"), take, NULL, NULL);
  if (reader == NULL)
    die("ring");
  // All of bpfmap-bench's ways to read have the same floor.
  consumption("consume");
  consumption("consume_async");
  sustained("sustain");
  sustained("sustain_async");
  sustained("sustain_gather");
  limit("limit");
  limit("limit_async");
  limit("limit_gather");
  ring_buffer__free(reader);
  bpf_object__close(object);
}
