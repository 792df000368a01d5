// SPDX-License-Identifier: Apache-2.0

#include "bench.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double scale = 1;

void die(const char *what) {
  fprintf(stderr, "bpfmap-bench-c: %s: %s\n", what, strerror(errno));
  exit(1);
}

uint32_t scaled(uint32_t count) {
  uint32_t result = (uint32_t)(count * scale);
  return result < CHUNK ? CHUNK : result;
}

int make_map(int type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t flags) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
  int map = bpf_map_create(type, name, key_size, value_size, scaled(ENTRIES), &options);
  if (map < 0)
    die(name);
  return map;
}

static void usage(void) {
  fprintf(stderr, "usage: bpfmap-bench-c [--scale N] [--group hash|percpu|lpm|array|batch|ring] [--object FILE]\n");
  exit(2);
}

int main(int count, char **arguments) {
  const char *group = NULL, *object = NULL;
  for (int place = 1; place < count; place += 2) {
    if (place + 1 == count)
      usage();
    if (strcmp(arguments[place], "--scale") == 0)
      scale = atof(arguments[place + 1]);
    else if (strcmp(arguments[place], "--group") == 0)
      group = arguments[place + 1];
    else if (strcmp(arguments[place], "--object") == 0)
      object = arguments[place + 1];
    else
      usage();
  }
  if (scale <= 0 || scale > 1)
    usage();
#define WANTED(NAME) (group == NULL || strcmp(group, NAME) == 0)
  if (WANTED("hash")) {
    hash8();
    hash40();
  }
  if (WANTED("percpu"))
    per_cpu();
  if (WANTED("lpm"))
    lpm();
  if (WANTED("array"))
    array();
  if (WANTED("batch")) {
    batch(100000);
    batch(1000);
  }
  if (WANTED("ring") && object != NULL)
    ring(object);
  else if (WANTED("ring"))
    fprintf(stderr, "bpfmap-bench-c: no ring without --object FILE (bpfmap-bench --print-object makes it)\n");
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"op\":\"peak_rss\",\"value\":%ld,\"unit\":\"KiB\"}\n", usage.ru_maxrss);
}
