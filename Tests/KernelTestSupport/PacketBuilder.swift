// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An IPv4 packet to be built: fields as an engineer names them, bytes with right lengths and checksums.
///
/// ```swift
/// let syn = IPv4Packet(from: IPv4Address(10, 0, 0, 5), to: IPv4Address(10, 0, 0, 9), .tcp(from: 41234, to: 80, flags: .syn))
/// try program.test(packet: syn.frame)
/// ```
public struct IPv4Packet: Hashable, Sendable {
  /// What the packet carries.
  public indirect enum Transport: Hashable, Sendable {
    /// A TCP segment.
    case tcp(from: UInt16, to: UInt16, flags: TCPFlags = .ack)
    /// A UDP datagram.
    case udp(from: UInt16, to: UInt16)
    /// An SCTP packet; its checksum is not computed.
    case sctp(from: UInt16, to: UInt16)
    /// ICMP echo request.
    case echoRequest(identifier: UInt16)
    /// ICMP echo reply.
    case echoReply(identifier: UInt16)
    /// An ICMP message that quotes the header and the first 8 payload bytes of a packet, as errors do.
    case icmpError(type: UInt8, code: UInt8, quoting: IPv4Packet)
    /// An ICMP message with 4 zero bytes after its checksum.
    case icmp(type: UInt8, code: UInt8)
    /// Another protocol: the payload follows the IP header.
    case other(UInt8)
  }

  /// The sender.
  public var source: IPv4Address
  /// The receiver.
  public var destination: IPv4Address
  /// What it carries.
  public var transport: Transport
  /// What the transport carries.
  public var payload: [UInt8]
  /// IP options, a multiple of 4 bytes, at most 40.
  public var options: [UInt8] = []
  /// Names the packet's fragments.
  public var identification: UInt16 = 1

  /// Describes a packet.
  ///
  /// - Parameters:
  ///   - source: The sender.
  ///   - destination: The receiver.
  ///   - transport: What it carries.
  ///   - payload: What the transport carries.
  public init(
    from source: IPv4Address, to destination: IPv4Address, _ transport: Transport, payload: [UInt8] = []
  ) {
    self.source = source
    self.destination = destination
    self.transport = transport
    self.payload = payload
  }

  /// The IP protocol number.
  public var protocolNumber: UInt8 {
    switch transport {
    case .tcp: 6
    case .udp: 17
    case .sctp: 132
    case .echoRequest, .echoReply, .icmpError, .icmp: 1
    case .other(let number): number
    }
  }

  /// The packet without its link header.
  public var bytes: [UInt8] { datagram(of: transportBytes, flagsAndOffset: 0) }

  /// The packet in an Ethernet frame.
  public var frame: [UInt8] { EthernetFrame.bytes(type: 0x0800, payload: bytes) }

  /// The same transport bytes cut into fragments, each in an Ethernet frame.
  ///
  /// - Parameter length: Transport bytes per fragment, a multiple of 8.
  /// - Returns: Frames in order.
  public func fragments(of length: Int) -> [[UInt8]] {
    let whole = transportBytes
    return stride(from: 0, to: whole.count, by: length).map { start in
      let end = min(start + length, whole.count)
      let more: UInt16 = end < whole.count ? 0x2000 : 0
      let datagram = datagram(of: Array(whole[start..<end]), flagsAndOffset: more | UInt16(start / 8))
      return EthernetFrame.bytes(type: 0x0800, payload: datagram)
    }
  }

  /// One fragment with the given bytes, in an Ethernet frame: what no honest sender would cut.
  ///
  /// - Parameters:
  ///   - offset: In bytes, a multiple of 8.
  ///   - isLast: Whether the flag "more fragments" is clear.
  ///   - bytes: The transport bytes.
  /// - Returns: The frame.
  public func fragment(at offset: Int, isLast: Bool, bytes: [UInt8]) -> [UInt8] {
    let datagram = datagram(of: bytes, flagsAndOffset: (isLast ? 0 : 0x2000) | UInt16(offset / 8))
    return EthernetFrame.bytes(type: 0x0800, payload: datagram)
  }

  private func datagram(of transport: [UInt8], flagsAndOffset: UInt16) -> [UInt8] {
    let headerLength = 20 + options.count
    var header: [UInt8] = [UInt8(0x40 | headerLength / 4), 0]
    header += (UInt16(truncatingIfNeeded: headerLength + transport.count)).networkBytes
    header += identification.networkBytes + flagsAndOffset.networkBytes
    header += [64, protocolNumber, 0, 0] + source.bytes + destination.bytes + options
    header.replaceSubrange(10..<12, with: InternetChecksum.of(header).networkBytes)
    return header + transport
  }

  private var transportBytes: [UInt8] {
    switch transport {
    case .tcp(let from, let to, let flags):
      let header = from.networkBytes + to.networkBytes + [0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags.rawValue, 0xff, 0xff]
      return withPseudoHeaderChecksum(header + [0, 0, 0, 0] + payload, at: 16)
    case .udp(let from, let to):
      let length = UInt16(truncatingIfNeeded: 8 + payload.count)
      let sum = withPseudoHeaderChecksum(
        from.networkBytes + to.networkBytes + length.networkBytes + [0, 0] + payload, at: 6)
      return sum
    case .sctp(let from, let to):
      return from.networkBytes + to.networkBytes + [0, 0, 0, 1, 0, 0, 0, 0] + payload
    case .echoRequest(let identifier):
      return icmp([8, 0, 0, 0] + identifier.networkBytes + [0, 1] + payload)
    case .echoReply(let identifier):
      return icmp([0, 0, 0, 0] + identifier.networkBytes + [0, 1] + payload)
    case .icmpError(let type, let code, let quoted):
      return icmp([type, code, 0, 0, 0, 0, 0, 0] + quoted.bytes.prefix(20 + quoted.options.count + 8))
    case .icmp(let type, let code):
      return icmp([type, code, 0, 0, 0, 0, 0, 0] + payload)
    case .other:
      return payload
    }
  }

  private func icmp(_ message: [UInt8]) -> [UInt8] {
    var message = message
    message.replaceSubrange(2..<4, with: InternetChecksum.of(message).networkBytes)
    return message
  }

  private func withPseudoHeaderChecksum(_ segment: [UInt8], at offset: Int) -> [UInt8] {
    let length = UInt16(truncatingIfNeeded: segment.count)
    let pseudo = source.bytes + destination.bytes + [0, protocolNumber] + length.networkBytes
    var segment = segment
    let sum = InternetChecksum.of(pseudo + segment)
    segment.replaceSubrange(offset..<offset + 2, with: (sum == 0 ? 0xffff : sum).networkBytes)
    return segment
  }
}

/// TCP's flags, as in byte 13 of its header.
public struct TCPFlags: OptionSet, Hashable, Sendable {
  /// The byte.
  public let rawValue: UInt8

  /// Takes the byte.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The sender is done.
  public static let fin = TCPFlags(rawValue: 0x01)
  /// Opens a connection.
  public static let syn = TCPFlags(rawValue: 0x02)
  /// Ends a connection at once.
  public static let rst = TCPFlags(rawValue: 0x04)
  /// Acknowledges.
  public static let ack = TCPFlags(rawValue: 0x10)
}

/// An ARP message for IPv4 over Ethernet.
public struct ARPPacket: Hashable, Sendable {
  /// 1 request, 2 reply.
  public var operation: UInt16
  /// The sender's claim.
  public var sender: IPv4Address
  /// Whom it asks for, or answers.
  public var target: IPv4Address

  /// Describes a message.
  ///
  /// - Parameters:
  ///   - operation: 1 request, 2 reply.
  ///   - sender: The sender's claim.
  ///   - target: Whom it asks for, or answers.
  public init(operation: UInt16 = 1, sender: IPv4Address, target: IPv4Address) {
    self.operation = operation
    self.sender = sender
    self.target = target
  }

  /// The message in an Ethernet frame.
  public var frame: [UInt8] {
    let message: [UInt8] = [0, 1, 8, 0, 6, 4] + operation.networkBytes
    return EthernetFrame.bytes(
      type: 0x0806,
      payload: message + EthernetFrame.sender + sender.bytes + [0, 0, 0, 0, 0, 0] + target.bytes)
  }
}

/// Ethernet frames between two made-up stations.
public enum EthernetFrame {
  /// The sending station.
  public static let sender: [UInt8] = [0x02, 0, 0, 0, 0, 0x01]
  /// The receiving station.
  public static let receiver: [UInt8] = [0x02, 0, 0, 0, 0, 0x02]

  /// A frame.
  ///
  /// - Parameters:
  ///   - type: The EtherType, such as 0x0800.
  ///   - payload: What follows the header.
  /// - Returns: Header and payload, without padding.
  public static func bytes(type: UInt16, payload: [UInt8]) -> [UInt8] {
    receiver + sender + type.networkBytes + payload
  }
}

/// The Internet checksum (RFC 1071).
public enum InternetChecksum {
  /// The complement of the one's complement sum.
  ///
  /// - Parameter bytes: What is summed; an odd last byte counts as the high half of a word.
  /// - Returns: In this machine's order.
  public static func of(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for (index, byte) in bytes.enumerated() {
      sum += index.isMultiple(of: 2) ? UInt32(byte) << 8 : UInt32(byte)
    }
    while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
    return ~UInt16(truncatingIfNeeded: sum)
  }
}

extension UInt16 {
  fileprivate var networkBytes: [UInt8] { [UInt8(self >> 8), UInt8(truncatingIfNeeded: self)] }
}
