// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/flow_abi.h

extension drop_counter: BPFValue {
  /// `struct drop_counter`.
  public static let layout = StructLayout(
    "drop_counter", of: Self.self, fields: [.init("packets", \.packets), .init("bytes", \.bytes)])
}

extension flow_record: BPFValue {
  /// `struct flow_record`.
  public static let layout = StructLayout(
    "flow_record", of: Self.self,
    fields: [
      .init("timestamp", \.timestamp), .init("source", \.source), .init("destination", \.destination),
      .init("source_port", \.source_port), .init("destination_port", \.destination_port),
      .init("endpoint", \.endpoint), .init("decision", \.decision), .init("generation", \.generation),
      .init("length", \.length), .init("protocol", \.protocol), .init("direction", \.direction),
      .init("verdict", \.verdict), .init("reason", \.reason),
    ])
}
