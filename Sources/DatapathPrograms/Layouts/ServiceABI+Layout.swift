// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/service_abi.h

extension frontend_key4: BPFValue {
  /// `struct frontend_key4`.
  public static let layout = StructLayout(
    "frontend_key4", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension frontend_key6: BPFValue {
  /// `struct frontend_key6`.
  public static let layout = StructLayout(
    "frontend_key6", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension frontend_word: BPFValue {
  /// `struct frontend_word`.
  public static let layout = StructLayout("frontend_word", of: Self.self, fields: [.init("value", \.value)])
}

extension vip: BPFValue {
  /// `struct vip`.
  public static let layout = StructLayout(
    "vip", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("protocol", \.protocol), .init("padding", \.padding),
      .init("service", \.service), .init("epoch", \.epoch), .init("reserved", \.reserved),
    ])
}

extension slot_extent: BPFValue {
  /// `struct slot_extent`.
  public static let layout = StructLayout("slot_extent", of: Self.self, fields: [.init("value", \.value)])
}

extension service: BPFValue {
  /// `struct service`.
  public static let layout = StructLayout(
    "service", of: Self.self, fields: [.init("cluster", \.cluster), .init("local", \.local)])
}

extension service_config: BPFValue {
  /// `struct service_config`.
  public static let layout = StructLayout(
    "service_config", of: Self.self,
    fields: [
      .init("affinity_seconds", \.affinity_seconds), .init("algorithm", \.algorithm), .init("flags", \.flags),
      .init("padding", \.padding),
    ])
}

extension slot_pair: BPFValue {
  /// `struct slot_pair`.
  public static let layout = StructLayout("slot_pair", of: Self.self, fields: [.init("backend", \.backend)])
}

extension backend: BPFValue {
  /// `struct backend`.
  public static let layout = StructLayout(
    "backend", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("protocol", \.protocol), .init("state", \.state),
      .init("service", \.service), .init("epoch", \.epoch), .init("load", \.load),
    ])
}

extension affinity_key: BPFValue {
  /// `struct affinity_key`.
  public static let layout = StructLayout(
    "affinity_key", of: Self.self,
    fields: [.init("client", \.client), .init("service", \.service), .init("kind", \.kind)])
}

extension affinity: BPFValue {
  /// `struct affinity`.
  public static let layout = StructLayout(
    "affinity", of: Self.self,
    fields: [.init("last_used", \.last_used), .init("backend", \.backend), .init("epoch", \.epoch)])
}

extension source_range_key: BPFValue {
  /// `struct source_range_key`.
  public static let layout = StructLayout(
    "source_range_key", of: Self.self,
    fields: [.init("prefix_length", \.prefix_length), .init("service", \.service), .init("address", \.address)])
}

extension present: BPFValue {
  /// `struct present`.
  public static let layout = StructLayout("present", of: Self.self, fields: [.init("value", \.value)])
}

extension service_state: BPFValue {
  /// `struct service_state`.
  public static let layout = StructLayout(
    "service_state", of: Self.self, fields: [.init("exclusions", \.exclusions), .init("revision", \.revision)])
}

extension socket_peer: BPFValue {
  /// `struct socket_peer`.
  public static let layout = StructLayout(
    "socket_peer", of: Self.self,
    fields: [
      .init("frontend_address", \.frontend_address), .init("backend_address", \.backend_address),
      .init("frontend_port", \.frontend_port), .init("backend_port", \.backend_port), .init("service", \.service),
      .init("backend", \.backend), .init("epoch", \.epoch), .init("flags", \.flags),
    ])
}

extension socket_slot: BPFValue {
  /// `struct socket_slot`.
  public static let layout = StructLayout(
    "socket_slot", of: Self.self,
    fields: [.init("cookie", \.cookie), .init("peer", \.peer), .init("padding", \.padding)])
}

extension socket_peer_record: BPFValue {
  /// `struct socket_peer_record`.
  public static let layout = StructLayout(
    "socket_peer_record", of: Self.self,
    fields: [.init("cookie", \.cookie), .init("peer", \.peer), .init("padding", \.padding)])
}

extension datagram_peer_key: BPFValue {
  /// `struct datagram_peer_key`.
  public static let layout = StructLayout(
    "datagram_peer_key", of: Self.self,
    fields: [
      .init("cookie", \.cookie), .init("address", \.address), .init("port", \.port), .init("padding", \.padding),
    ])
}

extension datagram_peer: BPFValue {
  /// `struct datagram_peer`.
  public static let layout = StructLayout(
    "datagram_peer", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("padding", \.padding), .init("service", \.service),
    ])
}

extension service_counter: BPFValue {
  /// `struct service_counter`.
  public static let layout = StructLayout(
    "service_counter", of: Self.self,
    fields: [
      .init("translated", \.translated), .init("refused", \.refused), .init("not_local", \.not_local),
      .init("filtered", \.filtered),
    ])
}
