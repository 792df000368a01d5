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

  /// Takes up what is pinned.
  ///
  /// - Parameter directory: Where.
  /// - Throws: `Failure` where nothing is pinned; where the kernel refuses.
  init(_ directory: FilePath) throws {
    guard try FileSystem.entries(of: directory).contains("frontend4") else {
      throw Failure(
        .unavailable,
        "no load balancer is pinned in \(directory): make one with svclb apply, or say where it is with --pin")
    }
    self.directory = directory
    balancer = try .load(pinDirectory: directory)
  }

  /// Takes up what is pinned, or makes maps that are large enough.
  ///
  /// - Parameters:
  ///   - directory: Where.
  ///   - table: What is to be served: the maps of a new load balancer hold it twice over.
  /// - Throws: Where the kernel refuses.
  init(_ directory: FilePath, holding table: ServiceTable) throws {
    self.directory = directory
    if BPFFileSystem.mountPoint == nil { try BPFFileSystem.ensureMounted(at: "/sys/fs/bpf") }
    let frontends = table.entries.reduce(0) { $0 + $1.frontends.count }
    let backends = table.entries.reduce(0) { $0 + $1.backends.count }
    let each = table.entries.isEmpty ? 1 : (backends + table.entries.count - 1) / table.entries.count
    balancer = try .load(
      pinDirectory: directory,
      limits: .default.or(ServiceLimits(services: max(frontends, table.entries.count), backendsEach: max(each, 1))))
  }

  func services() throws -> PinnedServices {
    PinnedServices(try balancer.contents(), names: try ServiceNames(directory).byIndex)
  }

  /// Makes the kernel serve a table, and keeps what its services are called, for whoever looks later.
  ///
  /// - Returns: How long it took to bring the load balancer's maps to what is asked for.
  @discardableResult
  func apply(_ table: ServiceTable) throws -> Duration {
    let took = try ContinuousClock().measure { _ = try balancer.apply(table) }
    try ServiceNames(directory).keep(table, balancer.contents())
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
