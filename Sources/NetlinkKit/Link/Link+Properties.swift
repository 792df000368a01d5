// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension Link {
  /// `IFLA_GSO_IPV4_MAX_SIZE`, newer than the headers this is built with.
  static let gsoIPv4MaximumSize = 63
  /// `IFLA_GRO_IPV4_MAX_SIZE`, newer than the headers this is built with.
  static let groIPv4MaximumSize = 64

  /// `IFLA_NETNS_IMMUTABLE`, newer than the headers this is built with.
  static let namespaceImmutable = 67

  /// Reads `IFLA_PROP_LIST`.
  static func alternativeNames(_ list: Attribute, in datagram: RawSpan) throws(WireError) -> [String] {
    var names: [String] = []
    var cursor = AttributeCursor(list.payload)
    while let attribute = try cursor.next(in: datagram) {
      guard attribute.kind == Int(IFLA_ALT_IFNAME) else { continue }
      names.append(try datagram.string(attribute))
    }
    return names
  }

  /// Reads `IFLA_PROTO_DOWN_REASON`.
  static func protocolDownReasons(_ reasons: Attribute, in datagram: RawSpan) throws(WireError) -> UInt32? {
    var value: UInt32?
    var cursor = AttributeCursor(reasons.payload)
    while let attribute = try cursor.next(in: datagram) {
      guard attribute.kind == Int(IFLA_PROTO_DOWN_REASON_VALUE) else { continue }
      value = try datagram.value(attribute)
    }
    return value
  }
}

extension InterfaceName {
  /// The name of a link whose real one this type cannot hold.
  static func unreadable(_ index: InterfaceIndex) -> InterfaceName { InterfaceName("?\(index)") ?? "?" }
}
