// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One header of a packet.
public enum Layer: Hashable, Sendable {
  /// An Ethernet header.
  case ethernet(EthernetHeader)
  /// A VLAN tag.
  case vlan(VLANTag)
  /// An ARP message.
  case arp(ARPMessage)
  /// An IPv4 header.
  case ipv4(IPv4Header)
  /// An IPv6 header.
  case ipv6(IPv6Header)
  /// An extension header of IPv6.
  case ipv6Extension(IPv6Extension)
  /// A TCP header.
  case tcp(TCPHeader)
  /// A UDP header.
  case udp(UDPHeader)
  /// An SCTP header with its chunks.
  case sctp(SCTPHeader)
  /// An ICMP header for IPv4.
  case icmp(ICMPHeader)
  /// An ICMP header for IPv6.
  case icmpv6(ICMPHeader)

  /// The EtherType by which a link header announces the layer; nil: it follows no link header.
  var etherType: UInt16? {
    switch self {
    case .vlan(let tag): tag.protocolType
    case .arp: 0x0806
    case .ipv4: 0x0800
    case .ipv6: 0x86dd
    default: nil
    }
  }

  /// The number by which an IP header announces the layer; nil: it follows none.
  var protocolNumber: UInt8? {
    switch self {
    case .ipv4: 4
    case .ipv6: 41
    case .ipv6Extension(let header): header.number
    case .tcp: 6
    case .udp: 17
    case .sctp: 132
    case .icmp: 1
    case .icmpv6: 58
    default: nil
    }
  }
}

// What tests write most.
extension Layer {
  /// An Ethernet header, between two made-up stations unless others are given.
  public static func ethernet(
    from source: MACAddress = .sender, to destination: MACAddress = .receiver, type: UInt16? = nil
  ) -> Layer {
    .ethernet(EthernetHeader(from: source, to: destination, type: type))
  }

  /// A VLAN tag of 802.1Q.
  public static func vlan(_ identifier: UInt16, priority: UInt8 = 0) -> Layer {
    .vlan(VLANTag(identifier, priority: priority))
  }

  /// The outer tag of two, 802.1ad.
  public static func serviceVLAN(_ identifier: UInt16) -> Layer {
    .vlan(VLANTag(identifier, protocolType: 0x88a8))
  }

  /// An ARP request.
  public static func arpRequest(from sender: IPv4Address, for target: IPv4Address) -> Layer {
    .arp(ARPMessage(operation: 1, sender: sender, target: target, targetStation: MACAddress(truncating: 0)))
  }

  /// An ARP reply.
  public static func arpReply(from sender: IPv4Address, to target: IPv4Address) -> Layer {
    .arp(ARPMessage(operation: 2, sender: sender, target: target, targetStation: .receiver))
  }

  /// An IPv4 header.
  public static func ipv4(
    from source: IPv4Address, to destination: IPv4Address, _ change: (inout IPv4Header) -> Void = { _ in }
  ) -> Layer {
    var header = IPv4Header(from: source, to: destination)
    change(&header)
    return .ipv4(header)
  }

  /// An IPv6 header.
  public static func ipv6(
    from source: IPv6Address, to destination: IPv6Address, _ change: (inout IPv6Header) -> Void = { _ in }
  ) -> Layer {
    var header = IPv6Header(from: source, to: destination)
    change(&header)
    return .ipv6(header)
  }

  /// Options for every router, encoded.
  public static func hopByHop(options: [UInt8]) -> Layer { .ipv6Extension(.init(.hopByHop(options: options))) }

  /// Options for the receiver, encoded.
  public static func destinationOptions(_ options: [UInt8]) -> Layer {
    .ipv6Extension(.init(.destination(options: options)))
  }

  /// The place of an IPv6 fragment.
  public static func ipv6Fragment(
    offset: UInt16, hasMore: Bool, identification: UInt32, nextHeader: UInt8? = nil
  ) -> Layer {
    .ipv6Extension(
      .init(.fragment(offset: offset, hasMore: hasMore, identification: identification), nextHeader: nextHeader))
  }

  /// A TCP header.
  public static func tcp(
    from source: UInt16, to destination: UInt16, flags: TCPHeader.Flags = .ack,
    _ change: (inout TCPHeader) -> Void = { _ in }
  ) -> Layer {
    var header = TCPHeader(from: source, to: destination, flags: flags)
    change(&header)
    return .tcp(header)
  }

  /// A UDP header.
  public static func udp(
    from source: UInt16, to destination: UInt16, _ change: (inout UDPHeader) -> Void = { _ in }
  ) -> Layer {
    var header = UDPHeader(from: source, to: destination)
    change(&header)
    return .udp(header)
  }

  /// An SCTP header with chunks.
  public static func sctp(
    from source: UInt16, to destination: UInt16, tag: UInt32 = 0, chunks: [SCTPChunk] = []
  ) -> Layer {
    .sctp(SCTPHeader(from: source, to: destination, tag: tag, chunks: chunks))
  }

  /// An echo request for IPv4.
  public static func echoRequest(identifier: UInt16, sequence: UInt16 = 1) -> Layer {
    .icmp(ICMPHeader(type: 8, rest: UInt32(identifier) << 16 | UInt32(sequence)))
  }

  /// An echo reply for IPv4.
  public static func echoReply(identifier: UInt16, sequence: UInt16 = 1) -> Layer {
    .icmp(ICMPHeader(type: 0, rest: UInt32(identifier) << 16 | UInt32(sequence)))
  }

  /// An echo request for IPv6.
  public static func echoRequestV6(identifier: UInt16, sequence: UInt16 = 1) -> Layer {
    .icmpv6(ICMPHeader(type: 128, rest: UInt32(identifier) << 16 | UInt32(sequence)))
  }

  /// An echo reply for IPv6.
  public static func echoReplyV6(identifier: UInt16, sequence: UInt16 = 1) -> Layer {
    .icmpv6(ICMPHeader(type: 129, rest: UInt32(identifier) << 16 | UInt32(sequence)))
  }
}
