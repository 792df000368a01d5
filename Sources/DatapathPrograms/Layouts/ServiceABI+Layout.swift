// SPDX-License-Identifier: Apache-2.0

public import BPFMaps
public import CDatapathABI

// bpf/include/service_abi.h

extension frontend_key: BPFValue {
  /// `struct frontend_key`.
  public static let layout = StructLayout(
    "frontend_key", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("protocol", \.protocol), .init("padding", \.padding),
    ])
}

extension frontend: BPFValue {
  /// `struct frontend`.
  public static let layout = StructLayout(
    "frontend", of: Self.self, fields: [.init("service", \.service), .init("flags", \.flags)])
}

extension service_word: BPFValue {
  /// `struct service_word`.
  public static let layout = StructLayout("service_word", of: Self.self, fields: [.init("value", \.value)])
}

extension service_slot: BPFValue {
  /// `struct service_slot`.
  public static let layout = StructLayout(
    "service_slot", of: Self.self,
    fields: [.init("backend", \.backend), .init("weight", \.weight), .init("state", \.state)])
}

extension backend: BPFValue {
  /// `struct backend`.
  public static let layout = StructLayout(
    "backend", of: Self.self,
    fields: [
      .init("address", \.address), .init("port", \.port), .init("state", \.state), .init("padding", \.padding),
    ])
}

extension socket_peer: BPFValue {
  /// `struct socket_peer`.
  public static let layout = StructLayout(
    "socket_peer", of: Self.self,
    fields: [
      .init("frontend_address", \.frontend_address), .init("backend_address", \.backend_address),
      .init("frontend_port", \.frontend_port), .init("backend_port", \.backend_port), .init("service", \.service),
    ])
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
    fields: [.init("address", \.address), .init("port", \.port), .init("padding", \.padding)])
}

extension service_counter: BPFValue {
  /// `struct service_counter`.
  public static let layout = StructLayout(
    "service_counter", of: Self.self,
    fields: [.init("translated", \.translated), .init("refused", \.refused)])
}
