// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import ServiceLB
import SystemPackage

/// What services are called, by their number: a map of this program's own, beside those of the load balancer.
///
/// No program in the kernel reads it.
struct ServiceNames {
  private let path: FilePath
  let byIndex: [UInt32: ServicePortName]

  static let pin = "service_name"

  /// Reads the names in a directory; none where there is no such map.
  init(_ directory: FilePath) throws {
    path = directory.appending(Self.pin)
    var names: [UInt32: ServicePortName] = [:]
    if let map = try Self.map(path) {
      for (index, text) in try map.entries() { names[index] = text.name }
    }
    byIndex = names
  }

  /// Keeps the names of what is served, in place of these.
  ///
  /// - Parameters:
  ///   - table: Entries with names. Those of lists have none.
  ///   - contents: What was made of them.
  /// - Throws: Where the kernel refuses.
  func keep(_ table: ServiceTable, _ contents: ServiceMapContents) throws {
    var names: [UInt32: ServicePortName] = [:]
    // A host port's has its pod's name in it, which may be longer than there is room. Half a name may be two entries'.
    for entry in table.entries where !Self.isMadeUp(entry.name) && Text.holds(entry.name) {
      guard let key = entry.frontends.first?.key, let word = contents.frontends[key] else { continue }
      names[word.service] = entry.name
    }
    guard names != byIndex else { return }
    _ = try Self.map(path, holding: names.count).replaceAll(with: names.mapValues { Text($0) })
  }

  /// The namespace of entries that were read from the maps, and of those of lists.
  private static func isMadeUp(_ name: ServicePortName) -> Bool { ["pinned", "list"].contains(name.namespace) }

  private typealias Map = BPFHashMap<UInt32, Text>

  private static func map(_ path: FilePath) throws -> Map? {
    do throws(BPFError) {
      return try Map.open(pinnedAt: path)
    } catch {
      guard error.code == .notFound else { throw Failure(Failure(error)?.status ?? .system, "\(path): \(error)") }
      return nil
    }
  }

  /// The map that is pinned, or a larger one in its place.
  private static func map(_ path: FilePath, holding count: Int) throws -> Map {
    if let map = try map(path) {
      guard map.info.maximumEntryCount < count else { return map }
      _ = try BPFFileSystem.removePin(at: path)
    }
    let map = try Map.create(name: pin, maximumEntryCount: UInt32(max(count * 2, 1024)), flags: .noPreallocation)
    try map.pin(at: path)
    return map
  }

  /// A name as the map has it: its description, and zero bytes to the end.
  private struct Text: BPFValue, BitwiseCopyable {
    /// 63 bytes for each of the namespace and the service, 15 for the port, and what is between them.
    private var bytes = InlineArray<144, UInt8>(repeating: 0)

    static var layout: StructLayout { StructLayout(scalar: Self.self) }

    static func holds(_ name: ServicePortName) -> Bool {
      name.description.utf8.count <= MemoryLayout<Text>.size
    }

    init(_ name: ServicePortName) {
      for (index, byte) in zip(bytes.indices, name.description.utf8) { bytes[index] = byte }
    }

    var name: ServicePortName {
      let text = String(decoding: bytes.indices.lazy.map { bytes[$0] }.prefix { $0 != 0 }, as: UTF8.self)
      let halves = text.split(separator: "/", maxSplits: 1)
      let ends = (halves.last ?? "").split(separator: ":", maxSplits: 1)
      return ServicePortName(
        namespace: String(halves.first ?? ""), service: String(ends.first ?? ""),
        port: ends.count > 1 ? String(ends[1]) : "")
    }
  }
}
