// SPDX-License-Identifier: Apache-2.0
//
// What is sent.

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>

uint32_t interface;

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

void route_add(uint32_t number) {
  transact(put_route(send_buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, number));
}

void route_del(uint32_t number) {
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

void neigh_add(uint32_t number) {
  transact(put_neighbour(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, number));
}
void neigh_del(uint32_t number) {
  transact(put_neighbour(RTM_DELNEIGH, 0, number));
}

void put_veth(const char *name, const char *peer) {
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

void veth_add(uint32_t number) {
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

uint32_t *veth_indexes;

void veth_del(uint32_t number) {
  link_remove(veth_indexes[number]);
}

void link_up(uint32_t index) {
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

void route_add_batch(uint32_t start, uint32_t count) {
  route_batch(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, start, count);
}

void route_del_batch(uint32_t start, uint32_t count) {
  route_batch(RTM_DELROUTE, 0, start, count);
}
