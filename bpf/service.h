/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TERWAYKIT_SERVICE_H
#define TERWAYKIT_SERVICE_H

/* From what is asked for to a backend: shared by the socket programs, the pod programs and the node programs. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include "service_maps.h"

/* Ports at which nodes serve. */
const volatile __u16 node_port_first = 30000;
const volatile __u16 node_port_last = 32767;
/* Whether packets of the sockets concerned pass programs that know services. */
const volatile __u32 packet_path = 0;

#endif
