/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLINUXSYSTEM_H
#define TERWAYKIT_CLINUXSYSTEM_H

#include "clinuxsystem_courier.h"

/*
 * Calls that Swift's importer cannot reach: _GNU_SOURCE prototypes and variadics. Each returns 0 (or a descriptor), or
 * the negative errno: errno itself is never read across the language border.
 */

/* unshare(CLONE_NEWNET) on the calling thread. */
int clinuxsystem_unshare_network(void);

/* setns(fd, CLONE_NEWNET) on the calling thread. */
int clinuxsystem_enter_network(int fd);

/* ioctl(fd, NS_GET_NSTYPE): 1 for a network namespace, 0 for another kind. */
int clinuxsystem_is_network_namespace(int fd);

/* open(2) with O_CLOEXEC added. */
int clinuxsystem_open(const char *path, int flags, unsigned mode);

/* fcntl(fd, F_DUPFD_CLOEXEC, 0). */
int clinuxsystem_duplicate(int fd);

/* prctl(PR_SET_NAME): names the calling thread (at most 15 bytes are kept). */
int clinuxsystem_name_thread(const char *name);

/*
 * TUNSETIFF on an open /dev/net/tun. `name` has 16 bytes, ends with a zero byte and may be a pattern such as "tap%d";
 * it is overwritten with the device's.
 */
int clinuxsystem_tun_attach(int fd, char *name, unsigned short flags);

/* TUNSETPERSIST, 1 or 0. */
int clinuxsystem_tun_set_persistent(int fd, int is_persistent);

/* TUNSETOWNER and TUNSETGROUP. */
int clinuxsystem_tun_set_owner(int fd, unsigned user);
int clinuxsystem_tun_set_group(int fd, unsigned group);

/* if_nametoindex(3) in the calling thread's network namespace: 1 when a link has that name, else 0. */
int clinuxsystem_has_link(const char *name);

/*
 * One datagram to the peer that the socket is connected to, without waiting. The number of bytes sent.
 *
 * This and the next are the bare system calls: those of the C library are points where a thread can be cancelled, which
 * costs four atomic operations each, and which a thread that runs Swift must not be.
 */
long clinuxsystem_send(int fd, const void *bytes, unsigned long length);

/*
 * One datagram that is there already, from a netlink socket. Its real length, even beyond `capacity`, and in `port`,
 * unless that is NULL, the netlink port that sent it.
 */
long clinuxsystem_receive(int fd, void *bytes, unsigned long capacity, unsigned *port);

#endif
