// SPDX-License-Identifier: Apache-2.0

internal import BPFMaps
internal import CDatapathABI
internal import DatapathPrograms
internal import NetworkTypes

// The records as they lie in the maps, both ways.

extension BackendRecord {
  var stored: backend {
    backend(
      address: ip_address(address), port: port.networkOrder, protocol: `protocol`.rawValue, state: state.rawValue,
      service: service, epoch: epoch, load: 0)
  }

  /// Nil: the index was never used.
  init?(_ stored: backend) {
    guard let port = Port(rawValue: UInt16(bigEndian: stored.port)), let state = State(rawValue: stored.state) else {
      return nil
    }
    self.init(
      address: stored.address.address, port: port, protocol: IPProtocol(rawValue: stored.protocol), state: state,
      service: stored.service, epoch: stored.epoch, load: stored.load)
  }
}

extension VIPRecord {
  var stored: vip {
    vip(
      address: ip_address(frontend.address), port: frontend.port.networkOrder, protocol: frontend.protocol.rawValue,
      padding: 0, service: service, epoch: epoch, reserved: 0)
  }

  /// Nil: the index was never used.
  init?(_ stored: vip) {
    guard let port = Port(rawValue: UInt16(bigEndian: stored.port)) else { return nil }
    self.init(
      frontend: ServiceFrontend.Key(
        address: stored.address.address, port: port, protocol: IPProtocol(rawValue: stored.protocol)),
      service: stored.service, epoch: stored.epoch)
  }
}

extension ServiceConfiguration {
  var stored: service_config {
    service_config(
      affinity_seconds: affinitySeconds, algorithm: algorithm.rawValue,
      flags: isDirectReturn ? UInt8(SERVICE_DSR) : 0, padding: 0)
  }

  init(_ stored: service_config) {
    self.init(
      affinitySeconds: stored.affinity_seconds, algorithm: Algorithm(rawValue: stored.algorithm) ?? .random,
      isDirectReturn: stored.flags & UInt8(SERVICE_DSR) != 0)
  }
}

extension ServiceFrontend.Key {
  /// The key of map `frontend4`; nil for IPv6.
  var stored4: frontend_key4? {
    guard case .v4(let address) = address else { return nil }
    return frontend_key4(
      address: address.networkOrder, port: port.networkOrder, protocol: `protocol`.rawValue, padding: 0)
  }

  /// The key of map `frontend6`; nil for IPv4.
  var stored6: frontend_key6? {
    guard case .v6(let address) = address else { return nil }
    return frontend_key6(
      address: ip_address(address), port: port.networkOrder, protocol: `protocol`.rawValue, padding: 0)
  }

  /// Nil for a key that no frontend has: port 0.
  init?(_ stored: frontend_key4) {
    guard let port = Port(rawValue: UInt16(bigEndian: stored.port)) else { return nil }
    self.init(
      address: .v4(IPv4Address(networkOrder: stored.address)), port: port,
      protocol: IPProtocol(rawValue: stored.protocol))
  }

  /// Nil for a key that no frontend has: port 0, or an IPv4 address.
  init?(_ stored: frontend_key6) {
    let address = stored.address.address
    guard let port = Port(rawValue: UInt16(bigEndian: stored.port)), address.family == .ipv6 else { return nil }
    self.init(address: address, port: port, protocol: IPProtocol(rawValue: stored.protocol))
  }
}

extension SourceRange {
  /// The bits before the address: the service.
  private static let serviceBits = 32
  /// The bits before an IPv4 address in its mapped form.
  private static let mappedBits = 96

  var stored: source_range_key {
    source_range_key(
      prefix_length: UInt32(
        Self.serviceBits + range.prefixLength + (range.family == .ipv4 ? Self.mappedBits : 0)),
      service: service.bigEndian, address: ip_address(range.network))
  }

  /// Nil for a key that no range has.
  init?(_ stored: source_range_key) {
    let address = stored.address.address
    let bits = Int(stored.prefix_length) - Self.serviceBits - (address.family == .ipv4 ? Self.mappedBits : 0)
    guard let range = IPCIDR(address: address, prefixLength: bits) else { return nil }
    self.init(service: UInt32(bigEndian: stored.service), range: range)
  }
}
