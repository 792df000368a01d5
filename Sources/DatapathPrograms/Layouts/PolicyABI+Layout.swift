// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/policy_abi.h

extension policy_state: BPFValue {
  /// `struct policy_state`.
  public static let layout = StructLayout(
    "policy_state", of: Self.self, fields: [.init("generation", \.generation), .init("padding", \.padding)])
}

extension endpoint_policy: BPFValue {
  /// `struct endpoint_policy`.
  public static let layout = StructLayout(
    "endpoint_policy", of: Self.self,
    fields: [
      .init("generation", \.generation), .init("ingress_set", \.ingress_set), .init("egress_set", \.egress_set),
      .init("padding", \.padding),
    ])
}

extension peer_class_key: BPFValue {
  /// `struct peer_class_key`.
  public static let layout = StructLayout(
    "peer_class_key", of: Self.self,
    fields: [
      .init("prefix_length", \.prefix_length), .init("generation", \.generation), .init("address", \.address),
    ])
}

extension peer_class: BPFValue {
  /// `struct peer_class`.
  public static let layout = StructLayout(
    "peer_class", of: Self.self, fields: [.init("class_id", \.class_id), .init("flags", \.flags)])
}

extension verdict_key: BPFValue {
  /// `struct verdict_key`.
  public static let layout = StructLayout(
    "verdict_key", of: Self.self,
    fields: [
      .init("prefix_length", \.prefix_length), .init("rule_set", \.rule_set), .init("peer_class", \.peer_class),
      .init("protocol", \.protocol), .init("padding", \.padding), .init("port", \.port),
    ])
}

extension verdict: BPFValue {
  /// `struct verdict`.
  public static let layout = StructLayout(
    "verdict", of: Self.self, fields: [.init("decision", \.decision), .init("flags", \.flags)])
}
