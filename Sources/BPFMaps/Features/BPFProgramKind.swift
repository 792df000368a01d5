// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem

/// What a program is called for, by the kernel's numbers. `enum bpf_prog_type`
public struct BPFProgramKind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32

  /// A type by the kernel's number; unknown numbers are kept.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Filters what a socket receives. `BPF_PROG_TYPE_SOCKET_FILTER`
  public static let socketFilter = BPFProgramKind(rawValue: 1)
  /// Runs at a function of the kernel. `BPF_PROG_TYPE_KPROBE`
  public static let kprobe = BPFProgramKind(rawValue: 2)
  /// Classifies packets: tc, tcx, netkit. `BPF_PROG_TYPE_SCHED_CLS`
  public static let trafficControl = BPFProgramKind(rawValue: 3)
  /// Runs at a tracepoint. `BPF_PROG_TYPE_TRACEPOINT`
  public static let tracepoint = BPFProgramKind(rawValue: 5)
  /// Sees packets before the network stack. `BPF_PROG_TYPE_XDP`
  public static let xdp = BPFProgramKind(rawValue: 6)
  /// Runs at an event of perf. `BPF_PROG_TYPE_PERF_EVENT`
  public static let perfEvent = BPFProgramKind(rawValue: 7)
  /// Filters the packets of a control group's sockets. `BPF_PROG_TYPE_CGROUP_SKB`
  public static let cgroupPackets = BPFProgramKind(rawValue: 8)
  /// Judges the sockets of a control group. `BPF_PROG_TYPE_CGROUP_SOCK`
  public static let cgroupSocket = BPFProgramKind(rawValue: 9)
  /// Follows the TCP connections of a control group. `BPF_PROG_TYPE_SOCK_OPS`
  public static let socketOperations = BPFProgramKind(rawValue: 13)
  /// Judges packets of sockets in a socket map. `BPF_PROG_TYPE_SK_SKB`
  public static let socketPackets = BPFProgramKind(rawValue: 14)
  /// Judges device access of a control group. `BPF_PROG_TYPE_CGROUP_DEVICE`
  public static let cgroupDevice = BPFProgramKind(rawValue: 15)
  /// Changes the addresses of a control group's sockets. `BPF_PROG_TYPE_CGROUP_SOCK_ADDR`
  public static let cgroupAddress = BPFProgramKind(rawValue: 18)
  /// Chooses a socket of a group. `BPF_PROG_TYPE_SK_REUSEPORT`
  public static let socketReuseport = BPFProgramKind(rawValue: 21)
  /// Judges sysctls of a control group. `BPF_PROG_TYPE_CGROUP_SYSCTL`
  public static let cgroupSysctl = BPFProgramKind(rawValue: 23)
  /// Judges socket options of a control group. `BPF_PROG_TYPE_CGROUP_SOCKOPT`
  public static let cgroupSocketOption = BPFProgramKind(rawValue: 25)
  /// Runs at a function of the kernel, with typed arguments; iterators too. `BPF_PROG_TYPE_TRACING`
  public static let tracing = BPFProgramKind(rawValue: 26)
  /// Implements a table of the kernel's functions. `BPF_PROG_TYPE_STRUCT_OPS`
  public static let structOperations = BPFProgramKind(rawValue: 27)
  /// Replaces a function of another program. `BPF_PROG_TYPE_EXT`
  public static let `extension` = BPFProgramKind(rawValue: 28)
  /// Judges for a security module. `BPF_PROG_TYPE_LSM`
  public static let securityModule = BPFProgramKind(rawValue: 29)
  /// Chooses the socket of a new connection. `BPF_PROG_TYPE_SK_LOOKUP`
  public static let socketLookup = BPFProgramKind(rawValue: 30)
  /// Makes BPF system calls. `BPF_PROG_TYPE_SYSCALL`
  public static let systemCall = BPFProgramKind(rawValue: 31)
  /// A hook of netfilter. `BPF_PROG_TYPE_NETFILTER`
  public static let netfilter = BPFProgramKind(rawValue: 32)

  /// Every type known here.
  public static var allKnown: [BPFProgramKind] { (1..<UInt32(facts.count)).map(BPFProgramKind.init(rawValue:)) }

  /// The kernel's name without its prefix, in lower case, or the number.
  public var description: String { fact?.name ?? "program type \(rawValue)" }

  /// Which Linux brought it; nil: not known here.
  var minimumKernel: KernelVersion? { fact?.kernel }

  private var fact: (name: String, kernel: KernelVersion)? {
    rawValue > 0 && Int(rawValue) < Self.facts.count ? Self.facts[Int(rawValue)] : nil
  }

  private static let facts: [(name: String, kernel: KernelVersion)] = [
    ("unspec", KernelVersion(0, 0)),
    ("socket_filter", KernelVersion(3, 19)), ("kprobe", KernelVersion(4, 1)), ("sched_cls", KernelVersion(4, 1)),
    ("sched_act", KernelVersion(4, 1)), ("tracepoint", KernelVersion(4, 7)), ("xdp", KernelVersion(4, 8)),
    ("perf_event", KernelVersion(4, 9)), ("cgroup_skb", KernelVersion(4, 10)), ("cgroup_sock", KernelVersion(4, 10)),
    ("lwt_in", KernelVersion(4, 10)), ("lwt_out", KernelVersion(4, 10)), ("lwt_xmit", KernelVersion(4, 10)),
    ("sock_ops", KernelVersion(4, 13)), ("sk_skb", KernelVersion(4, 14)), ("cgroup_device", KernelVersion(4, 15)),
    ("sk_msg", KernelVersion(4, 17)), ("raw_tracepoint", KernelVersion(4, 17)),
    ("cgroup_sock_addr", KernelVersion(4, 17)), ("lwt_seg6local", KernelVersion(4, 18)),
    ("lirc_mode2", KernelVersion(4, 18)), ("sk_reuseport", KernelVersion(4, 19)),
    ("flow_dissector", KernelVersion(4, 20)), ("cgroup_sysctl", KernelVersion(5, 2)),
    ("raw_tracepoint_writable", KernelVersion(5, 2)), ("cgroup_sockopt", KernelVersion(5, 3)),
    ("tracing", KernelVersion(5, 5)), ("struct_ops", KernelVersion(5, 6)), ("ext", KernelVersion(5, 6)),
    ("lsm", KernelVersion(5, 7)), ("sk_lookup", KernelVersion(5, 9)), ("syscall", KernelVersion(5, 14)),
    ("netfilter", KernelVersion(6, 4)),
  ]
}
