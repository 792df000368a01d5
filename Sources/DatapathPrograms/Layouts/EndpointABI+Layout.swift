// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/endpoint_abi.h

extension endpoint: BPFValue {
  /// `struct endpoint`.
  public static let layout = StructLayout(
    "endpoint", of: Self.self, fields: [.init("address", \.address), .init("flags", \.flags)])
}

extension flow_key: BPFValue {
  /// `struct flow_key`.
  public static let layout = StructLayout(
    "flow_key", of: Self.self,
    fields: [
      .init("endpoint", \.endpoint), .init("peer_address", \.peer_address), .init("peer_port", \.peer_port),
      .init("local_port", \.local_port), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension flow_state: BPFValue {
  /// `struct flow_state`.
  public static let layout = StructLayout(
    "flow_state", of: Self.self,
    fields: [
      .init("last_seen", \.last_seen), .init("flags", \.flags), .init("decision", \.decision),
      .init("generation", \.generation), .init("padding", \.padding),
    ])
}
