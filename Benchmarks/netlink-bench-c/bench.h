// SPDX-License-Identifier: Apache-2.0
#ifndef TERWAYKIT_NETLINK_BENCH_C_H
#define TERWAYKIT_NETLINK_BENCH_C_H

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BATCH 125
#define CHUNK 25

// connection.c

// The request that is being written; only one is under way.
#define SEND_BUFFER (32 << 10)
extern char send_buffer[SEND_BUFFER];
extern uint32_t sequence;

_Noreturn void die(const char *what);
void open_connection(void);
void close_connection(void);
// Starts a message at `place`, with the next sequence number.
struct nlmsghdr *begin(char *place, uint16_t type, uint16_t flags);
void send_bytes(size_t length);
// Takes messages until the request `first`...`last` is through; returns the first error of the kernel, 0 if there was
// none. `each` gets the objects.
int receive(uint32_t first, uint32_t last, void (*each)(const struct nlmsghdr *, void *), void *context);
// Sends the one request and waits for its acknowledgement.
void transact(struct nlmsghdr *message);

// requests.c

// The link that routes and neighbours are on.
extern uint32_t interface;
extern uint32_t *veth_indexes;

void route_add(uint32_t number);
void route_del(uint32_t number);
void route_add_batch(uint32_t start, uint32_t count);
void route_del_batch(uint32_t start, uint32_t count);
void neigh_add(uint32_t number);
void neigh_del(uint32_t number);
void put_veth(const char *name, const char *peer);
void veth_add(uint32_t number);
void veth_del(uint32_t number);
void link_up(uint32_t index);

// listings.c

struct address {
  uint8_t bytes[16];
  uint8_t family;
};

struct route {
  struct address destination, gateway, source;
  uint32_t interface, table, priority, flags;
  uint8_t family, length, scope, type, protocol;
  bool has_priority;
};

struct link {
  uint32_t index, mtu, flags, parent, master;
  int32_t parent_namespace;
  uint16_t hardware_type;
  uint8_t state, address[6];
  char name[IFNAMSIZ], kind[16], *alias;
  struct rtnl_link_stats64 statistics;
  // What has no field, as it came.
  char *others;
  size_t others_length;
};

struct list {
  void *elements;
  size_t count, capacity, size;
};

void dump_routes(struct list *list);
void dump_links(struct list *list);
void release_links(struct list *list);

// measure.c

// Factor on the number of objects.
extern double scale;

uint32_t scaled(uint32_t count);
void measure(const char *op, uint32_t count, void (*body)(uint32_t));
void measure_batches(const char *op, uint32_t count, void (*body)(uint32_t, uint32_t));
void measure_dumps(const char *op, size_t size, size_t least, int rounds, void (*body)(struct list *),
                   void (*release)(struct list *));

#endif
