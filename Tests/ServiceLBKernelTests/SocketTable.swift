// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB
import Synchronization
import SystemPackage

/// A service in the maps.
struct ServedService: Sendable {
  let index: UInt32
  /// Indices of its backends, in the order given.
  let backends: [UInt32]
}

/// The maps of services, written by hand: what the socket programs meet, without a writer between.
final class SocketTable: Sendable {
  let maps: ServiceMaps
  private struct Next {
    var service: UInt32 = 1
    var vip: UInt32 = 1
    var backend: UInt32 = 1
    var slot: UInt32 = 0
  }
  private let next = Mutex(Next())

  init(_ maps: ServiceMaps) { self.maps = maps }

  // The last two: see ``ServiceMapLimits/affinities`` for what a small one does.
  static let limits = ServiceMapLimits(
    frontends: 256, vips: 512, services: 256, slots: 65_536, backends: 512, sourceRanges: 16, nodeAddresses: 16,
    exclusions: 16, affinities: 1024, datagramPeers: 1024)

  /// Serves a frontend.
  ///
  /// - Parameters:
  ///   - frontend: What is asked for.
  ///   - kind: Of its sockets.
  ///   - flags: `FRONTEND_*`.
  ///   - backends: The cluster scope.
  ///   - local: Positions of those in the local scope.
  ///   - algorithm: `SERVICE_*`.
  ///   - affinity: In seconds; 0: none.
  ///   - slots: Positions of backends, for tables of Maglev; nil: one slot each.
  /// - Returns: The service.
  /// - Throws: What the maps throw.
  @discardableResult
  func serve(
    _ frontend: Endpoint, _ kind: Socket.Kind, flags: UInt32 = 0, to backends: [Endpoint], local: [Int] = [],
    algorithm: Int32 = SERVICE_RANDOM, affinity: UInt32 = 0, slots: [Int]? = nil
  ) throws -> ServedService {
    let index = next.withLock { next in
      defer { next.service += 1 }
      return next.service
    }
    let numbers = backends.map { addBackend($0, kind, of: index) }
    let served = ServedService(index: index, backends: numbers)
    setExtents(of: served, cluster: slots ?? Array(backends.indices), local: local)
    maps.configurations[index] = service_config(
      affinity_seconds: affinity, algorithm: UInt8(algorithm), flags: 0, padding: 0)
    let configured: UInt32 = affinity > 0 || algorithm != SERVICE_RANDOM ? FRONTEND_CONFIGURED : 0
    try add(frontend, kind, flags: flags | configured, to: served)
    return served
  }

  /// Serves a service at another frontend.
  func add(_ frontend: Endpoint, _ kind: Socket.Kind, flags: UInt32 = 0, to served: ServedService) throws {
    let number = next.withLock { next in
      defer { next.vip += 1 }
      return next.vip
    }
    let port = frontend.port.bigEndian
    let epoch: UInt64 = 1
    maps.vips[number] = vip(
      address: ip_address(frontend.address), port: port, protocol: kind.number, padding: 0, service: served.index,
      epoch: UInt32(epoch), reserved: 0)
    let word = frontend_word(
      value: UInt64(served.index) | UInt64(number) << FRONTEND_VIP_SHIFT | UInt64(flags) << FRONTEND_FLAGS_SHIFT
        | epoch << FRONTEND_EPOCH_SHIFT)
    switch frontend.address {
    case .v4(let address):
      try maps.frontends4.updateValue(
        word,
        forKey: frontend_key4(address: address.networkOrder, port: port, protocol: kind.number, padding: 0))
    case .v6(let address):
      try maps.frontends6.updateValue(
        word,
        forKey: frontend_key6(address: ip_address(address), port: port, protocol: kind.number, padding: 0))
    }
  }

  /// Serves a frontend no more.
  func remove(_ frontend: Endpoint, _ kind: Socket.Kind) throws {
    guard case .v4(let address) = frontend.address else { throw Errno.invalidArgument }
    try maps.frontends4.removeValue(
      forKey: frontend_key4(
        address: address.networkOrder, port: frontend.port.bigEndian, protocol: kind.number, padding: 0))
  }

  private func addBackend(_ endpoint: Endpoint, _ kind: Socket.Kind, of service: UInt32) -> UInt32 {
    let number = next.withLock { next in
      defer { next.backend += 1 }
      return next.backend
    }
    maps.backends[number] = backend(
      address: ip_address(endpoint.address), port: endpoint.port.bigEndian, protocol: kind.number,
      state: UInt8(BACKEND_ACTIVE), service: service, epoch: 1, load: 0)
    return number
  }

  /// Writes new extents: positions of the service's backends.
  func setExtents(of served: ServedService, cluster: [Int], local: [Int] = []) {
    let words = [cluster, local].map { positions in
      let first = next.withLock { next in
        defer { next.slot += UInt32(positions.count) }
        return next.slot
      }
      for (offset, position) in positions.enumerated() {
        let slot = first + UInt32(offset)
        var pair = maps.slots[slot / 2]
        if slot % 2 == 0 {
          pair.backend.0 = served.backends[position]
        } else {
          pair.backend.1 = served.backends[position]
        }
        maps.slots[slot / 2] = pair
      }
      return UInt64(first) | UInt64(positions.count) << EXTENT_COUNT_SHIFT
    }
    maps.services.store(words[0], in: maps.services.field(\.cluster.value), at: served.index, ordering: .releasing)
    maps.services.store(words[1], in: maps.services.field(\.local.value), at: served.index, ordering: .releasing)
  }

  /// Changes a backend's state.
  func set(_ state: Int32, of backend: UInt32) { maps.backends[backend].state = UInt8(state) }

  func load(of backend: UInt32) -> UInt32 { maps.backends[backend].load }

  /// What happened to a service's clients, on all processors.
  func counts(of served: ServedService) throws -> [UInt64] {
    let values = try maps.counters.values(at: served.index) ?? []
    return [\service_counter.translated, \.refused, \.not_local, \.filtered].map { path in
      values.reduce(0) { $0 + $1[keyPath: path] }
    }
  }
}

extension Socket.Kind {
  /// The protocol in the maps.
  var number: UInt8 { self == .tcp || self == .mptcp ? 6 : 17 }
}

/// Socket programs at a control group that this process is in, and a namespace whose loopback device has fd00::1:1 and
/// the next three addresses, and 198.51.100.7.
func withSockets(
  _ constants: ServiceConstants = ServiceConstants(),
  _ body: (SocketTable, NetworkNamespace) async throws -> Void
) async throws {
  try await withControlGroup { group in
    let maps = try ServiceMaps.load(limits: SocketTable.limits)
    let attachments = try await ServiceAttachments.attach(
      SocketPrograms.load(using: maps, constants: constants), toCgroup: group)
    try await withServiceNamespace { namespace in
      try await inControlGroup(group) { try await body(SocketTable(maps), namespace) }
    }
    try await attachments.detach()
  }
}

/// A namespace whose loopback device has the addresses that these tests use.
func withServiceNamespace(_ body: (NetworkNamespace) async throws -> Void) async throws {
  try await withScratchNamespace { namespace in
    let socket = try await NetlinkSocket(in: namespace)
    let addresses = socket.addresses
    for endpoint in Servers.endpoints(4, port: 1, .ipv6) {
      try await addresses.add(
        InterfaceAddress(index: .loopback, address: endpoint.address, prefixLength: 128, flags: .noDAD))
    }
    try await addresses.add(
      InterfaceAddress(index: .loopback, address: .v4(IPv4Address(198, 51, 100, 7)), prefixLength: 32))
    try await waitForDelivery(to: Servers.endpoints(4, port: 1, .ipv6).map(\.address), socket)
    try await body(namespace)
  }
}
