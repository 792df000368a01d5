// SPDX-License-Identifier: Apache-2.0
//
// Times chunks of an operation, and prints its line.

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double scale = 1;

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void report(const char *op, double *chunks, size_t chunk_count, size_t n, double cpu, double wall) {
  qsort(chunks, chunk_count, sizeof *chunks, ascending);
  printf("{\"op\":\"%s\",\"value\":%.4f,\"unit\":\"us/obj\",\"n\":%zu,\"cpu\":%.4f,\"mean\":%.4f}\n", op,
         chunks[chunk_count / 2], n, cpu / (double)n, wall / (double)n);
  fflush(stdout);
}

uint32_t scaled(uint32_t count) {
  uint32_t result = (uint32_t)((double)count * scale);
  return result < CHUNK ? CHUNK : result;
}

void measure(const char *op, uint32_t count, void (*body)(uint32_t)) {
  double chunks[count / CHUNK + 1];
  size_t chunk_count = 0;
  double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
  for (uint32_t start = 0; start < count; start += CHUNK) {
    uint32_t end = start + CHUNK < count ? start + CHUNK : count;
    double before = now(CLOCK_MONOTONIC);
    for (uint32_t number = start; number < end; number++)
      body(number);
    chunks[chunk_count++] = (now(CLOCK_MONOTONIC) - before) / (end - start);
  }
  report(op, chunks, chunk_count, count, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall);
}

void measure_batches(const char *op, uint32_t count, void (*body)(uint32_t, uint32_t)) {
  double chunks[count / BATCH + 1];
  size_t chunk_count = 0;
  double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
  for (uint32_t start = 0; start < count; start += BATCH) {
    uint32_t size = count - start < BATCH ? count - start : BATCH;
    double before = now(CLOCK_MONOTONIC);
    body(start, size);
    chunks[chunk_count++] = (now(CLOCK_MONOTONIC) - before) / size;
  }
  report(op, chunks, chunk_count, count, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, now(CLOCK_MONOTONIC) - wall);
}

void measure_dumps(const char *op, size_t size, size_t least, int rounds, void (*body)(struct list *),
                   void (*release)(struct list *)) {
  double chunks[rounds], cpu = 0, wall = 0;
  size_t objects = 0;
  for (int round = 0; round < rounds; round++) {
    struct list list = {.size = size};
    double cpu_before = now(CLOCK_PROCESS_CPUTIME_ID), before = now(CLOCK_MONOTONIC);
    body(&list);
    if (release != NULL)
      release(&list);
    free(list.elements);
    double took = now(CLOCK_MONOTONIC) - before;
    cpu += now(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
    wall += took;
    if (list.count < least) {
      errno = ENODATA;
      die("a listing is too short");
    }
    chunks[round] = took / (double)list.count;
    objects += list.count;
  }
  report(op, chunks, (size_t)rounds, objects, cpu, wall);
}
