// SPDX-License-Identifier: Apache-2.0
//
// The socket: one, opened once, and the buffers that all requests share.

#include "bench.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_BUFFER (64 << 10)

static struct mnl_socket *connection;
static uint32_t port;
uint32_t sequence;
static _Alignas(16) char receive_buffer[RECEIVE_BUFFER];
_Alignas(16) char send_buffer[SEND_BUFFER];

_Noreturn void die(const char *what) {
  fprintf(stderr, "netlink-bench-c: %s: %s\n", what, strerror(errno));
  exit(1);
}

void open_connection(void) {
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
}

void close_connection(void) {
  mnl_socket_close(connection);
}

int receive(uint32_t first, uint32_t last, void (*each)(const struct nlmsghdr *, void *), void *context) {
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

void send_bytes(size_t length) {
  if (mnl_socket_sendto(connection, send_buffer, length) != (ssize_t)length)
    die("sendto");
}

void transact(struct nlmsghdr *message) {
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, NULL, NULL);
  if (errno != 0)
    die("the kernel refused");
}

struct nlmsghdr *begin(char *place, uint16_t type, uint16_t flags) {
  struct nlmsghdr *message = mnl_nlmsg_put_header(place);
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  message->nlmsg_seq = ++sequence;
  return message;
}
