// SPDX-License-Identifier: Apache-2.0

internal import CDatapathABI
public import DatapathPrograms

/// How many entries each map of the load balancer has.
///
/// A service that changes needs its new slots and, for a second, its old ones: leave as many free as change at once.
public typealias ServiceLimits = ServiceMapLimits

extension ServiceMapLimits {
  /// How many service and VIP indices there can be.
  private static let indexLimit = FrontendWord.indexLimit

  /// Limits that hold a table twice over, so that all of it may change at once.
  ///
  /// - Parameters:
  ///   - services: How many service ports, with one address each.
  ///   - backends: How many endpoints each of them has.
  public init(services: Int, backendsEach backends: Int) {
    func clamped(_ value: Int, _ limit: UInt32) -> UInt32 { min(limit, UInt32(clamping: max(value, 64))) }
    self.init(
      frontends: clamped(services * 5 / 4, Self.indexLimit), vips: clamped(services * 5 / 2, Self.indexLimit),
      services: clamped(services * 5 / 4, Self.indexLimit),
      slots: clamped(services * SlotAllocator.space(for: backends) * 2, 1 << 28),
      backends: clamped(services * backends * 3 / 2, 1 << 28))
  }

  /// The memory that the maps take in the kernel, about.
  ///
  /// - Parameter processors: How many processors the kernel counts for.
  /// - Returns: Bytes. Tries take memory by the entry and are counted full; what a socket in the records' second place takes
  ///   is not counted.
  public func kernelBytes(processors: Int) -> Int {
    // A hash, LRU or not, spends 48 bytes on an element beside key and value, and 16 on each bucket.
    func hash(_ entries: UInt32, key: Int, value: Int) -> Int {
      let buckets = 1 << (UInt32.bitWidth - (max(entries, 2) - 1).leadingZeroBitCount)
      return (Int(entries) + processors) * (48 + (key + 7) / 8 * 8 + (value + 7) / 8 * 8) + buckets * 16
    }
    return hash(frontends, key: 8, value: 8) + hash(frontends, key: 20, value: 8) + Int(vips) * 32
      + Int(services) * (16 + 8 + 32 * processors) + Int(slots) * 4 + Int(backends) * 32
      + (Int(SOCKET_SLOTS) + 1) * MemoryLayout<socket_slot>.size
      + Int(sourceRanges) * 96 + hash(nodeAddresses, key: 16, value: 4) + hash(exclusions, key: 8, value: 4)
      + hash(affinities, key: 24, value: 16) + hash(datagramPeers, key: 32, value: 24)
  }
}
