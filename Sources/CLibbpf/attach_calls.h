/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TERWAYKIT_CLIBBPF_ATTACH_CALLS_H
#define TERWAYKIT_CLIBBPF_ATTACH_CALLS_H

/*
 * perf_event_open(2), and the parts of `union bpf_attr` that are newer than the libbpf of the
 * oldest supported distribution: order among programs of one hook (Linux 6.6), and what is attached there. Each
 * function returns the result, or the negative errno: errno itself is never read across the language border.
 */
#include "call.h"

#include <errno.h>
#include <linux/types.h>
#include <sys/syscall.h>
#include <unistd.h>

/* BPF_LINK_CREATE with the tail that tcx, netkit and (Linux 6.17) cgroup links have. */
struct clibbpf_link_create {
  __u32 program;
  __u32 target;
  __u32 attach_type;
  __u32 flags;
  __u32 relative;
  __u32 padding;
  __u64 expected_revision;
  __u64 reserved[4];
};

/* BPF_PROG_QUERY */
struct clibbpf_query {
  __u32 target;
  __u32 attach_type;
  __u32 query_flags;
  __u32 attach_flags;
  __u64 programs;
  __u32 count;
  __u32 padding;
  __u64 program_flags;
  __u64 links;
  __u64 link_flags;
  __u64 revision;
};

/* struct perf_event_attr, as of its first 72 bytes (PERF_ATTR_SIZE_VER1). */
struct clibbpf_perf_event {
  __u32 type;
  __u32 size;
  __u64 config;
  __u64 sample_period;
  __u64 sample_type;
  __u64 read_format;
  __u64 flags;
  __u32 wakeup_events;
  __u32 breakpoint_type;
  __u64 config1;
  __u64 config2;
};

/* struct bpf_link_info; what the words mean depends on the type. */
struct clibbpf_link_info {
  __u32 type;
  __u32 id;
  __u32 program;
  __u32 padding;
  union {
    struct {
      __u32 target;
      __u32 attach_type;
    } network; /* tcx, netkit, XDP: interface; netns: inode */
    struct {
      __u64 group;
      __u32 attach_type;
    } cgroup;
    struct {
      __u32 attach_type;
    } tracing;
    __u64 words[6];
  };
};

_Static_assert(sizeof(struct clibbpf_link_info) == 64, "as the kernel reads it");
_Static_assert(sizeof(struct clibbpf_link_create) == 64, "as the kernel reads it");
_Static_assert(sizeof(struct clibbpf_query) == 64, "as the kernel reads it");
_Static_assert(sizeof(struct clibbpf_perf_event) == 72, "as the kernel reads it");

/* On one CPU, for every process. */
static inline int clibbpf_perf_event_open(struct clibbpf_perf_event *event, int cpu) {
  long result = syscall(SYS_perf_event_open, event, -1, cpu, -1, 8UL /* PERF_FLAG_FD_CLOEXEC */);
  return result < 0 ? -errno : (int)result;
}

#endif
