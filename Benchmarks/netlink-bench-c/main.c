// SPDX-License-Identifier: Apache-2.0
//
// netlink-bench-c: the floor under netlink-bench. The same operations in C on libmnl, as fast as they go: one socket,
// buffers that are reused, no object on the heap that need not be there.
//
// It does the work that netlink-bench does: sequence, port and sender are checked, and every attribute of a dumped
// object is read into a structure with the fields that NetlinkKit's values have.

#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char *group;

static bool wanted(const char *name) {
  return group == NULL || strcmp(group, name) == 0;
}

static void measure_routes(void) {
  uint32_t count = scaled(10000);
  measure("route.add", count, route_add);
  measure_dumps("route.dump", sizeof(struct route), count, 20, dump_routes, NULL);
  measure("route.del", count, route_del);
  measure_batches("route.add_batch", count, route_add_batch);
  measure_batches("route.del_batch", count, route_del_batch);
}

static void measure_neighbours(void) {
  uint32_t count = scaled(5000);
  measure("neigh.add", count, neigh_add);
  measure("neigh.del", count, neigh_del);
}

static void measure_links(void) {
  uint32_t pairs = scaled(500);
  measure("veth.add", pairs, veth_add);
  veth_indexes = malloc(pairs * sizeof *veth_indexes);
  if (veth_indexes == NULL)
    die("malloc");
  for (uint32_t number = 0; number < pairs; number++) {
    char name[IFNAMSIZ];
    snprintf(name, sizeof name, "a%" PRIu32, number);
    veth_indexes[number] = if_nametoindex(name);
  }
  measure_dumps("link.dump", sizeof(struct link), 2 * (size_t)pairs, 20, dump_links, release_links);
  measure("veth.del", pairs, veth_del);
  free(veth_indexes);
}

int main(int argc, char **argv) {
  for (int place = 1; place < argc; place++) {
    if (strcmp(argv[place], "--scale") == 0 && place + 1 < argc) {
      scale = strtod(argv[++place], NULL);
    } else if (strcmp(argv[place], "--group") == 0 && place + 1 < argc) {
      group = argv[++place];
    } else {
      fprintf(stderr, "usage: netlink-bench-c [--scale FACTOR] [--group route|neigh|link]\n");
      return strcmp(argv[place], "--help") == 0 ? 0 : 2;
    }
  }
  if (scale <= 0 || scale > 10) {
    fprintf(stderr, "netlink-bench-c: --scale must be above 0 and at most 10\n");
    return 2;
  }
  if (unshare(CLONE_NEWNET) != 0)
    die("unshare(CLONE_NEWNET) needs CAP_SYS_ADMIN");
  open_connection();
  put_veth("v0", "v1");
  interface = if_nametoindex("v0");
  link_up(interface);
  link_up(if_nametoindex("v1"));

  if (wanted("route"))
    measure_routes();
  if (wanted("neigh"))
    measure_neighbours();
  if (wanted("link"))
    measure_links();
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"op\":\"peak_rss\",\"value\":%ld,\"unit\":\"KiB\"}\n", usage.ru_maxrss);
  close_connection();
  return 0;
}
