/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLIBBPF_SHIM_H
#define TERWAYKIT_CLIBBPF_SHIM_H

/*
 * The only module that owns <linux/bpf.h>. Kernel headers that another module maps (CLibmnl: rtnetlink) must not be
 * included here: a header textually in two modules loses its anonymous-enum constants where both are imported.
 */
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/vfs.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "map_calls.h"

#endif
