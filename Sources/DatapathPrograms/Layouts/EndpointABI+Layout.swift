// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI
public import NetworkTypes

// bpf/include/endpoint_abi.h

extension endpoint: BPFValue {
  /// `struct endpoint`.
  public static let layout = StructLayout(
    "endpoint", of: Self.self,
    fields: [.init("address", \.address), .init("flags", \.flags), .init("address6", \.address6)])
}

extension endpoint {
  /// A pod with its addresses.
  ///
  /// - Parameters:
  ///   - ipv4: Its IPv4 address; nil: none.
  ///   - ipv6: Its IPv6 address; nil: none.
  ///   - flags: `ENDPOINT_PRESENT` and the like.
  public init(ipv4: IPv4Address? = nil, ipv6: IPv6Address? = nil, flags: UInt32) {
    self.init(
      address: ipv4?.networkOrder ?? 0, flags: flags, address6: ipv6.map { ip_address($0) } ?? ip_address())
  }

  /// Its IPv4 address; nil: none.
  public var ipv4: IPv4Address? { address == 0 ? nil : IPv4Address(networkOrder: address) }
  /// Its IPv6 address; nil: none.
  public var ipv6: IPv6Address? {
    guard case .v6(let address) = address6.address, address != IPv6Address(high: 0, low: 0) else { return nil }
    return address
  }

  /// Whether it is the entry of the pod with these addresses.
  ///
  /// By one of them: a pod may get its second one, or lose it, and stays the same pod.
  package func belongs(to address: IPv4Address?, _ address6: IPv6Address?) -> Bool {
    (ipv4 != nil && ipv4 == address) || (ipv6 != nil && ipv6 == address6)
  }
}

extension flow_key: BPFValue {
  /// `struct flow_key`.
  public static let layout = StructLayout(
    "flow_key", of: Self.self,
    fields: [
      .init("peer_address", \.peer_address), .init("peer_port", \.peer_port), .init("local_port", \.local_port),
      .init("endpoint", \.endpoint), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension flow_state: BPFValue {
  /// `struct flow_state`.
  public static let layout = StructLayout(
    "flow_state", of: Self.self,
    fields: [
      .init("last_seen", \.last_seen), .init("flags", \.flags), .init("decision", \.decision),
      .init("generation", \.generation), .init("translation", \.translation),
    ])
}
