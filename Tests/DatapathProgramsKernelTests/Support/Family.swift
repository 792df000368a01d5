// SPDX-License-Identifier: Apache-2.0

import BPFTesting
import NetworkTypes
import Testing

/// An address family, with the addresses that tests use.
enum Family: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case v4 = "IPv4"
  case v6 = "IPv6"

  var testDescription: String { rawValue }

  var pod: IPAddress { self == .v4 ? .v4(IPv4Address(10, 0, 0, 5)) : .v6(IPv6Address(high: 0xfd00 << 48, low: 5)) }
  var peer: IPAddress { self == .v4 ? .v4(IPv4Address(10, 0, 0, 9)) : .v6(IPv6Address(high: 0xfd00 << 48, low: 9)) }
  /// Nobody that policies know.
  var stranger: IPAddress {
    self == .v4 ? .v4(IPv4Address(10, 0, 7, 7)) : .v6(IPv6Address(high: 0xfd00 << 48, low: 0x7_0007))
  }
  /// The pod's own node.
  var node: IPAddress { self == .v4 ? .v4(IPv4Address(10, 0, 0, 1)) : .v6(IPv6Address(high: 0xfd00 << 48, low: 1)) }
  var router: IPAddress {
    self == .v4 ? .v4(IPv4Address(192, 0, 2, 254)) : .v6(IPv6Address(high: 0x2001_0db8 << 32, low: 0xfe))
  }
  /// The family's own ICMP.
  var icmp: IPProtocol { self == .v4 ? .icmp : .icmpv6 }
  /// An ICMP message that is neither echo nor error nor discovery.
  var otherICMP: Message { .icmp(type: self == .v4 ? 13 : 139, code: 0) }
  /// Where the transport header begins in a frame without options.
  var transportOffset: Int { self == .v4 ? 34 : 54 }
}

/// What a packet carries, in either family.
enum Message: Hashable, Sendable {
  case tcp(from: UInt16, to: UInt16, flags: TCPHeader.Flags = .ack)
  case udp(from: UInt16, to: UInt16)
  case sctp(from: UInt16, to: UInt16)
  case echoRequest(identifier: UInt16)
  case echoReply(identifier: UInt16)
  /// Of the packet's family.
  case icmp(type: UInt8, code: UInt8)
  /// Another protocol: the payload follows the IP header.
  case other(UInt8)

  /// The packet in an Ethernet frame.
  func packet(from source: IPAddress, to destination: IPAddress, payload: [UInt8] = []) -> Packet {
    switch (source, destination) {
    case (.v4(let source), .v4(let destination)):
      let layer = Layer.ipv4(from: source, to: destination) {
        $0.identification = 1
        if case .other(let number) = self { $0.protocolNumber = number }
      }
      return Packet(layers: [.ethernet(), layer] + transport(.v4), payload: payload)
    case (.v6(let source), .v6(let destination)):
      let layer = Layer.ipv6(from: source, to: destination) {
        if case .other(let number) = self { $0.nextHeader = number }
      }
      return Packet(layers: [.ethernet(), layer] + transport(.v6), payload: payload)
    default: preconditionFailure("a packet has one family")
    }
  }

  private func transport(_ family: Family) -> [Layer] {
    switch self {
    case .tcp(let source, let destination, let flags): [.tcp(from: source, to: destination, flags: flags)]
    case .udp(let source, let destination): [.udp(from: source, to: destination)]
    case .sctp(let source, let destination): [.sctp(from: source, to: destination)]
    case .echoRequest(let identifier):
      [family == .v4 ? .echoRequest(identifier: identifier) : .echoRequestV6(identifier: identifier)]
    case .echoReply(let identifier):
      [family == .v4 ? .echoReply(identifier: identifier) : .echoReplyV6(identifier: identifier)]
    case .icmp(let type, let code):
      [family == .v4 ? .icmp(ICMPHeader(type: type, code: code)) : .icmpv6(ICMPHeader(type: type, code: code))]
    case .other: []
    }
  }
}

extension IPv6Address {
  static let unspecified = IPv6Address(high: 0, low: 0)
  static func linkLocal(_ number: UInt64) -> IPv6Address { IPv6Address(high: 0xfe80 << 48, low: number) }
  static let allNodes = IPv6Address(high: 0xff02 << 48, low: 1)
}

extension IPAddress {
  var v6: IPv6Address {
    guard case .v6(let address) = self else { preconditionFailure("\(self) is no IPv6 address") }
    return address
  }
  var v4: IPv4Address {
    guard case .v4(let address) = self else { preconditionFailure("\(self) is no IPv4 address") }
    return address
  }
}
