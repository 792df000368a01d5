// SPDX-License-Identifier: Apache-2.0

#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

double now_wall(void) {
  return now(CLOCK_MONOTONIC);
}

double now_process(void) {
  return now(CLOCK_PROCESS_CPUTIME_ID);
}

double now_thread(void) {
  return now(CLOCK_THREAD_CPUTIME_ID);
}

struct measurement measure(const char *group, const char *op, unsigned chunks) {
  char *name = malloc(64);
  struct measurement made = {.op = name, .chunks = malloc(chunks * sizeof(double)), .chunk_capacity = chunks};
  if (name == NULL || made.chunks == NULL)
    die("no memory");
  snprintf(name, 64, "%s.%s", group, op);
  return made;
}

static void add_chunk(struct measurement *it, double took) {
  if (it->chunk_count < it->chunk_capacity)
    it->chunks[it->chunk_count++] = took;
}

void measure_loop(struct measurement *it, uint32_t count, void (*body)(uint32_t)) {
  double cpu = now_process(), wall = now_wall();
  for (uint32_t place = 0; place < count;) {
    double before = now_wall();
    uint32_t end = place + CHUNK < count ? place + CHUNK : count;
    uint32_t done = end - place;
    for (; place < end; place++)
      body(place);
    if (done == CHUNK || count < CHUNK)
      add_chunk(it, (now_wall() - before) / done);
  }
  it->wall += now_wall() - wall;
  it->cpu += now_process() - cpu;
  it->objects += count;
}

void measure_call(struct measurement *it, uint32_t (*body)(void)) {
  double cpu = now_process(), wall = now_wall();
  uint32_t count = body();
  double took = now_wall() - wall;
  it->cpu += now_process() - cpu;
  it->wall += took;
  it->objects += count;
  add_chunk(it, took / count);
}

void measure_add(struct measurement *it, uint64_t count, double cpu, double wall) {
  it->cpu += cpu;
  it->wall += wall;
  it->objects += count;
  add_chunk(it, wall / (count ? count : 1));
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

void report(struct measurement *it, const char *more) {
  qsort(it->chunks, it->chunk_count, sizeof(double), compare);
  double median = it->chunk_count ? it->chunks[it->chunk_count / 2] : 0;
  double count = it->objects ? it->objects : 1;
  printf("{\"op\":\"%s\",\"value\":%.4f,\"unit\":\"ns/op\",\"n\":%" PRIu64 ",\"cpu\":%.4f,\"mean\":%.4f%s}\n", it->op,
         median * 1e3, it->objects, it->cpu / count * 1e3, it->wall / count * 1e3, more);
  fflush(stdout);
  free(it->chunks);
  free((void *)it->op);
}
