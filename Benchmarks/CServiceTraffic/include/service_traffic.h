/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_SERVICE_TRAFFIC_H
#define TERWAYKIT_SERVICE_TRAFFIC_H

/*
 * A client and servers that do nothing but what is timed. In C because processor affinity and IP_PKTINFO are out of
 * Swift's reach, and so that no runtime is in the figures. Each returns 0 (or a descriptor), or the negative errno.
 */
#include <stdint.h>

/* Request and response have this many bytes. */
#define TRAFFIC_BYTES 64

/* Puts the calling thread on one processor. */
int traffic_pin(int processor);

/* A TCP socket that listens on all addresses of the calling thread's namespace, or a UDP socket bound there. */
int traffic_listen(uint16_t port, int is_udp);

/*
 * Answers connections, one at a time. A request that begins with 'c' is answered and the connection closed; any other
 * is answered, and the next read. Returns when the socket is shut down.
 */
int traffic_serve_tcp(int listener);

/* Answers datagrams from the address that they were sent to. Returns when the socket is shut down. */
int traffic_serve_udp(int socket);

/* Makes traffic_serve_* return. */
void traffic_stop(int socket);

/*
 * `count` operations with an IPv4 address and port, both in network order; the time of each in `nanoseconds`. A peer
 * that does not answer within two seconds is -ETIMEDOUT.
 *
 * crr: socket, connect, request, response, wait for the other side's close, close.
 * rr:  request and response on one connection.
 * udp: socket, connect, request, response, close.
 */
int traffic_crr(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds);
int traffic_rr(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds);
int traffic_udp(uint32_t address, uint16_t port, int count, uint32_t *nanoseconds);

/* The first port of traffic_flows, and how many it takes of each address. */
#define TRAFFIC_FIRST_PORT 1024
#define TRAFFIC_PORTS      64512

/*
 * Sends an empty datagram to an address and port, both in network order, for each of `count` flows: from every port
 * from TRAFFIC_FIRST_PORT on of the address `source` (in the host's order), then of the next one. Needs CAP_NET_RAW.
 */
int traffic_flows(uint32_t source, uint32_t address, uint16_t port, int count);

#endif
