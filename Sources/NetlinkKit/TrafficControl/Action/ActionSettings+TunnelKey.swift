// SPDX-License-Identifier: Apache-2.0

internal import CLibmnl
internal import NetworkTypes

extension ActionSettings.TunnelKey {
  private static let setting: Int32 = 1
  private static let release: Int32 = 2

  static func decode(
    _ options: Attribute, in datagram: RawSpan, _ words: inout ActionWords, _ rest: inout RawAttributes
  ) throws(WireError) -> ActionSettings? {
    var operation: Int32 = 0
    var source: IPAddress?
    var destination: IPAddress?
    let none = IPAddress.v4(IPv4Address(rawValue: 0))
    var tunnel = Tunnel(source: none, destination: none)
    var checksum: Attribute?
    var cursor = AttributeCursor(options.payload)
    while let attribute = try cursor.next(in: datagram) {
      switch attribute.kind {
      case Int(TCA_TUNNEL_KEY_PARMS):
        let parameters = try datagram.structure(attribute, as: ActionWordsAndOne.self)
        words = parameters.words
        operation = parameters.operation
      case Int(TCA_TUNNEL_KEY_ENC_IPV4_SRC): source = try datagram.address(attribute, family: .ipv4)
      case Int(TCA_TUNNEL_KEY_ENC_IPV4_DST): destination = try datagram.address(attribute, family: .ipv4)
      case Int(TCA_TUNNEL_KEY_ENC_IPV6_SRC): source = try datagram.address(attribute, family: .ipv6)
      case Int(TCA_TUNNEL_KEY_ENC_IPV6_DST): destination = try datagram.address(attribute, family: .ipv6)
      case Int(TCA_TUNNEL_KEY_ENC_KEY_ID): tunnel.keyID = UInt32(bigEndian: try datagram.value(attribute))
      case Int(TCA_TUNNEL_KEY_ENC_DST_PORT): tunnel.destinationPort = UInt16(bigEndian: try datagram.value(attribute))
      case Int(TCA_TUNNEL_KEY_NO_CSUM): checksum = attribute
      case Int(TCA_TUNNEL_KEY_ENC_TOS): tunnel.tos = try datagram.value(attribute)
      case Int(TCA_TUNNEL_KEY_ENC_TTL): tunnel.ttl = try datagram.value(attribute)
      default: try rest.append(attribute, from: datagram)
      }
    }
    switch operation {
    case setting:
      guard let source, let destination else { return nil }
      tunnel.source = source
      tunnel.destination = destination
      if let checksum { tunnel.hasChecksum = try datagram.flag8(checksum, rest: &rest).map { !$0 } }
      return .tunnelKey(.set(tunnel))
    case release:
      if let checksum { try rest.append(checksum, from: datagram) }
      return .tunnelKey(.unset)
    default: return nil
    }
  }

  func encode(_ words: ActionWords, into writer: MessageWriter) {
    guard case .set(let tunnel) = self else {
      writer.put(Int(TCA_TUNNEL_KEY_PARMS), structure: ActionWordsAndOne(words: words, operation: Self.release))
      return
    }
    writer.put(Int(TCA_TUNNEL_KEY_PARMS), structure: ActionWordsAndOne(words: words, operation: Self.setting))
    let isV4 = tunnel.source.family == .ipv4
    writer.put(Int(isV4 ? TCA_TUNNEL_KEY_ENC_IPV4_SRC : TCA_TUNNEL_KEY_ENC_IPV6_SRC), tunnel.source)
    writer.put(Int(isV4 ? TCA_TUNNEL_KEY_ENC_IPV4_DST : TCA_TUNNEL_KEY_ENC_IPV6_DST), tunnel.destination)
    if let keyID = tunnel.keyID { writer.put(Int(TCA_TUNNEL_KEY_ENC_KEY_ID), keyID.bigEndian) }
    if let port = tunnel.destinationPort { writer.put(Int(TCA_TUNNEL_KEY_ENC_DST_PORT), port.bigEndian) }
    if let hasChecksum = tunnel.hasChecksum { writer.put(Int(TCA_TUNNEL_KEY_NO_CSUM), UInt8(hasChecksum ? 0 : 1)) }
    if let tos = tunnel.tos { writer.put(Int(TCA_TUNNEL_KEY_ENC_TOS), tos) }
    if let ttl = tunnel.ttl { writer.put(Int(TCA_TUNNEL_KEY_ENC_TTL), ttl) }
  }
}
