// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/policy_abi.h

extension policy_state: BPFValue {
  /// `struct policy_state`.
  public static let layout = StructLayout(
    "policy_state", of: Self.self,
    fields: [.init("generation", \.generation), .init("padding", \.padding)])
}

extension version_word: BPFValue {
  /// `struct version_word`.
  public static let layout = StructLayout(
    "version_word", of: Self.self,
    fields: [.init("value", \.value)])
}

extension policy_stages: BPFValue {
  /// `struct policy_stages`.
  public static let layout = StructLayout(
    "policy_stages", of: Self.self,
    fields: [.init("admin", \.admin), .init("policy", \.policy), .init("baseline", \.baseline)])
}

extension endpoint_policy: BPFValue {
  /// `struct endpoint_policy`.
  public static let layout = StructLayout(
    "endpoint_policy", of: Self.self,
    fields: [.init("ingress", \.ingress), .init("egress", \.egress)])
}

extension rule_set: BPFValue {
  /// `struct rule_set`.
  public static let layout = StructLayout(
    "rule_set", of: Self.self,
    fields: [
      .init("default_table", \.default_table), .init("default_decision", \.default_decision),
      .init("own_node", \.own_node), .init("range4_first", \.range4_first), .init("range4_count", \.range4_count),
      .init("range6_first", \.range6_first), .init("range6_count", \.range6_count), .init("padding", \.padding),
    ])
}

extension peer_class: BPFValue {
  /// `struct peer_class`.
  public static let layout = StructLayout(
    "peer_class", of: Self.self,
    fields: [.init("policy", \.policy), .init("cluster", \.cluster)])
}

extension verdict_key: BPFValue {
  /// `struct verdict_key`.
  public static let layout = StructLayout(
    "verdict_key", of: Self.self,
    fields: [.init("rule_set", \.rule_set), .init("peer_class", \.peer_class)])
}

extension verdict: BPFValue {
  /// `struct verdict`.
  public static let layout = StructLayout(
    "verdict", of: Self.self,
    fields: [.init("table", \.table), .init("decision", \.decision)])
}

extension address_range4: BPFValue {
  /// `struct address_range4`.
  public static let layout = StructLayout(
    "address_range4", of: Self.self,
    fields: [.init("first", \.first), .init("last", \.last), .init("table", \.table), .init("decision", \.decision)])
}

extension address_range6: BPFValue {
  /// `struct address_range6`.
  public static let layout = StructLayout(
    "address_range6", of: Self.self,
    fields: [
      .init("first_high", \.first_high), .init("first_low", \.first_low), .init("last_high", \.last_high),
      .init("last_low", \.last_low), .init("table", \.table), .init("decision", \.decision),
    ])
}

extension port_table: BPFValue {
  /// `struct port_table`.
  public static let layout = StructLayout(
    "port_table", of: Self.self,
    fields: [
      .init("first", \.first), .init("count", \.count), .init("rest", \.rest), .init("other", \.other),
      .init("padding", \.padding),
    ])
}

extension port_range: BPFValue {
  /// `struct port_range`.
  public static let layout = StructLayout(
    "port_range", of: Self.self,
    fields: [.init("first", \.first), .init("last", \.last), .init("verdict", \.verdict)])
}

extension decision_counter: BPFValue {
  /// `struct decision_counter`.
  public static let layout = StructLayout(
    "decision_counter", of: Self.self,
    fields: [.init("allowed", \.allowed), .init("dropped", \.dropped)])
}
