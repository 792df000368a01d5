/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "service_traffic.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int traffic_pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : -errno;
}

static struct sockaddr_in peer(uint32_t address, uint16_t port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = address};
  return name;
}

int traffic_listen(uint16_t port, int is_udp) {
  int descriptor = socket(AF_INET, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -errno;
  int one = 1;
  struct sockaddr_in name = peer(INADDR_ANY, htons(port));
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if ((is_udp && setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) != 0) ||
      bind(descriptor, (struct sockaddr *)&name, sizeof(name)) != 0 || (!is_udp && listen(descriptor, 128) != 0)) {
    int failure = -errno;
    close(descriptor);
    return failure;
  }
  return descriptor;
}

/* Reads a whole message; 0 at the end, -1 with errno. */
static int read_all(int descriptor, char *bytes) {
  size_t have = 0;
  while (have < TRAFFIC_BYTES) {
    ssize_t count = recv(descriptor, bytes + have, TRAFFIC_BYTES - have, 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return (int)count;
    have += (size_t)count;
  }
  return 1;
}

static int is_lasting(int failure) {
  return failure != EINTR && failure != ECONNABORTED && failure != EAGAIN && failure != ECONNREFUSED;
}

int traffic_serve_tcp(int listener) {
  char bytes[TRAFFIC_BYTES];
  for (;;) {
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
      /* EINVAL: shut down. */
      if (is_lasting(errno))
        return errno == EINVAL ? 0 : -errno;
      continue;
    }
    int one = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    while (read_all(connection, bytes) == 1)
      if (send(connection, bytes, TRAFFIC_BYTES, MSG_NOSIGNAL) < 0 || bytes[0] == 'c')
        break;
    close(connection);
  }
}

int traffic_serve_udp(int socket) {
  char bytes[TRAFFIC_BYTES], control[64];
  struct sockaddr_in name;
  for (;;) {
    struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof(name),
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t count = recvmsg(socket, &message, 0);
    if (count == 0)
      return 0;
    if (count < 0) {
      if (is_lasting(errno))
        return -errno;
      continue;
    }
    /* What was received says which address and link to answer from. */
    vector.iov_len = (size_t)count;
    message.msg_flags = 0;
    sendmsg(socket, &message, MSG_NOSIGNAL);
  }
}

void traffic_stop(int socket) {
  shutdown(socket, SHUT_RDWR);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A socket that waits two seconds for an answer; for that of a handshake the namespace's tcp_syn_retries decides. */
static int client(int type) {
  struct timeval patience = {.tv_sec = 2};
  int descriptor = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return -errno;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return descriptor;
}

static int failure(void) {
  return errno == EAGAIN || errno == EINPROGRESS || errno == 0 ? -ETIMEDOUT : -errno;
}

static int exchange(int descriptor, char first) {
  char bytes[TRAFFIC_BYTES] = {first};
  errno = 0;
  if (send(descriptor, bytes, TRAFFIC_BYTES, MSG_NOSIGNAL) != TRAFFIC_BYTES)
    return failure();
  int result = read_all(descriptor, bytes);
  if (result == 0)
    return -ECONNRESET;
  return result < 0 ? failure() : 0;
}

/* What is common to crr and udp: a socket for each operation. */
static int sockets(int type, uint32_t address, uint16_t port, int count, uint32_t *nanoseconds) {
  struct sockaddr_in name = peer(address, port);
  for (int place = 0; place < count; place++) {
    uint64_t before = now();
    int descriptor = client(type);
    if (descriptor < 0)
      return descriptor;
    errno = 0;
    int result = connect(descriptor, (struct sockaddr *)&name, sizeof(name)) == 0 ? 0 : failure();
    if (result == 0)
      result = exchange(descriptor, 'c');
    char rest;
    errno = 0;
    if (result == 0 && type == SOCK_STREAM && recv(descriptor, &rest, 1, 0) != 0)
      result = failure();
    close(descriptor);
    if (result != 0)
      return result;
    nanoseconds[place] = (uint32_t)(now() - before);
  }
  return 0;
}

int traffic_crr(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds) {
  return sockets(SOCK_STREAM, address, port, count, nanoseconds);
}

int traffic_udp(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds) {
  return sockets(SOCK_DGRAM, address, port, count, nanoseconds);
}

int traffic_rr(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds) {
  struct sockaddr_in name = peer(address, port);
  int descriptor = client(SOCK_STREAM);
  if (descriptor < 0)
    return descriptor;
  int one = 1, result;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  errno = 0;
  result = connect(descriptor, (struct sockaddr *)&name, sizeof(name)) == 0 ? 0 : failure();
  for (int place = 0; place < count && result == 0; place++) {
    uint64_t before = now();
    result = exchange(descriptor, 'k');
    nanoseconds[place] = (uint32_t)(now() - before);
  }
  close(descriptor);
  return result;
}

int traffic_flows(uint32_t source, uint32_t address, uint16_t port, int count) {
  /* The kernel fills in the header's checksum and identification; the datagram's may be absent. */
  struct {
    struct iphdr ip;
    struct udphdr udp;
  } packet = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .daddr = address},
              .udp = {.dest = port, .len = htons(sizeof(struct udphdr))}};
  packet.ip.tot_len = htons(sizeof(packet));
  struct sockaddr_in name = peer(address, 0);
  int result = 0, descriptor = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (descriptor < 0)
    return -errno;
  for (int place = 0; place < count && result == 0; place++) {
    packet.ip.saddr = htonl(source + (uint32_t)place / TRAFFIC_PORTS);
    packet.udp.source = htons((uint16_t)(TRAFFIC_FIRST_PORT + place % TRAFFIC_PORTS));
    if (sendto(descriptor, &packet, sizeof(packet), 0, (struct sockaddr *)&name, sizeof(name)) < 0)
      result = -errno;
  }
  close(descriptor);
  return result;
}
