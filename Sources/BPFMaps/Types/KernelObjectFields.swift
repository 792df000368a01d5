// SPDX-License-Identifier: Apache-2.0

internal import LinuxSystem
internal import SystemPackage

/// What the kernel tells of a descriptor beyond its information call. `/proc/PID/fdinfo`
struct KernelObjectFields {
  private var fields: [Substring: Substring] = [:]

  /// nil: there is no such descriptor, or /proc does not say.
  init?(of descriptor: CInt) { self.init(at: FilePath("/proc/thread-self/fdinfo/\(descriptor)")) }

  init?(at path: FilePath) {
    guard let text = try? FileSystem.text(of: path) else { return nil }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      fields[parts[0]] = parts[1].drop { $0 == " " || $0 == "\t" }
    }
  }

  func number(_ name: String) -> Int? { fields[name[...]].flatMap { Int($0) } }

  /// What the descriptor stands for, and its identifier.
  var reference: BPFObjectReference? {
    if fields["map_type"] != nil, let identifier = number("map_id") {
      return BPFObjectReference(.map, UInt32(truncatingIfNeeded: identifier))
    }
    // A link's fields name its program too.
    if fields["link_type"] != nil, let identifier = number("link_id") {
      return BPFObjectReference(.link, UInt32(truncatingIfNeeded: identifier))
    }
    if fields["prog_type"] != nil, let identifier = number("prog_id") {
      return BPFObjectReference(.program, UInt32(truncatingIfNeeded: identifier))
    }
    return nil
  }
}
