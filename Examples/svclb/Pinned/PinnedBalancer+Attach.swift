// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import LinuxSystem
import ServiceLB
import SystemPackage

extension PinnedBalancer {
  /// Translates connections of the processes of a cgroup, from now on.
  ///
  /// Where it is attached already, the programs are replaced, each in one step.
  func attach(_ cgroup: FilePath) async throws {
    let programs = try SocketPrograms.load(using: balancer.maps)
    for hook in SocketPrograms.hooks {
      let program = try programs.program(for: hook)
      let path = directory.appending(Self.pin(of: hook))
      if try FileSystem.entries(of: directory).contains(Self.pin(of: hook)) {
        let attachment = try Attachment.open(pinnedAt: path, expecting: .cgroup(hook, at: cgroup))
        try await attachment.replaceProgram(with: program)
      } else {
        try program.attach(toCgroup: cgroup, as: hook).persist(at: path)
      }
    }
  }

  /// Takes everything out of the kernel that is pinned in a directory.
  ///
  /// - Parameters:
  ///   - directory: Where; nothing there is no error.
  ///   - keepsMaps: Whether only the translation ends.
  static func detach(_ directory: FilePath, keepsMaps: Bool) async throws {
    let pins = Set(try FileSystem.entries(of: directory))
    // The way back last, so that what was translated is still shown as asked for.
    for hook in SocketPrograms.hooks.reversed() where pins.contains(pin(of: hook)) {
      try await Attachment.open(pinnedAt: directory.appending(pin(of: hook))).detach()
      _ = try BPFFileSystem.removePin(at: directory.appending(pin(of: hook)))
    }
    guard !keepsMaps else { return }
    for name in ServiceMaps.mapNames where pins.contains(name) {
      _ = try BPFFileSystem.removePin(at: directory.appending(name))
    }
  }

  private static func pin(of hook: CgroupHook) -> String {
    "attached_\(hook == .socketRelease ? "sock_release" : "\(hook)")"
  }
}
