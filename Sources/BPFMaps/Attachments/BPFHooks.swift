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

/// Where a program is attached to a control group. `enum bpf_attach_type`
public struct CgroupHook: Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32
  /// The name in `SEC("cgroup/…")`.
  public let description: String

  private init(_ rawValue: UInt32, _ name: String) {
    self.rawValue = rawValue
    self.description = name
  }

  /// bind(2) of an IPv4 socket.
  public static let bind4 = CgroupHook(8, "bind4")
  /// bind(2) of an IPv6 socket.
  public static let bind6 = CgroupHook(9, "bind6")
  /// connect(2) of an IPv4 socket.
  public static let connect4 = CgroupHook(10, "connect4")
  /// connect(2) of an IPv6 socket.
  public static let connect6 = CgroupHook(11, "connect6")
  /// sendmsg(2) of an unconnected IPv4 datagram socket.
  public static let sendmsg4 = CgroupHook(14, "sendmsg4")
  /// sendmsg(2) of an unconnected IPv6 datagram socket.
  public static let sendmsg6 = CgroupHook(15, "sendmsg6")
  /// recvmsg(2) of an IPv4 datagram socket.
  public static let recvmsg4 = CgroupHook(19, "recvmsg4")
  /// recvmsg(2) of an IPv6 datagram socket.
  public static let recvmsg6 = CgroupHook(20, "recvmsg6")
  /// getsockopt(2).
  public static let getsockopt = CgroupHook(21, "getsockopt")
  /// setsockopt(2).
  public static let setsockopt = CgroupHook(22, "setsockopt")
  /// getpeername(2) of an IPv4 socket.
  public static let getpeername4 = CgroupHook(29, "getpeername4")
  /// getpeername(2) of an IPv6 socket.
  public static let getpeername6 = CgroupHook(30, "getpeername6")
  /// getsockname(2) of an IPv4 socket.
  public static let getsockname4 = CgroupHook(31, "getsockname4")
  /// getsockname(2) of an IPv6 socket.
  public static let getsockname6 = CgroupHook(32, "getsockname6")
}
