// SPDX-License-Identifier: Apache-2.0

/// A packet: headers as an engineer names them, and bytes with the right lengths and checksums.
///
/// ```swift
/// let syn = Packet(
///   .ethernet(), .ipv4(from: IPv4Address(10, 0, 0, 5), to: IPv4Address(10, 0, 0, 9)),
///   .tcp(from: 41_234, to: 80, flags: .syn))
/// let run = try program.test(syn)
/// #expect(run.parsedPacket.ipv4?.timeToLive == 63)
/// ```
///
/// Whatever a header leaves open (lengths, checksums, what follows) is computed when the bytes are made; whatever is set
/// is written as it is, right or not. A value: nothing is shared, and equal packets have equal bytes.
public struct Packet: Hashable, Sendable {
  /// The headers, from the link on.
  public var layers: [Layer]
  /// What the last header carries.
  public var payload: [UInt8]
  /// What follows the packet and belongs to no header's length, such as the bytes that fill a short Ethernet frame.
  public var trailer: [UInt8]

  /// A packet from its headers.
  ///
  /// - Parameters:
  ///   - layers: From the outside in.
  ///   - payload: What the last one carries.
  public init(_ layers: Layer..., payload: [UInt8] = []) {
    self.init(layers: layers, payload: payload)
  }

  /// A packet from a list of headers.
  ///
  /// - Parameters:
  ///   - layers: From the outside in.
  ///   - payload: What the last one carries.
  ///   - trailer: What follows it.
  public init(layers: [Layer], payload: [UInt8] = [], trailer: [UInt8] = []) {
    self.layers = layers
    self.payload = payload
    self.trailer = trailer
  }

  /// The packet's bytes.
  public var bytes: [UInt8] { bytes(from: 0) + trailer }

  /// The first bytes of the packet, as a capture or a broken sender cuts it off.
  ///
  /// - Parameter count: How many; a packet that is shorter stays whole.
  /// - Returns: The bytes.
  public func bytes(truncatedTo count: Int) -> [UInt8] { Array(bytes.prefix(max(0, count))) }

  /// The packet cut off behind every byte, from nothing to all but the last.
  public var truncations: some Sequence<[UInt8]> {
    let bytes = bytes
    return bytes.indices.lazy.map { Array(bytes[..<$0]) }
  }

  /// The packet filled with zeros behind its end, as Ethernet fills short frames.
  ///
  /// - Parameter length: The least number of bytes; a frame without its check sequence has 60.
  /// - Returns: The packet with a longer trailer.
  public func padded(to length: Int = 60) -> Packet {
    var packet = self
    packet.trailer += Array(repeating: 0, count: max(0, max(0, length) - bytes.count))
    return packet
  }

  /// What an ICMP error quotes of the packet: its IP header, and some bytes behind it.
  ///
  /// - Parameter count: How many bytes behind the header; senders of IPv4 give at least 8.
  /// - Returns: The bytes; empty for a packet without IP.
  public func quotation(transportBytes count: Int = 8) -> [UInt8] {
    guard let start = layers.firstIndex(where: \.isInternet) else { return [] }
    let whole = bytes(from: start)
    return Array(whole.prefix(whole.count - bytes(from: start + 1).count + min(max(0, count), whole.count)))
  }

  /// Everything from a layer on, without the trailer.
  func bytes(from start: Int) -> [UInt8] {
    var bytes = payload
    for index in layers.indices.dropFirst(start).reversed() {
      bytes = encode(index, bytes) + bytes
    }
    return bytes
  }

  private func encode(_ index: Int, _ following: [UInt8]) -> [UInt8] {
    let next = index + 1 < layers.count ? layers[index + 1] : nil
    let protocolNumber = next?.protocolNumber ?? 253
    switch layers[index] {
    case .ethernet(let header): return header.encode(next?.etherType ?? 0x88b5)
    case .vlan(let tag): return tag.encode(next?.etherType ?? 0x88b5)
    case .arp(let message): return message.encode()
    case .ipv4(let header): return header.encode(protocolNumber, following: following.count)
    case .ipv6(let header):
      return header.encode(following.isEmpty ? 59 : protocolNumber, following: following.count)
    case .ipv6Extension(let header): return header.encode(following.isEmpty ? 59 : protocolNumber)
    case .tcp(let header): return header.encode(following, addresses(before: index))
    case .udp(let header): return header.encode(following, addresses(before: index))
    case .sctp(let header): return header.encode(following)
    case .icmp(let header): return header.encode(following, nil)
    case .icmpv6(let header): return header.encode(following, addresses(before: index))
    }
  }

  private func addresses(before index: Int) -> PseudoHeader? {
    for layer in layers[..<index].reversed() {
      switch layer {
      case .ipv4(let header): return .ipv4(header)
      case .ipv6(let header): return .ipv6(header)
      default: continue
      }
    }
    return nil
  }
}

extension Layer {
  /// IPv4 or IPv6.
  var isInternet: Bool {
    switch self {
    case .ipv4, .ipv6: true
    default: false
    }
  }
}
