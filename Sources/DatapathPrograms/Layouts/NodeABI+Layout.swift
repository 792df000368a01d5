// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/node_abi.h

extension node_flow_key: BPFValue {
  /// `struct node_flow_key`.
  public static let layout = StructLayout(
    "node_flow_key", of: Self.self,
    fields: [
      .init("source", \.source), .init("destination", \.destination), .init("source_port", \.source_port),
      .init("destination_port", \.destination_port), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension node_flow: BPFValue {
  /// `struct node_flow`.
  public static let layout = StructLayout(
    "node_flow", of: Self.self,
    fields: [
      .init("last_seen", \.last_seen), .init("source", \.source), .init("destination", \.destination),
      .init("source_port", \.source_port), .init("destination_port", \.destination_port), .init("flags", \.flags),
      .init("backend", \.backend), .init("epoch", \.epoch),
    ])
}
