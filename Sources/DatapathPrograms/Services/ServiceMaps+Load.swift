// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
internal import CDatapathABI
public import SystemPackage

extension ServiceMaps {
  /// The maps, in the order of pinning.
  package static let mapNames = [
    "frontend4", "frontend6", "vip", "service", "service_config", "service_slot", "backend", "source_range",
    "node_address", "socket_exclusion", "service_state", "affinity", "socket_peer", "socket_slot",
    "datagram_peer", "service_counter",
  ]

  /// Makes the maps, or takes up those that are pinned.
  ///
  /// With a pin directory the maps found there go on being used, with all they hold and in their size; what is missing is
  /// made and pinned. Killed half-way, the next call makes the rest.
  ///
  /// - Parameters:
  ///   - pinDirectory: A directory on a bpf file system, made if need be, that others may use too; nil: nothing is pinned,
  ///     and the maps end with this value and the programs that use them.
  ///   - limits: Sizes of the maps that are made now.
  /// - Returns: The maps.
  /// - Throws: `invalidArgument` for limits out of their range; `notBPFFileSystem`; `layoutMismatch` or `incompatibleMap`
  ///   where a pinned map was made by a version with another layout; `permissionDenied`; `systemCall` when the kernel is
  ///   out of memory.
  /// - Requires: CAP_BPF and CAP_NET_ADMIN, Linux 6.1.
  public static func load(
    pinDirectory: FilePath? = nil, limits: ServiceMapLimits = .default
  ) throws(BPFError) -> ServiceMaps {
    try limits.check()
    var object = try BPFObject(DatapathObject.sockLB.embedded)
    try object.select(programs: [])
    if let pinDirectory { try BPFFileSystem.makeDirectory(pinDirectory) }
    for (map, size) in limits.sizes {
      try object.setMaxEntries(size, forMap: map, unlessPinnedIn: pinDirectory)
    }
    if let pinDirectory {
      for map in mapNames { try object.share(map: map, at: pinDirectory.appending(map)) }
    }
    let loaded = try object.load()
    return try ServiceMaps(loaded)
  }

  /// Opens maps that are pinned.
  ///
  /// - Parameter pinDirectory: What ``load(pinDirectory:limits:)`` was given.
  /// - Returns: The maps.
  /// - Throws: `notFound`, naming the first that is missing; `layoutMismatch` or `incompatibleMap` where one was made by a
  ///   version with another layout; `permissionDenied`.
  /// - Requires: CAP_BPF, Linux 6.1.
  public static func open(pinDirectory: FilePath) throws(BPFError) -> ServiceMaps {
    try ServiceMaps(PinnedServiceMaps(directory: pinDirectory))
  }
}

/// Where the maps come from.
protocol ServiceMapSource: ~Copyable {
  /// A map, compared with the Swift types.
  borrowing func map<Map: BPFMapProtocol & ~Copyable>(_ map: String, as type: Map.Type) throws(BPFError) -> Map
}

extension LoadedObject: ServiceMapSource {}

private struct PinnedServiceMaps: ServiceMapSource {
  let directory: FilePath

  func map<Map: BPFMapProtocol & ~Copyable>(_ map: String, as type: Map.Type) throws(BPFError) -> Map {
    try Map.open(pinnedAt: directory.appending(map))
  }
}

extension ServiceMapLimits {
  /// - Throws: `invalidArgument`, naming the limit and its range.
  package func check() throws(BPFError) {
    let indexes: ClosedRange<UInt32> = 2...(1 << FRONTEND_INDEX_BITS)
    let ranges: [(String, UInt32, ClosedRange<UInt32>)] = [
      ("frontends", frontends, 1...(1 << FRONTEND_INDEX_BITS)), ("vips", vips, indexes),
      ("services", services, indexes), ("slots", slots, 2...(1 << 31)), ("backends", backends, 2...(1 << 31)),
      ("sourceRanges", sourceRanges, 1...UInt32.max), ("nodeAddresses", nodeAddresses, 1...UInt32.max),
      ("exclusions", exclusions, 1...UInt32.max), ("affinities", affinities, 1...UInt32.max),
      ("datagramPeers", datagramPeers, 1...UInt32.max),
    ]
    for (name, value, range) in ranges where !range.contains(value) {
      throw BPFError(
        .invalidArgument,
        "size the maps of services: limit \(name) is \(value); choose \(range.lowerBound) ... \(range.upperBound)")
    }
  }
}
