/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "clinuxsystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

static int result(int value) { return value < 0 ? -errno : value; }

int clinuxsystem_unshare_network(void) { return result(unshare(CLONE_NEWNET)); }

int clinuxsystem_enter_network(int fd) { return result(setns(fd, CLONE_NEWNET)); }

int clinuxsystem_is_network_namespace(int fd) {
  int type = ioctl(fd, NS_GET_NSTYPE);
  return type < 0 ? -errno : type == CLONE_NEWNET;
}

int clinuxsystem_open(const char *path, int flags, unsigned mode) { return result(open(path, flags | O_CLOEXEC, mode)); }

int clinuxsystem_duplicate(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

int clinuxsystem_name_thread(const char *name) { return result(prctl(PR_SET_NAME, name, 0, 0, 0)); }
