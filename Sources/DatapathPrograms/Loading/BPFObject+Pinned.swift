// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import SystemPackage

extension BPFObject {
  /// Sets how many entries a map is made with; one that is pinned already keeps its size.
  mutating func setMaxEntries(
    _ count: UInt32, forMap map: String, unlessPinnedIn directory: FilePath?
  ) throws(BPFError) {
    try setMaxEntries(try Self.pinnedSize(of: map, in: directory) ?? count, forMap: map)
  }

  /// The size of a map that is pinned already; nil: it is not.
  private static func pinnedSize(of map: String, in directory: FilePath?) throws(BPFError) -> UInt32? {
    guard let directory else { return nil }
    do {
      return try BPFRawMap.open(pinnedAt: directory.appending(map)).info.maximumEntryCount
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
