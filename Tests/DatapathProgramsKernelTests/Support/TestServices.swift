// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import NetworkTypes

/// Writes the maps of services for a test: whatever is written gets new indexes.
///
/// For one task.
final class TestServices {
  /// Where a service sends what it gets.
  struct Backend {
    var address: IPAddress
    var port: UInt16
    var state = UInt8(BACKEND_ACTIVE)
    var isLocal = false
  }

  /// A service that was written.
  struct Service {
    var index: UInt32
    var vip: UInt32
    var backends: [UInt32]
  }

  let maps: ServiceMaps
  private var nextService: UInt32 = 1
  private var nextVIP: UInt32 = 1
  private var nextBackend: UInt32 = 1
  private var nextSlot: UInt32 = 0

  init() throws { maps = try ServiceMaps.load(limits: .small) }

  /// Writes a service with one frontend.
  @discardableResult
  func add(
    _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol = .tcp, to backends: [Backend], flags: UInt32 = 0,
    configuration: service_config = service_config(), vipEpoch: UInt32 = 0
  ) throws -> Service {
    let index = nextService
    nextService += 1
    let indexes = backends.map { backend in
      let number = nextBackend
      nextBackend += 1
      var record = CDatapathABI.backend()
      record.address = ip_address(backend.address)
      (record.port, record.protocol) = (backend.port.bigEndian, ipProtocol.rawValue)
      (record.state, record.service, record.epoch) = (backend.state, index, 1)
      maps.backends[number] = record
      return number
    }
    let serving = zip(backends, indexes).filter { $0.0.state == UInt8(BACKEND_ACTIVE) }
    let chosen = serving.isEmpty ? zip(backends, indexes).filter { $0.0.state == UInt8(BACKEND_TERMINATING) } : serving
    maps.services[index] = service(
      cluster: extent(of: chosen.map(\.1)), local: extent(of: chosen.filter(\.0.isLocal).map(\.1)))
    maps.configurations[index] = configuration
    let vip = try addFrontend(address, port, ipProtocol, of: index, flags: flags, epoch: vipEpoch)
    return Service(index: index, vip: vip, backends: indexes)
  }

  /// Writes one more frontend of a service.
  @discardableResult
  func addFrontend(
    _ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol, of service: UInt32, flags: UInt32 = 0,
    epoch: UInt32 = 0
  ) throws -> UInt32 {
    let number = nextVIP
    nextVIP += 1
    var record = CDatapathABI.vip()
    record.address = ip_address(address)
    (record.port, record.protocol) = (port.bigEndian, ipProtocol.rawValue)
    (record.service, record.epoch) = (service, epoch)
    maps.vips[number] = record
    let word = frontend_word(
      value: UInt64(service) | UInt64(number) << UInt64(FRONTEND_VIP_SHIFT)
        | UInt64(flags) << UInt64(FRONTEND_FLAGS_SHIFT) | UInt64(epoch) << UInt64(FRONTEND_EPOCH_SHIFT))
    switch address {
    case .v4(let address):
      try maps.frontends4.updateValue(
        word,
        forKey: frontend_key4(
          address: address.networkOrder, port: port.bigEndian, protocol: ipProtocol.rawValue, padding: 0))
    case .v6(let address):
      try maps.frontends6.updateValue(
        word,
        forKey: frontend_key6(
          address: ip_address(address), port: port.bigEndian, protocol: ipProtocol.rawValue, padding: 0))
    }
    return number
  }

  /// Takes a frontend away.
  func removeFrontend(_ address: IPAddress, _ port: UInt16, _ ipProtocol: IPProtocol = .tcp) throws {
    switch address {
    case .v4(let address):
      try maps.frontends4.removeValue(
        forKey: frontend_key4(
          address: address.networkOrder, port: port.bigEndian, protocol: ipProtocol.rawValue, padding: 0))
    case .v6(let address):
      try maps.frontends6.removeValue(
        forKey: frontend_key6(
          address: ip_address(address), port: port.bigEndian, protocol: ipProtocol.rawValue, padding: 0))
    }
  }

  /// Sets a backend's state, and what the service chooses from.
  func setState(_ state: Int32, ofBackend number: UInt32, of written: Service) {
    var record = maps.backends[number]
    record.state = UInt8(state)
    let active = written.backends.filter { $0 != number || state == BACKEND_ACTIVE }
      .filter { maps.backends[$0].state == UInt8(BACKEND_ACTIVE) }
    var extents = maps.services[written.index]
    extents.cluster = extent(of: active)
    maps.services[written.index] = extents
    maps.backends[number] = record
  }

  /// Gives a service endpoints that were written for another.
  func move(_ backends: [UInt32], to written: Service) {
    for number in backends {
      var record = maps.backends[number]
      record.service = written.index
      maps.backends[number] = record
    }
    maps.services[written.index] = service(cluster: extent(of: backends), local: slot_extent())
  }

  private func extent(of indexes: [UInt32]) -> slot_extent {
    let first = nextSlot
    for index in indexes {
      var pair = maps.slots[nextSlot / 2]
      if nextSlot % 2 == 0 { pair.backend.0 = index } else { pair.backend.1 = index }
      maps.slots[nextSlot / 2] = pair
      nextSlot += 1
    }
    return slot_extent(value: UInt64(first) | UInt64(indexes.count) << UInt64(EXTENT_COUNT_SHIFT))
  }
}

extension ServiceMapLimits {
  /// Enough for a test.
  static let small = ServiceMapLimits(
    frontends: 64, vips: 64, services: 64, slots: 65_536, backends: 256, sourceRanges: 64, nodeAddresses: 16,
    exclusions: 1, affinities: 64, datagramPeers: 1)
}
