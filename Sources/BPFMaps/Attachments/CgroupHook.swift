// SPDX-License-Identifier: Apache-2.0

/// Where a program is attached to a control group. `enum bpf_attach_type`
///
/// The hooks of unix sockets want a libbpf that knows their sections (1.3) to load a program; attaching is by number.
public struct CgroupHook: Sendable, Hashable, CustomStringConvertible {
  /// The kernel's number.
  public let rawValue: UInt32
  /// The name in `SEC("cgroup/…")`.
  public let description: String
  /// The first kernel that has it, where that is newer than the kernel floor.
  let minimumKernel: String?

  private init(_ rawValue: UInt32, _ name: String, since minimumKernel: String? = nil) {
    self.rawValue = rawValue
    self.description = name
    self.minimumKernel = minimumKernel
  }

  /// The hook of an attach type; one that is not known here is named by its number.
  init(attachType: UInt32) {
    self = Self.all.first { $0.rawValue == attachType } ?? CgroupHook(attachType, "attach type \(attachType)")
  }

  /// Packets that the group's sockets receive. `SEC("cgroup_skb/ingress")`
  public static let ingress = CgroupHook(0, "ingress")
  /// Packets that the group's sockets send. `SEC("cgroup_skb/egress")`
  public static let egress = CgroupHook(1, "egress")
  /// socket(2).
  public static let socketCreate = CgroupHook(2, "sock_create")
  /// What happens to TCP connections. `SEC("sockops")`
  public static let socketOperations = CgroupHook(3, "sock_ops")
  /// Access to a device file. `SEC("cgroup/dev")`
  public static let device = CgroupHook(6, "dev")
  /// bind(2) of an IPv4 socket.
  public static let bind4 = CgroupHook(8, "bind4")
  /// bind(2) of an IPv6 socket.
  public static let bind6 = CgroupHook(9, "bind6")
  /// connect(2) of an IPv4 socket.
  public static let connect4 = CgroupHook(10, "connect4")
  /// connect(2) of an IPv6 socket.
  public static let connect6 = CgroupHook(11, "connect6")
  /// An IPv4 socket that has its address.
  public static let postBind4 = CgroupHook(12, "post_bind4")
  /// An IPv6 socket that has its address.
  public static let postBind6 = CgroupHook(13, "post_bind6")
  /// sendmsg(2) of an unconnected IPv4 datagram socket.
  public static let sendmsg4 = CgroupHook(14, "sendmsg4")
  /// sendmsg(2) of an unconnected IPv6 datagram socket.
  public static let sendmsg6 = CgroupHook(15, "sendmsg6")
  /// Reads and writes below /proc/sys.
  public static let sysctl = CgroupHook(18, "sysctl")
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
  /// The end of an internet socket.
  public static let socketRelease = CgroupHook(34, "sock_release")
  /// connect(2) of a unix socket. Linux 6.7
  public static let connectUnix = CgroupHook(49, "connect_unix", since: "6.7")
  /// sendmsg(2) of a unix datagram socket. Linux 6.7
  public static let sendmsgUnix = CgroupHook(50, "sendmsg_unix", since: "6.7")
  /// recvmsg(2) of a unix datagram socket. Linux 6.7
  public static let recvmsgUnix = CgroupHook(51, "recvmsg_unix", since: "6.7")
  /// getpeername(2) of a unix socket. Linux 6.7
  public static let getpeernameUnix = CgroupHook(52, "getpeername_unix", since: "6.7")
  /// getsockname(2) of a unix socket. Linux 6.7
  public static let getsocknameUnix = CgroupHook(53, "getsockname_unix", since: "6.7")

  /// All of them.
  public static let all: [CgroupHook] = [
    ingress, egress, socketCreate, socketOperations, device, bind4, bind6, connect4, connect6, postBind4, postBind6,
    sendmsg4, sendmsg6, sysctl, recvmsg4, recvmsg6, getsockopt, setsockopt, getpeername4, getpeername6, getsockname4,
    getsockname6, socketRelease, connectUnix, sendmsgUnix, recvmsgUnix, getpeernameUnix, getsocknameUnix,
  ]

  /// Hooks are equal when their numbers are.
  public static func == (left: Self, right: Self) -> Bool { left.rawValue == right.rawValue }

  /// Hashes the number.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
