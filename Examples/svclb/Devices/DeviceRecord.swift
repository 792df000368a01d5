// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import IPVLANDatapath
import LinuxSystem
import NetlinkKit
import SystemPackage

/// What was attached where: a directory of pins, whose name says it.
///
/// `pod-7@client:eth0` is endpoint 7 at its own device, `host-8@node:veth1` endpoint 8 at the node's end of its pair, and
/// `node@:eth1` a device of the node. Where the kernel has no tcx there are no pins in it.
struct DeviceRecord: Hashable, Sendable {
  var argument: DeviceArgument
  var role: DeviceArgument.Role
  /// A pod's number; 0 for a device of the node.
  var endpoint: UInt32

  init(_ argument: DeviceArgument, _ role: DeviceArgument.Role, endpoint: UInt32) {
    self.argument = argument
    self.argument.role = nil
    self.role = role
    self.endpoint = endpoint
  }

  /// Names on a bpf file system have no dots.
  private static let escapes: [(plain: Character, escaped: String)] = [
    ("%", "%25"), ("!", "%21"), (".", "%2E"), ("/", "!"),
  ]

  /// The directory's name; nil: it would be too long.
  var name: String? {
    var place = "\(argument)"
    for (plain, escaped) in Self.escapes { place.replace(String(plain), with: escaped) }
    let name = "\(role.rawValue)\(role == .node ? "" : "-\(endpoint)")@\(place)"
    return name.utf8.count <= 255 ? name : nil
  }

  /// What a directory's name says; nil: it is none of these.
  init?(name: String) {
    guard let sign = name.firstIndex(of: "@") else { return nil }
    var place = String(name[name.index(after: sign)...])
    for (plain, escaped) in Self.escapes.reversed() { place.replace(escaped, with: String(plain)) }
    let parts = name[..<sign].split(separator: "-", maxSplits: 1)
    guard let role = parts.first.flatMap({ DeviceArgument.Role(rawValue: String($0)) }),
      let argument = try? DeviceArgument(place),
      let endpoint = role == .node ? 0 : parts.count == 2 ? UInt32(parts[1]) : nil
    else { return nil }
    self.init(argument, role, endpoint: endpoint)
  }

  var side: PlannedPrograms.Side { role == .host ? .node : .pod }

  /// The programs, as they are kept in a directory.
  func programs(in directory: FilePath) -> DevicePrograms? {
    guard let name else { return nil }
    return DevicePrograms(
      anchor: BPFFeature.tcx.isAvailable ? .pinnedLink(directory: directory.appending(name)) : .filter)
  }

  /// Whether programs may still be attached there.
  func isAlive(in directory: FilePath) async throws -> Bool {
    guard BPFFeature.tcx.isAvailable else {
      guard let namespace = try? argument.open() else { return false }
      return try await NetlinkSocket(in: namespace).links.link(named: argument.device) != nil
    }
    guard let name else { return false }
    let pins = directory.appending(name)
    return try FileSystem.entries(of: pins).contains { pin in
      try Attachment.open(pinnedAt: pins.appending(pin)).interface != nil
    }
  }
}
