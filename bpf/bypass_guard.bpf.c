// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

/*
 * Pods whose sockets may send past the hooks at their interface: a packet socket with PACKET_QDISC_BYPASS, and AF_XDP
 * in copy mode, hand frames to the driver directly. This program refuses both to the sockets of a control group
 * (EPERM).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Of <linux/socket.h>, <linux/if_packet.h> and <linux/if_xdp.h>, which BPF cannot include or Debian 12 lacks. */
#define SOL_PACKET          263
#define PACKET_QDISC_BYPASS 20
#define SOL_XDP             283
#define XDP_UMEM_REG        4

SEC("cgroup/setsockopt")
int refuse_bypass(struct bpf_sockopt *context) {
  if (context->level == SOL_PACKET && context->optname == PACKET_QDISC_BYPASS)
    return 0;
  /* Without memory registered for it an AF_XDP socket sends nothing. */
  if (context->level == SOL_XDP && context->optname == XDP_UMEM_REG)
    return 0;
  /* The kernel goes on with the caller's own buffer; else it refuses values of more than a page (EFAULT, Linux 6.1). */
  context->optlen = 0;
  return 1;
}

/* The source may be used under BSD-2-Clause too; this string is what the kernel asks for GPL-only helpers. */
char program_license[] SEC("license") = "Dual BSD/GPL";
