// SPDX-License-Identifier: Apache-2.0

public import BPFMaps

/// The programs that translate services when a socket connects, sends, or asks for its peer.
///
/// `ServiceLB` attaches them. C: `bpf/sock_lb.bpf.c`.
public struct SocketPrograms: ~Copyable, Sendable {
  private let object: LoadedObject
  /// What they look up.
  public let maps: ServiceMaps

  /// Loads the programs.
  ///
  /// Where the kernel and the caller's capabilities allow it (CONFIG_MPTCP, CAP_PERFMON), MPTCP sockets too are told the
  /// service when they ask for their peer, and taken off their backend's load when they are closed.
  ///
  /// - Parameters:
  ///   - maps: What they look up.
  ///   - constants: What they are loaded with.
  /// - Returns: Programs that live on while attached or pinned.
  /// - Throws: `verifierRejected`; `permissionDenied`; `systemCall` when the kernel is out of memory.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func load(
    using maps: ServiceMaps, constants: ServiceConstants = ServiceConstants()
  ) throws(BPFError) -> SocketPrograms {
    do {
      return try load(maps, constants, mptcp: true)
    } catch {
      // The kernel refuses a helper that it or the caller lacks; what else is wrong is wrong without it too.
      return try load(maps, constants, mptcp: false)
    }
  }

  private static func load(
    _ maps: ServiceMaps, _ constants: ServiceConstants, mptcp: Bool
  ) throws(BPFError) -> SocketPrograms {
    var object = try BPFObject(DatapathObject.sockLB.embedded)
    try constants.set(in: &object)
    try object.setConstant("mptcp", to: mptcp)
    try maps.lend(to: &object)
    return SocketPrograms(object: try object.load(), maps: maps)
  }

  /// The hooks, in the order in which to attach.
  ///
  /// The way back comes first, so that no socket is told an address that it did not ask for.
  public static let hooks: [CgroupHook] = [
    .socketRelease, .getpeername4, .getpeername6, .recvmsg4, .recvmsg6, .postBind4, .postBind6, .sendmsg4, .sendmsg6,
    .connect4, .connect6,
  ]

  /// The program of a hook.
  ///
  /// - Parameter hook: One of ``hooks``.
  /// - Returns: The program, with a descriptor of its own.
  /// - Throws: `notFound` for another hook.
  public borrowing func program(for hook: CgroupHook) throws(BPFError) -> BPFProgram {
    try object.program(hook == .socketRelease ? "sock_release" : hook.description)
  }
}
