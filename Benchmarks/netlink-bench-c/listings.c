// SPDX-License-Identifier: Apache-2.0
//
// What is read: every attribute of an object into the field that NetlinkKit's value has for it.

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

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

void release_links(struct list *list) {
  for (size_t place = 0; place < list->count; place++) {
    struct link *link = (struct link *)list->elements + place;
    free(link->others);
    free(link->alias);
  }
}

void dump_routes(struct list *list) {
  struct nlmsghdr *message = begin(send_buffer, RTM_GETROUTE, NLM_F_DUMP);
  struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
  header->rtm_family = AF_INET;
  mnl_attr_put_u32(message, RTA_TABLE, RT_TABLE_MAIN);
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, read_route, list);
  if (errno != 0)
    die("list routes");
}

void dump_links(struct list *list) {
  struct nlmsghdr *message = begin(send_buffer, RTM_GETLINK, NLM_F_DUMP);
  mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
  send_bytes(message->nlmsg_len);
  errno = receive(sequence, sequence, read_link, list);
  if (errno != 0)
    die("list links");
}
