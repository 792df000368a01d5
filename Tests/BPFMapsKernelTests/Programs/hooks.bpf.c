// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program for each hook of a control group, which counts under the hook's number and allows. */
#include "samples.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __type(key, __u32);
  __type(value, __u64);
  __uint(max_entries, 64);
} calls SEC(".maps");

static __always_inline int allow(__u32 hook) {
  __u64 *counted = bpf_map_lookup_elem(&calls, &hook);
  if (counted)
    __sync_fetch_and_add(counted, 1);
  return 1;
}

#define HOOK(section, function, context, number)                                                                       \
  SEC(section) int function(struct context *unused) {                                                                  \
    (void)unused;                                                                                                      \
    return allow(number);                                                                                              \
  }

HOOK("cgroup_skb/ingress", hook_ingress, __sk_buff, BPF_CGROUP_INET_INGRESS)
HOOK("cgroup_skb/egress", hook_egress, __sk_buff, BPF_CGROUP_INET_EGRESS)
HOOK("cgroup/sock_create", hook_sock_create, bpf_sock, BPF_CGROUP_INET_SOCK_CREATE)
HOOK("sockops", hook_sock_ops, bpf_sock_ops, BPF_CGROUP_SOCK_OPS)
HOOK("cgroup/dev", hook_dev, bpf_cgroup_dev_ctx, BPF_CGROUP_DEVICE)
HOOK("cgroup/bind4", hook_bind4, bpf_sock_addr, BPF_CGROUP_INET4_BIND)
HOOK("cgroup/bind6", hook_bind6, bpf_sock_addr, BPF_CGROUP_INET6_BIND)
HOOK("cgroup/connect4", hook_connect4, bpf_sock_addr, BPF_CGROUP_INET4_CONNECT)
HOOK("cgroup/connect6", hook_connect6, bpf_sock_addr, BPF_CGROUP_INET6_CONNECT)
HOOK("cgroup/post_bind4", hook_post_bind4, bpf_sock, BPF_CGROUP_INET4_POST_BIND)
HOOK("cgroup/post_bind6", hook_post_bind6, bpf_sock, BPF_CGROUP_INET6_POST_BIND)
HOOK("cgroup/sendmsg4", hook_sendmsg4, bpf_sock_addr, BPF_CGROUP_UDP4_SENDMSG)
HOOK("cgroup/sendmsg6", hook_sendmsg6, bpf_sock_addr, BPF_CGROUP_UDP6_SENDMSG)
HOOK("cgroup/sysctl", hook_sysctl, bpf_sysctl, BPF_CGROUP_SYSCTL)
HOOK("cgroup/recvmsg4", hook_recvmsg4, bpf_sock_addr, BPF_CGROUP_UDP4_RECVMSG)
HOOK("cgroup/recvmsg6", hook_recvmsg6, bpf_sock_addr, BPF_CGROUP_UDP6_RECVMSG)
HOOK("cgroup/getsockopt", hook_getsockopt, bpf_sockopt, BPF_CGROUP_GETSOCKOPT)
HOOK("cgroup/setsockopt", hook_setsockopt, bpf_sockopt, BPF_CGROUP_SETSOCKOPT)
HOOK("cgroup/getpeername4", hook_getpeername4, bpf_sock_addr, BPF_CGROUP_INET4_GETPEERNAME)
HOOK("cgroup/getpeername6", hook_getpeername6, bpf_sock_addr, BPF_CGROUP_INET6_GETPEERNAME)
HOOK("cgroup/getsockname4", hook_getsockname4, bpf_sock_addr, BPF_CGROUP_INET4_GETSOCKNAME)
HOOK("cgroup/getsockname6", hook_getsockname6, bpf_sock_addr, BPF_CGROUP_INET6_GETSOCKNAME)
HOOK("cgroup/sock_release", hook_sock_release, bpf_sock, BPF_CGROUP_INET_SOCK_RELEASE)

char program_license[] SEC("license") = "Dual BSD/GPL";
