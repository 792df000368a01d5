// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import DatapathPrograms
import LinuxSystem
import NetworkTypes
import ServiceLB
import SystemPackage

/// The load balancer behind a directory of pins.
struct PinnedBalancer {
  let directory: FilePath
  let balancer: ServiceLoadBalancer
  /// Nil: it only looks.
  private let lock: PinLock?

  /// Takes up what is pinned.
  ///
  /// - Parameters:
  ///   - directory: Where.
  ///   - changes: Whether it is to be changed: then by nobody else meanwhile.
  /// - Throws: `Failure` where nothing is pinned; where the kernel refuses.
  init(_ directory: FilePath, changes: Bool = false) throws {
    lock = try changes && !FileSystem.entries(of: directory).isEmpty ? PinLock(directory) : nil
    guard try FileSystem.entries(of: directory).contains("frontend4") else {
      throw Failure(
        .unavailable,
        "no load balancer is pinned in \(directory): make one with svclb apply, or say where it is with --pin")
    }
    self.directory = directory
    // Who only looks makes nothing, not even where another one takes the maps away meanwhile.
    balancer = try changes ? .load(pinDirectory: directory) : ServiceLoadBalancer(maps: .open(pinDirectory: directory))
  }

  /// Takes up what is pinned, or makes maps that are large enough, to change them.
  ///
  /// - Parameters:
  ///   - directory: Where.
  ///   - table: What is to be served: the maps of a new load balancer hold it twice over.
  /// - Throws: Where the kernel refuses.
  init(_ directory: FilePath, holding table: ServiceTable) throws {
    self.directory = directory
    if BPFFileSystem.mountPoint == nil { try BPFFileSystem.ensureMounted(at: "/sys/fs/bpf") }
    try BPFFileSystem.makeDirectory(directory)
    lock = try PinLock(directory)
    let frontends = table.entries.reduce(0) { $0 + $1.frontends.count }
    let backends = table.entries.reduce(0) { $0 + $1.backends.count }
    let each = table.entries.isEmpty ? 1 : (backends + table.entries.count - 1) / table.entries.count
    var limits = ServiceLimits(services: max(frontends, table.entries.count), backendsEach: max(each, 1))
    limits.slots = UInt32(min(Int(limits.slots) + table.maglevSlots * 2, 1 << 28))
    balancer = try .load(pinDirectory: directory, limits: .default.or(limits))
  }

  func services() throws -> PinnedServices {
    PinnedServices(try balancer.contents(), names: try ServiceNames(directory).byIndex)
  }

  /// Makes the kernel serve a table, and keeps what its services are called, for whoever looks later.
  ///
  /// - Returns: How long it took to bring the load balancer's maps to what is asked for.
  @discardableResult
  func apply(_ table: ServiceTable) async throws -> Duration {
    // Before anything is written.
    let names = try ServiceNames(directory)
    var update = ServiceUpdate()
    let took = try ContinuousClock().measure { update = try balancer.apply(table) }
    if !update.goneDatagramBackends.isEmpty { await endStaleDatagramSockets() }
    try names.keep(table, balancer.contents())
    return took
  }

  /// What happened at each service, in order of its first address.
  func counts() throws -> [CountRow] {
    try services().services.compactMap { service in
      guard let first = service.frontends.first, let counts = try balancer.counters(of: first.key) else { return nil }
      return CountRow(
        service: service.index, name: service.label, frontend: "\(first.key)", translated: counts.translated,
        refused: counts.refused,
        notLocal: counts.notLocal, filtered: counts.filtered)
    }
  }

  /// Forgets which clients stay with which endpoint.
  ///
  /// - Returns: How many there were.
  func forgetAffinities() throws -> Int {
    try balancer.maps.affinities.removeValues(forKeys: balancer.maps.affinities.entries().map(\.0))
  }
}

extension ServiceTable {
  /// What Maglev tables take of the slots: one for each scope, in pairs.
  fileprivate var maglevSlots: Int {
    entries.reduce(0) { sum, entry in
      guard case .maglev(let size) = entry.algorithm else { return sum }
      return sum + (size + 1) * (entry.local.isEmpty ? 1 : 2)
    }
  }
}

extension ServiceLimits {
  /// The larger of each.
  fileprivate func or(_ other: ServiceLimits) -> ServiceLimits {
    var limits = self
    limits.frontends = max(frontends, other.frontends)
    limits.vips = max(vips, other.vips)
    limits.services = max(services, other.services)
    limits.slots = max(slots, other.slots)
    limits.backends = max(backends, other.backends)
    return limits
  }
}
