// SPDX-License-Identifier: Apache-2.0

/// Which way packets pass a traffic control hook, seen from the interface's network namespace.
public enum TrafficControlDirection: Sendable, Hashable, CaseIterable {
  /// Received by the interface.
  case ingress
  /// Sent by the interface.
  case egress

  /// `BPF_TCX_INGRESS`, `BPF_TCX_EGRESS`; newer than the headers of the oldest supported distribution.
  var tcxType: UInt32 { self == .ingress ? 46 : 47 }
}

/// How a traffic control program is attached.
public enum TrafficControlMechanism: Sendable, Hashable {
  /// A tcx link where the kernel has it (Linux 6.6), else a clsact filter.
  case automatic
  /// A tcx link; `notSupported` where the kernel has none.
  case tcx
  /// A direct-action filter at a clsact qdisc.
  case clsact
}

/// How an XDP program is run.
public enum XDPMode: Sendable, Hashable, CaseIterable {
  /// By the driver where it can, else generic; an attachment says which it became.
  case automatic
  /// By the driver, before the kernel has made a socket buffer. `XDP_FLAGS_DRV_MODE`
  case native
  /// By the kernel, on a socket buffer; every interface has it. `XDP_FLAGS_SKB_MODE`
  case generic
  /// By the network card, which needs a program that was compiled for it. `XDP_FLAGS_HW_MODE`
  case offload

  /// `XDP_FLAGS_…_MODE`.
  var flags: UInt32 {
    switch self {
    case .automatic: 0
    case .generic: 2
    case .native: 4
    case .offload: 8
    }
  }
}

/// Which end of a netkit pair a program is run for. Linux 6.7
public enum NetkitEnd: Sendable, Hashable, CaseIterable {
  /// The end that the pair is configured at, in the host.
  case primary
  /// Its peer, in the pod; attached from the host all the same.
  case peer

  /// `BPF_NETKIT_PRIMARY`, `BPF_NETKIT_PEER`.
  var attachType: UInt32 { self == .primary ? 54 : 55 }
}

/// Where a link has its program. `struct bpf_link_info`
public enum AttachmentHook: Sendable, Hashable, CustomStringConvertible {
  /// A tcx hook. The interface is an index in its own namespace, 0 when it is gone.
  case trafficControl(TrafficControlDirection, interface: UInt32)
  /// A netkit pair, by the index of its primary end.
  case netkit(NetkitEnd, interface: UInt32)
  /// XDP at an interface.
  case xdp(interface: UInt32)
  /// A control group, by the inode of its directory; 0 when it is gone.
  case cgroup(CgroupHook, group: UInt64)
  /// The socket look-up of a network namespace, by its inode; 0 when it is gone.
  case socketLookup(namespace: UInt64)
  /// The begin or end of a kernel function, or a typed tracepoint.
  case tracing
  /// A raw tracepoint.
  case rawTracepoint
  /// A perf event: a tracepoint, kprobe or uprobe.
  case perfEvent
  /// Another type of link.
  case other(linkType: UInt32)

  /// What messages call it.
  public var description: String {
    switch self {
    case .trafficControl(let direction, let interface): "tcx \(direction) of interface \(interface)"
    case .netkit(let end, let interface): "netkit \(end) of interface \(interface)"
    case .xdp(let interface): "XDP of interface \(interface)"
    case .cgroup(let hook, let group): "\(hook) of cgroup \(group)"
    case .socketLookup(let namespace): "socket look-up of network namespace \(namespace)"
    case .tracing: "a kernel function or typed tracepoint"
    case .rawTracepoint: "a raw tracepoint"
    case .perfEvent: "a perf event"
    case .other(let type): "link type \(type)"
    }
  }
}
