// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import ServiceLB

/// What the pinned maps serve, service by service.
///
/// Names of services are not in the load balancer's maps: there a service is known by its number and by the addresses it
/// answers at.
struct PinnedServices {
  /// One service.
  struct Service {
    /// Its index in the maps.
    var index: UInt32
    /// What it is called; nil where nobody said.
    var givenName: ServicePortName?
    var configuration: ServiceConfiguration
    var extents: ServiceExtents
    /// What it answers at, in order.
    var frontends: [(key: ServiceFrontend.Key, word: FrontendWord)]
    /// Its backends by index, in order of address.
    var backends: [(index: UInt32, record: BackendRecord)]
    /// Indices of backends, slot by slot.
    var cluster: [UInt32]
    var local: [UInt32]
    /// Who may come from outside; empty: everyone.
    var sourceRanges: [IPCIDR]
  }

  let services: [Service]
  let contents: ServiceMapContents

  init(_ contents: ServiceMapContents, names: [UInt32: ServicePortName] = [:]) {
    self.contents = contents
    var byIndex: [UInt32: Service] = [:]
    func value<Element>(_ array: [Element], _ index: UInt32, _ other: Element) -> Element {
      Int(index) < array.count ? array[Int(index)] : other
    }
    func indices(_ extent: SlotExtent) -> [UInt32] {
      extent.slots.compactMap { Int($0) < contents.slots.count ? contents.slots[Int($0)] : nil }
    }
    for (key, word) in contents.frontends {
      if byIndex[word.service] == nil {
        let extents = contents.extents(of: word.service)
        byIndex[word.service] = Service(
          index: word.service, givenName: names[word.service],
          configuration: value(contents.configurations, word.service, ServiceConfiguration()), extents: extents,
          frontends: [], backends: [], cluster: indices(extents.cluster), local: indices(extents.local),
          sourceRanges: [])
      }
      byIndex[word.service]?.frontends.append((key, word))
    }
    for (index, record) in contents.backends.enumerated() {
      guard let record else { continue }
      byIndex[record.service]?.backends.append((UInt32(index), record))
    }
    for range in contents.sourceRanges { byIndex[range.service]?.sourceRanges.append(range.range) }
    services = byIndex.values.map { service in
      var service = service
      service.frontends.sort { $0.key < $1.key }
      service.backends.sort { $0.record.key < $1.record.key }
      service.sourceRanges.sort { ($0.address, $0.prefixLength) < ($1.address, $1.prefixLength) }
      return service
    }.sorted { $0.frontends[0].key < $1.frontends[0].key }
  }

  /// The service that answers at a frontend; nil: none.
  func service(at frontend: ServiceFrontend.Key) -> Service? {
    guard let word = contents.frontends[frontend] else { return nil }
    return services.first { $0.index == word.service }
  }

  /// What the service of a frontend is called, or its number.
  func label(_ word: FrontendWord) -> String {
    services.first { $0.index == word.service }?.label ?? "\(word.service)"
  }

  /// The same as desired state, to change it and apply it again.
  ///
  /// Weights of Maglev tables are not in the maps: they come out as 1.
  var table: ServiceTable {
    ServiceTable(entries: services.map(\.entry), nodeAddresses: contents.nodeAddresses.sorted())
  }
}

extension PinnedServices.Service {
  /// What it is called, or its number.
  var label: String { givenName.map { "\($0)" } ?? "\(index)" }

  /// The name that it has as desired state: without one of its own, the first address it answers at.
  var name: ServicePortName {
    givenName ?? ServicePortName(namespace: "pinned", service: frontends.first.map { "\($0.key)" } ?? "\(index)")
  }

  /// Desired state that gives what is in the maps.
  var entry: ServiceEntry {
    let isLocal = Set(local)
    let serving = Set(cluster)
    var byKey: [ServiceBackend.Key: UInt32] = [:]
    let live = backends.filter { $0.record.state != .gone }
    for backend in live { byKey[backend.record.key] = backend.index }
    var entry = ServiceEntry(
      name: name, family: frontends.first?.key.address.family ?? .ipv4,
      frontends: frontends.map { key, word in
        ServiceFrontend(
          Self.kind(word.flags), address: key.address, port: key.port, protocol: key.protocol,
          servesCluster: !word.flags.contains(.notInternal))
      },
      backends: live.map { index, record in
        ServiceBackend(
          address: record.address, port: record.port, isLocal: isLocal.contains(index),
          isTerminating: record.state == .terminating)
      })
    entry.cluster = entry.backends.indices.filter { byKey[entry.backends[$0].key].map(serving.contains) ?? false }
    entry.local = entry.backends.indices.filter { byKey[entry.backends[$0].key].map(isLocal.contains) ?? false }
    entry.isInternalLocal = frontends.contains { $0.word.flags.contains(.internalLocal) }
    entry.isExternalLocal = frontends.contains { $0.word.flags.contains(.externalLocal) }
    entry.isLocalRedirect = frontends.contains { $0.word.flags.contains(.localRedirect) }
    entry.affinitySeconds = configuration.affinitySeconds == 0 ? nil : configuration.affinitySeconds
    entry.algorithm = algorithm
    entry.sourceRanges = sourceRanges
    entry.isDirectReturn = configuration.isDirectReturn
    return entry
  }

  var algorithm: ServiceAlgorithm {
    switch configuration.algorithm {
    case .random: .random
    case .leastLoad: .leastLoad
    case .maglev: .maglev(tableSize: max(extents.cluster.count, extents.local.count) > 16_381 ? 65_521 : 16_381)
    }
  }

  private static func kind(_ flags: FrontendWord.Flags) -> ServiceFrontend.Kind {
    if flags.contains(.nodePort) { return .nodePort }
    if flags.contains(.sourceRanges) { return .loadBalancer }
    return flags.contains(.external) ? .externalIP : .clusterIP
  }
}
