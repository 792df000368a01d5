// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import LinuxSystem
import ServiceLB
import SystemPackage

extension PinnedBalancer {
  /// Translates connections of the processes of a cgroup, from now on and without this process.
  ///
  /// Where it is attached already, the programs are replaced, each in one step.
  func attach(_ cgroup: FilePath) async throws {
    _ = try await balancer.attach(cgroup: cgroup, pinDirectory: directory)
  }

  /// Takes everything out of the kernel that is pinned in a directory.
  ///
  /// - Parameters:
  ///   - directory: Where; nothing there is no error.
  ///   - keepsMaps: Whether only the translation ends.
  /// - Throws: Where a pin is not this program's, before anything is done; where the kernel refuses.
  static func detach(_ directory: FilePath, keepsMaps: Bool) async throws {
    guard try !FileSystem.entries(of: directory).isEmpty else { return }
    let lock = try PinLock(directory)
    defer { withExtendedLifetime(lock) {} }
    let maps = keepsMaps ? nil : try OwnPins(ServiceMaps.mapNames + [ServiceNames.pin], in: directory)
    let packetMaps = try PacketPath.pins(directory)
    try await ServiceAttachments.open(pinDirectory: directory).detach()
    try await PacketPath.detach(directory, packetMaps)
    try maps?.remove()
  }
}
