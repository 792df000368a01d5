// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// A hook by the kernel's number, to ask whether the kernel has it. `enum bpf_attach_type`
public struct BPFAttachType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// A hook by the kernel's number; unknown numbers are kept.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Packets that an interface receives, by link. `BPF_TCX_INGRESS`
  public static let tcxIngress = BPFAttachType(rawValue: 46)
  /// Packets that an interface sends, by link. `BPF_TCX_EGRESS`
  public static let tcxEgress = BPFAttachType(rawValue: 47)
  /// A netkit device's own end. `BPF_NETKIT_PRIMARY`
  public static let netkitPrimary = BPFAttachType(rawValue: 54)
  /// A netkit device's other end. `BPF_NETKIT_PEER`
  public static let netkitPeer = BPFAttachType(rawValue: 55)
  /// XDP by link, in whatever mode the interface has. `BPF_XDP`
  public static let xdp = BPFAttachType(rawValue: 37)
  /// The choice of a socket for a new connection. `BPF_SK_LOOKUP`
  public static let socketLookup = BPFAttachType(rawValue: 36)
  /// kprobes, uprobes, tracepoints and perf events by link. `BPF_PERF_EVENT`
  public static let perfEvent = BPFAttachType(rawValue: 41)
  /// A function of the kernel is entered. `BPF_TRACE_FENTRY`
  public static let functionEntry = BPFAttachType(rawValue: 24)
  /// A function of the kernel returns. `BPF_TRACE_FEXIT`
  public static let functionExit = BPFAttachType(rawValue: 25)
  /// A netfilter hook. `BPF_NETFILTER`
  public static let netfilter = BPFAttachType(rawValue: 45)

  /// A hook of a control group.
  public static func cgroup(_ hook: CgroupHook) -> BPFAttachType { BPFAttachType(rawValue: hook.rawValue) }

  /// Every hook that can be asked about.
  public static var allKnown: [BPFAttachType] { facts.keys.sorted().map(BPFAttachType.init(rawValue:)) }

  /// The kernel's name without its prefix, in lower case, or the number.
  public var description: String { fact?.name ?? "attach type \(rawValue)" }

  /// How a hook is tried.
  enum Trial {
    /// A link to a control group that does not exist; the kernel says so if it knows the hook.
    case cgroup
    /// A link to an interface that does not exist.
    case interface
    /// A link to loopback's driver, which has no XDP.
    case loopback
    /// A link to a perf event that does not exist.
    case perfEvent
    /// A function of the kernel that is there for tests.
    case function
    /// Loading a program for the hook.
    case load
  }

  struct Fact {
    var name: String
    var program: UInt32
    var trial: Trial
    var kernel: KernelVersion
  }

  var fact: Fact? { Self.facts[rawValue] }

  private static let facts: [UInt32: Fact] = [
    0: cgroup("cgroup_inet_ingress", 8, 5, 7), 1: cgroup("cgroup_inet_egress", 8, 5, 7),
    2: cgroup("cgroup_inet_sock_create", 9, 5, 7), 3: cgroup("cgroup_sock_ops", 13, 5, 7),
    6: cgroup("cgroup_device", 15, 5, 7), 8: cgroup("cgroup_inet4_bind", 18, 5, 7),
    9: cgroup("cgroup_inet6_bind", 18, 5, 7), 10: cgroup("cgroup_inet4_connect", 18, 5, 7),
    11: cgroup("cgroup_inet6_connect", 18, 5, 7), 12: cgroup("cgroup_inet4_post_bind", 9, 5, 7),
    13: cgroup("cgroup_inet6_post_bind", 9, 5, 7), 14: cgroup("cgroup_udp4_sendmsg", 18, 5, 7),
    15: cgroup("cgroup_udp6_sendmsg", 18, 5, 7), 18: cgroup("cgroup_sysctl", 23, 5, 7),
    19: cgroup("cgroup_udp4_recvmsg", 18, 5, 7), 20: cgroup("cgroup_udp6_recvmsg", 18, 5, 7),
    21: cgroup("cgroup_getsockopt", 25, 5, 7), 22: cgroup("cgroup_setsockopt", 25, 5, 7),
    24: Fact(name: "trace_fentry", program: 26, trial: .function, kernel: KernelVersion(5, 5)),
    25: Fact(name: "trace_fexit", program: 26, trial: .function, kernel: KernelVersion(5, 5)),
    29: cgroup("cgroup_inet4_getpeername", 18, 5, 8), 30: cgroup("cgroup_inet6_getpeername", 18, 5, 8),
    31: cgroup("cgroup_inet4_getsockname", 18, 5, 8), 32: cgroup("cgroup_inet6_getsockname", 18, 5, 8),
    34: cgroup("cgroup_inet_sock_release", 9, 5, 9),
    36: Fact(name: "sk_lookup", program: 30, trial: .load, kernel: KernelVersion(5, 9)),
    37: Fact(name: "xdp", program: 6, trial: .loopback, kernel: KernelVersion(5, 9)),
    41: Fact(name: "perf_event", program: 2, trial: .perfEvent, kernel: KernelVersion(5, 15)),
    45: Fact(name: "netfilter", program: 32, trial: .load, kernel: KernelVersion(6, 4)),
    46: Fact(name: "tcx_ingress", program: 3, trial: .interface, kernel: KernelVersion(6, 6)),
    47: Fact(name: "tcx_egress", program: 3, trial: .interface, kernel: KernelVersion(6, 6)),
    49: cgroup("cgroup_unix_connect", 18, 6, 7), 50: cgroup("cgroup_unix_sendmsg", 18, 6, 7),
    51: cgroup("cgroup_unix_recvmsg", 18, 6, 7), 52: cgroup("cgroup_unix_getpeername", 18, 6, 7),
    53: cgroup("cgroup_unix_getsockname", 18, 6, 7),
    54: Fact(name: "netkit_primary", program: 3, trial: .interface, kernel: KernelVersion(6, 7)),
    55: Fact(name: "netkit_peer", program: 3, trial: .interface, kernel: KernelVersion(6, 7)),
  ]

  private static func cgroup(_ name: String, _ program: UInt32, _ major: Int, _ minor: Int) -> Fact {
    Fact(name: name, program: program, trial: .cgroup, kernel: KernelVersion(major, minor))
  }
}
