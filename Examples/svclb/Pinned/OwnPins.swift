// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import SystemPackage

/// Pins of maps that this program made: each is called as its map is.
struct OwnPins {
  /// The kernel keeps so much of a map's name.
  private static let nameLength = 15

  private let pins: [BPFPin]

  /// Looks at all of them before any is removed.
  ///
  /// - Parameters:
  ///   - names: Those there may be.
  ///   - directory: Where.
  /// - Throws: `Failure` where one of them is somebody else's: nothing was removed.
  init(_ names: [String], in directory: FilePath) throws {
    pins = try names.sorted().compactMap { name in
      let path = directory.appending(name)
      guard let pin = try BPFPin(at: path) else { return nil }
      let found = pin.kind == .map ? try BPFMapHandle.open(pinnedAt: path).info.name : nil
      guard found == String(name.prefix(Self.nameLength)) else {
        let what = found.map { "the map \"\($0)\"" } ?? "a pinned \(pin.kind.rawValue)"
        throw Failure(
          .unavailable,
          "\(path) is \(what) and not this program's: no map was taken away; remove it by hand, or name the right "
            + "directory with --pin")
      }
      return pin
    }
  }

  func remove() throws {
    for pin in pins { try pin.remove() }
  }
}
