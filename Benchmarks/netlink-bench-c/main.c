// SPDX-License-Identifier: Apache-2.0
//
// netlink-bench-c: the floor under netlink-bench. The same operations in C on libmnl, as fast as they go: one socket,
// buffers that are reused, no object on the heap that need not be there.
//
// It does the work that netlink-bench does: sequence, port and sender are checked, and every attribute of a dumped
// object is read into a structure with the fields that NetlinkKit's values have.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_BUFFER (64 << 10)
#define SEND_BUFFER    (32 << 10)
#define BATCH          125
#define CHUNK          25

static struct mnl_socket *connection;
static uint32_t port, sequence;
static _Alignas(16) char receive_buffer[RECEIVE_BUFFER];
static _Alignas(16) char send_buffer[SEND_BUFFER];
static double scale = 1;
static const char *group;

static void die(const char *what) {
  fprintf(stderr, "netlink-bench-c: %s: %s\n", what, strerror(errno));
  exit(1);
}

// Receiving

// Takes messages until the request `first`...`last` is through; returns the first error of the kernel, 0 if there was
// none. `each` gets the objects.
static int receive(uint32_t first, uint32_t last, void (*each)(const struct nlmsghdr *, void *), void *context) {
  int failure = 0;
  int descriptor = mnl_socket_get_fd(connection);
  for (;;) {
    struct sockaddr_nl sender;
    socklen_t size = sizeof sender;
    ssize_t length = recvfrom(descriptor, receive_buffer, RECEIVE_BUFFER, MSG_TRUNC, (struct sockaddr *)&sender, &size);
    if (length < 0)
      die("recvfrom");
    if (sender.nl_pid != 0)
      continue;
    if (length > RECEIVE_BUFFER) {
      errno = EMSGSIZE;
      die("recvfrom");
    }
    int left = (int)length;
    for (const struct nlmsghdr *message = (void *)receive_buffer; mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_pid != port || message->nlmsg_seq - first > last - first) {
        errno = EPROTO;
        die("a reply that answers no request");
      }
      switch (message->nlmsg_type) {
      case NLMSG_ERROR: {
        const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
        if (error->error != 0 && failure == 0)
          failure = -error->error;
        if (message->nlmsg_seq == last)
          return failure;
        break;
      }
      case NLMSG_DONE:
        return failure;
      case NLMSG_NOOP:
        break;
      default:
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
          failure = EINTR;
        if (each != NULL)
          each(message, context);
      }
    }
  }
}

static void send_bytes(size_t length) {
  if (mnl_socket_sendto(connection, send_buffer, length) != (ssize_t)length)
    die("sendto");
}

static void transact(struct nlmsghdr *message) {
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, NULL, NULL);
  if (errno != 0)
    die("the kernel refused");
}

static struct nlmsghdr *begin(char *place, uint16_t type, uint16_t flags) {
  struct nlmsghdr *message = mnl_nlmsg_put_header(place);
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  message->nlmsg_seq = ++sequence;
  return message;
}

// Requests

static uint32_t interface;

static struct nlmsghdr *put_route(char *place, uint16_t type, uint16_t flags, uint32_t number) {
  struct nlmsghdr *message = begin(place, type, flags);
  struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->rtm_family = AF_INET;
  header->rtm_dst_len = 32;
  header->rtm_table = RT_TABLE_MAIN;
  header->rtm_protocol = RTPROT_STATIC;
  header->rtm_scope = RT_SCOPE_LINK;
  header->rtm_type = RTN_UNICAST;
  mnl_attr_put_u32(message, RTA_DST, htonl(0x0a000000 + number));
  mnl_attr_put_u32(message, RTA_OIF, interface);
  mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_MAIN);
  return message;
}

static void route_add(uint32_t number) {
  transact(put_route(send_buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, number));
}

static void route_del(uint32_t number) {
  transact(put_route(send_buffer, RTM_DELROUTE, NLM_F_ACK, number));
}

static struct nlmsghdr *put_neighbour(uint16_t type, uint16_t flags, uint32_t number) {
  struct nlmsghdr *message = begin(send_buffer, type, flags | NLM_F_ACK);
  struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->ndm_family = AF_INET;
  header->ndm_ifindex = (int)interface;
  header->ndm_state = type == RTM_NEWNEIGH ? NUD_PERMANENT : 0;
  mnl_attr_put_u32(message, NDA_DST, htonl(0x0b000000 + number));
  if (type == RTM_NEWNEIGH) {
    uint8_t address[6] = {2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number};
    mnl_attr_put(message, NDA_LLADDR, sizeof address, address);
  }
  return message;
}

static void neigh_add(uint32_t number) {
  transact(put_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, number));
}
static void neigh_del(uint32_t number) {
  transact(put_neighbour(RTM_DELNEIGH, 0, number));
}

static void put_veth(const char *name, const char *peer) {
  struct nlmsghdr *message = begin(send_buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
  mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
  mnl_attr_put_strz(message, IFLA_IFNAME, name);
  struct nlattr *information = mnl_attr_nest_start(message, IFLA_LINKINFO);
  mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
  struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
  struct nlattr *other = mnl_attr_nest_start(message, VETH_INFO_PEER);
  mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
  mnl_attr_put_strz(message, IFLA_IFNAME, peer);
  mnl_attr_nest_end(message, other);
  mnl_attr_nest_end(message, data);
  mnl_attr_nest_end(message, information);
  transact(message);
}

static void veth_add(uint32_t number) {
  char name[IFNAMSIZ], peer[IFNAMSIZ];
  snprintf(name, sizeof name, "a%" PRIu32, number);
  snprintf(peer, sizeof peer, "b%" PRIu32, number);
  put_veth(name, peer);
}

static void link_remove(uint32_t index) {
  struct nlmsghdr *message = begin(send_buffer, RTM_DELLINK, NLM_F_ACK);
  struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->ifi_index = (int)index;
  transact(message);
}

static uint32_t *veth_indexes;

static void veth_del(uint32_t number) {
  link_remove(veth_indexes[number]);
}

static void link_up(uint32_t index) {
  struct nlmsghdr *message = begin(send_buffer, RTM_NEWLINK, NLM_F_ACK);
  struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->ifi_index = (int)index;
  header->ifi_flags = header->ifi_change = IFF_UP;
  transact(message);
}

// Batches: only the last request asks for an answer; the kernel always says what it refuses.
static void route_batch(uint16_t type, uint16_t flags, uint32_t start, uint32_t count) {
  uint32_t first = sequence + 1;
  size_t length = 0;
  struct nlmsghdr *message = NULL;
  for (uint32_t number = start; number < start + count; number++) {
    message = put_route(send_buffer + length, type, flags, number);
    length += MNL_ALIGN(message->nlmsg_len);
  }
  message->nlmsg_flags |= NLM_F_ACK;
  send_bytes(length);
  errno = receive(first, sequence, NULL, NULL);
  if (errno != 0)
    die("the kernel refused");
}

static void route_add_batch(uint32_t start, uint32_t count) {
  route_batch(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, start, count);
}

static void route_del_batch(uint32_t start, uint32_t count) {
  route_batch(RTM_DELROUTE, 0, start, count);
}

// Dumps

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

static void *append(struct list *list) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    list->elements = realloc(list->elements, list->capacity * list->size);
    if (list->elements == NULL)
      die("realloc");
  }
  return (char *)list->elements + list->size * list->count++;
}

static void read_address(struct address *address, const struct nlattr *attribute, uint8_t family) {
  address->family = family;
  size_t length = mnl_attr_get_payload_len(attribute);
  if (length != (family == AF_INET ? 4 : 16)) {
    errno = EPROTO;
    die("an address of another width");
  }
  memcpy(address->bytes, mnl_attr_get_payload(attribute), length);
}

static uint32_t read_u32(const struct nlattr *attribute) {
  if (mnl_attr_get_payload_len(attribute) != 4) {
    errno = EPROTO;
    die("an attribute of another width");
  }
  return mnl_attr_get_u32(attribute);
}

static void read_route(const struct nlmsghdr *message, void *context) {
  if (message->nlmsg_type != RTM_NEWROUTE)
    return;
  const struct rtmsg *header = mnl_nlmsg_get_payload(message);
  if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)
    return;
  struct route *route = append(context);
  memset(route, 0, sizeof *route);
  route->family = header->rtm_family;
  route->length = header->rtm_dst_len;
  route->scope = header->rtm_scope;
  route->type = header->rtm_type;
  route->protocol = header->rtm_protocol;
  route->table = header->rtm_table;
  route->flags = header->rtm_flags;
  const struct nlattr *attribute;
  mnl_attr_for_each(attribute, message, sizeof *header) {
    switch (mnl_attr_get_type(attribute)) {
    case RTA_DST:
      read_address(&route->destination, attribute, header->rtm_family);
      break;
    case RTA_GATEWAY:
      read_address(&route->gateway, attribute, header->rtm_family);
      break;
    case RTA_PREFSRC:
      read_address(&route->source, attribute, header->rtm_family);
      break;
    case RTA_OIF:
      route->interface = read_u32(attribute);
      break;
    case RTA_TABLE:
      route->table = read_u32(attribute);
      break;
    case RTA_PRIORITY:
      route->priority = read_u32(attribute);
      route->has_priority = true;
      break;
    }
  }
}

static void keep(struct link *link, const struct nlattr *attribute, size_t room) {
  if (link->others == NULL && (link->others = malloc(room)) == NULL)
    die("malloc");
  size_t length = MNL_ALIGN(attribute->nla_len);
  memcpy(link->others + link->others_length, attribute, length);
  link->others_length += length;
}

static void copy_text(char *text, size_t size, const struct nlattr *attribute) {
  size_t length = mnl_attr_get_payload_len(attribute);
  if (length > size)
    length = size;
  memcpy(text, mnl_attr_get_payload(attribute), length);
  text[size - 1] = 0;
}

static void read_link(const struct nlmsghdr *message, void *context) {
  if (message->nlmsg_type != RTM_NEWLINK)
    return;
  const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
  struct link *link = append(context);
  memset(link, 0, sizeof *link);
  link->index = (uint32_t)header->ifi_index;
  link->flags = header->ifi_flags;
  link->hardware_type = header->ifi_type;
  size_t room = message->nlmsg_len;
  const struct nlattr *attribute, *nested;
  mnl_attr_for_each(attribute, message, sizeof *header) {
    switch (mnl_attr_get_type(attribute)) {
    case IFLA_IFNAME:
      copy_text(link->name, sizeof link->name, attribute);
      break;
    case IFLA_MTU:
      link->mtu = read_u32(attribute);
      break;
    case IFLA_ADDRESS:
      if (mnl_attr_get_payload_len(attribute) == 6)
        memcpy(link->address, mnl_attr_get_payload(attribute), 6);
      break;
    case IFLA_IFALIAS:
      link->alias = strdup(mnl_attr_get_str(attribute));
      break;
    case IFLA_LINK:
      link->parent = read_u32(attribute);
      break;
    case IFLA_LINK_NETNSID:
      link->parent_namespace = (int32_t)read_u32(attribute);
      break;
    case IFLA_MASTER:
      link->master = read_u32(attribute);
      break;
    case IFLA_OPERSTATE:
      link->state = mnl_attr_get_u8(attribute);
      break;
    case IFLA_STATS64:
      memcpy(&link->statistics, mnl_attr_get_payload(attribute),
             mnl_attr_get_payload_len(attribute) < sizeof link->statistics ? mnl_attr_get_payload_len(attribute)
                                                                           : sizeof link->statistics);
      break;
    case IFLA_STATS:
      break;
    case IFLA_LINKINFO:
      mnl_attr_for_each_nested(nested, attribute) {
        if (mnl_attr_get_type(nested) == IFLA_INFO_KIND) {
          copy_text(link->kind, sizeof link->kind, nested);
        } else {
          keep(link, nested, room);
        }
      }
      break;
    default:
      keep(link, attribute, room);
    }
  }
}

static void release_links(struct list *list) {
  for (size_t place = 0; place < list->count; place++) {
    struct link *link = (struct link *)list->elements + place;
    free(link->others);
    free(link->alias);
  }
}

static void dump_routes(struct list *list) {
  struct nlmsghdr *message = begin(send_buffer, RTM_GETROUTE, NLM_F_DUMP);
  struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->rtm_family = AF_INET;
  mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_MAIN);
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, read_route, list);
  if (errno != 0)
    die("list routes");
}

static void dump_links(struct list *list) {
  struct nlmsghdr *message = begin(send_buffer, RTM_GETLINK, NLM_F_DUMP);
  mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, read_link, list);
  if (errno != 0)
    die("list links");
}

// Measuring

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

static uint32_t scaled(uint32_t count) {
  uint32_t result = (uint32_t)((double)count * scale);
  return result < CHUNK ? CHUNK : result;
}

static void measure(const char *op, uint32_t count, void (*body)(uint32_t)) {
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

static void measure_batches(const char *op, uint32_t count, void (*body)(uint32_t, uint32_t)) {
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

static void measure_dumps(const char *op, size_t size, size_t least, int rounds, void (*body)(struct list *),
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
  connection = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  if (connection == NULL || mnl_socket_bind(connection, 0, MNL_SOCKET_AUTOPID) != 0)
    die("open the socket");
  port = mnl_socket_get_portid(connection);
  int on = 1;
  int options[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
  for (size_t place = 0; place < sizeof options / sizeof *options; place++) {
    if (mnl_socket_setsockopt(connection, options[place], &on, sizeof on) != 0)
      die("setsockopt");
  }
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
  mnl_socket_close(connection);
  return 0;
}
