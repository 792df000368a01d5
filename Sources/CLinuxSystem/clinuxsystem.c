/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "clinuxsystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(int value) {
  return value < 0 ? -errno : value;
}

int clinuxsystem_unshare_network(void) {
  return result(unshare(CLONE_NEWNET));
}

int clinuxsystem_enter_network(int fd) {
  return result(setns(fd, CLONE_NEWNET));
}

int clinuxsystem_is_network_namespace(int fd) {
  int type = ioctl(fd, NS_GET_NSTYPE);
  return type < 0 ? -errno : type == CLONE_NEWNET;
}

int clinuxsystem_open(const char *path, int flags, unsigned mode) {
  return result(open(path, flags | O_CLOEXEC, mode));
}

int clinuxsystem_duplicate(int fd) {
  return result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int clinuxsystem_name_thread(const char *name) {
  return result(prctl(PR_SET_NAME, name, 0, 0, 0));
}

int clinuxsystem_tun_attach(int fd, char *name, unsigned short flags) {
  struct ifreq request = {0};
  memcpy(request.ifr_name, name, IFNAMSIZ);
  request.ifr_name[IFNAMSIZ - 1] = 0;
  request.ifr_flags = (short)flags;
  int failure = result(ioctl(fd, TUNSETIFF, &request));
  memcpy(name, request.ifr_name, IFNAMSIZ);
  return failure;
}

int clinuxsystem_tun_set_persistent(int fd, int is_persistent) {
  return result(ioctl(fd, TUNSETPERSIST, (unsigned long)is_persistent));
}

int clinuxsystem_tun_set_owner(int fd, unsigned user) {
  return result(ioctl(fd, TUNSETOWNER, (unsigned long)user));
}

int clinuxsystem_tun_set_group(int fd, unsigned group) {
  return result(ioctl(fd, TUNSETGROUP, (unsigned long)group));
}

int clinuxsystem_has_link(const char *name) {
  return if_nametoindex(name) != 0;
}

long clinuxsystem_send(int fd, const void *bytes, unsigned long length) {
  long sent = syscall(SYS_sendto, fd, bytes, length, MSG_DONTWAIT, NULL, 0);
  return sent < 0 ? -errno : sent;
}

long clinuxsystem_receive(int fd, void *bytes, unsigned long capacity, unsigned *port) {
  struct sockaddr_nl sender = {0};
  socklen_t size = sizeof sender;
  int flags = MSG_DONTWAIT | MSG_TRUNC;
  long length = syscall(SYS_recvfrom, fd, bytes, capacity, flags, port ? &sender : NULL, port ? &size : NULL);
  if (port)
    *port = sender.nl_pid;
  return length < 0 ? -errno : length;
}
