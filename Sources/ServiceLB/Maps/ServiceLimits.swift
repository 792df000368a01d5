// SPDX-License-Identifier: Apache-2.0

/// How many entries each map of the load balancer has.
///
/// The memory of the arrays is taken when they are loaded.
public struct ServiceLimits: Hashable, Sendable {
  /// Addresses services answer at (map `frontend`), at least 1.
  public var frontends: UInt32
  /// Service ports (maps `service` and `service_counter`), at least 1.
  public var services: UInt32
  /// Backends summed over all service ports (map `service_slot`), 1...2^28.
  public var slots: UInt32
  /// Distinct backends (map `backend`), at least 2: number 0 is never used.
  public var backends: UInt32
  /// Unconnected UDP sockets times the backends each talks to (map `datagram_peer`), at least 1; the least recently
  /// used entry is dropped when it is full.
  public var datagramPeers: UInt32

  /// Limits for a node of a large cluster: 65 536 of each, and 1 048 576 slots; about 10 MiB and 1 MiB per CPU.
  public static let `default` = ServiceLimits()

  /// Makes limits; see the properties for the ranges.
  public init(
    frontends: UInt32 = 65_536, services: UInt32 = 65_536, slots: UInt32 = 1_048_576, backends: UInt32 = 65_536,
    datagramPeers: UInt32 = 65_536
  ) {
    self.frontends = frontends
    self.services = services
    self.slots = slots
    self.backends = backends
    self.datagramPeers = datagramPeers
  }

  func check() throws(ServiceError) {
    func check(_ name: String, _ value: UInt32, _ range: ClosedRange<UInt32>) throws(ServiceError) {
      guard range.contains(value) else {
        throw ServiceError(
          code: .invalidLimits,
          message: "limit \(name) is \(value): choose a value in \(range.lowerBound)...\(range.upperBound)")
      }
    }
    try check("frontends", frontends, 1...(1 << 24))
    try check("services", services, 1...(1 << 24))
    try check("slots", slots, 1...ServiceWord.slotLimit)
    try check("backends", backends, 2...(1 << 24))
    try check("datagramPeers", datagramPeers, 1...(1 << 24))
  }
}
