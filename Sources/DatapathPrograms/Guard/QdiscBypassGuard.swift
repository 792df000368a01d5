// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
internal import Glibc
public import SystemPackage

/// Refuses pods the two kinds of sockets that send past the programs at their interface.
///
/// A packet socket with `PACKET_QDISC_BYPASS`, and an AF_XDP socket, hand frames to the driver directly: neither policy
/// nor anti-spoofing sees them leave. With the guard on the pods' control group, setting that option and registering
/// memory for AF_XDP fail with EPERM; everything else works as before.
///
/// ```swift
/// try await QdiscBypassGuard.install(
///   onCgroup: "/sys/fs/cgroup/kubepods.slice", pinnedAt: "/sys/fs/bpf/terwaykit/bypass_guard")
/// ```
///
/// What it is worth, and against whom, is in <doc:TrustModel>. C: `bpf/bypass_guard.bpf.c`.
public struct QdiscBypassGuard: ~Copyable, Sendable {
  /// The program, for the hook ``BPFMaps/CgroupHook/setsockopt``.
  public let program: BPFProgram

  /// Loads the program.
  ///
  /// - Throws: `permissionDenied`; `systemCall` when the kernel is out of memory.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public init() throws(BPFError) {
    program = try BPFObject(DatapathObject.bypassGuard.embedded).load().program("refuse_bypass")
  }

  /// Guards a control group and all below it, as long as the attachment lives.
  ///
  /// - Parameter group: A directory of a cgroup2 file system.
  /// - Returns: The attachment.
  /// - Throws: `notFound`; `notCgroup`; `busy` where another owner forbids further programs; `permissionDenied`.
  public borrowing func attach(toCgroup group: FilePath) throws(BPFError) -> Attachment {
    try program.attach(toCgroup: group, as: .setsockopt)
  }

  /// Guards a control group for good, beyond the life of this process; where that was done before, puts this version's
  /// program in the other's place in one step.
  ///
  /// - Parameters:
  ///   - group: A directory of a cgroup2 file system.
  ///   - pin: Where the attachment is kept, on a bpf file system. Removing the file ends it.
  /// - Throws: `notFound`; `notCgroup`; `notBPFFileSystem`; `malformedPin` where something else is pinned there, such as the
  ///   guard of another group: nothing is changed; `busy`; `permissionDenied`.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func install(onCgroup group: FilePath, pinnedAt pin: FilePath) async throws(BPFError) {
    let bypassGuard = try QdiscBypassGuard()
    // Says what is wrong with the group, if anything is.
    let attachment = try bypassGuard.attach(toCgroup: group)
    do {
      let installed = try Attachment.open(
        pinnedAt: pin, expecting: .cgroup(.setsockopt, group: identifier(of: group)))
      try await installed.replaceProgram(with: bypassGuard.program)
    } catch {
      guard error.code == .notFound else { throw error }
      try attachment.persist(at: pin)
    }
  }

  /// The kernel's name for a group is its directory's inode number.
  private static func identifier(of group: FilePath) -> UInt64 {
    var status = stat()
    return unsafe group.withPlatformString { unsafe stat($0, &status) } == 0 ? UInt64(status.st_ino) : 0
  }
}
