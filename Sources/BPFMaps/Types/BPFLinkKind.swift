// SPDX-License-Identifier: Apache-2.0

/// What kind of link it is, by the kernel's numbers. `enum bpf_link_type`
public struct BPFLinkKind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// A kind by the kernel's number; unknown numbers are kept.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  private static let names = [
    "unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event", "kprobe_multi", "struct_ops",
    "netfilter", "tcx", "uprobe_multi", "netkit", "sockmap",
  ]

  /// The kernel's name of the kind, in small letters, or its number.
  public var description: String {
    rawValue < UInt32(Self.names.count) ? Self.names[Int(rawValue)] : "type \(rawValue)"
  }
}

extension BPFMapKind {
  private static let kernelNames = [
    "unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace",
    "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap",
    "cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack",
    "sk_storage", "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter",
    "user_ringbuf", "cgrp_storage", "arena", "insn_array",
  ]

  /// The kernel's name of the kind, in small letters as bpftool writes it, or its number.
  public var kernelName: String {
    rawValue < UInt32(Self.kernelNames.count) ? Self.kernelNames[Int(rawValue)] : "type \(rawValue)"
  }
}
