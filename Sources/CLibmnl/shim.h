/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLIBMNL_SHIM_H
#define TERWAYKIT_CLIBMNL_SHIM_H

/* The only module that owns the rtnetlink headers (see CLibbpf/shim.h for the reason). */
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/fib_rules.h>
#include <linux/gen_stats.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <linux/tc_act/tc_skbedit.h>
#include <linux/tc_act/tc_tunnel_key.h>
#include <linux/tc_act/tc_vlan.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/veth.h>

#endif
