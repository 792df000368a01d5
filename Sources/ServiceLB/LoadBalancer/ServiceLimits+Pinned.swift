// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import SystemPackage

extension ServiceLimits {
  /// These limits, but the sizes of maps that are pinned already: a table that is in use cannot be resized.
  func adopting(pinnedIn directory: FilePath?) throws(BPFError) -> ServiceLimits {
    guard let directory else { return self }
    var limits = self
    func adopt<Map: BPFMapProtocol & ~Copyable>(
      _ limit: inout UInt32, _ name: String, _ type: Map.Type
    ) throws(BPFError) {
      do throws(BPFError) {
        limit = try Map.open(pinnedAt: directory.appending(name)).info.maximumEntryCount
      } catch {
        if error.code != .notFound { throw error }
      }
    }
    try adopt(&limits.frontends, "frontend", BPFHashMap<frontend_key, frontend>.self)
    try adopt(&limits.services, "service", BPFArrayMap<service_word>.self)
    try adopt(&limits.slots, "service_slot", BPFArrayMap<service_slot>.self)
    try adopt(&limits.backends, "backend", BPFArrayMap<backend>.self)
    try adopt(&limits.datagramPeers, "datagram_peer", BPFHashMap<datagram_peer_key, datagram_peer>.self)
    return limits
  }
}
