// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An IPv6 header. `struct ipv6hdr`
///
/// What is nil is computed from what follows; set it to lie.
public struct IPv6Header: Hashable, Sendable {
  /// The sender.
  public var source: IPv6Address
  /// The receiver.
  public var destination: IPv6Address
  /// Differentiated services and congestion notification.
  public var trafficClass: UInt8 = 0
  /// Names a flow, 20 bits.
  public var flowLabel: UInt32 = 0
  /// How many routers it may pass.
  public var hopLimit: UInt8 = 64
  /// The number of what follows; nil: what the next layer is, or 59 (nothing) at the end, 253 before a bare payload.
  public var nextHeader: UInt8?
  /// What follows the header, in bytes.
  public var payloadLength: UInt16?
  /// The version, at most 15.
  public var version: UInt8 = 6

  /// A header; all else is a variable.
  public init(from source: IPv6Address, to destination: IPv6Address) {
    self.source = source
    self.destination = destination
  }

  func encode(_ next: UInt8, following: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(UInt32(version & 15) << 28 | UInt32(trafficClass) << 20 | flowLabel & 0xfffff)
    bytes.append(payloadLength ?? UInt16(truncatingIfNeeded: following))
    return bytes + [nextHeader ?? next, hopLimit] + source.bytes + destination.bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let first: UInt32 = reader.take(), let payloadLength: UInt16 = reader.take(), let nextHeader = reader.byte(),
      let hopLimit = reader.byte(), let source = reader.bytes(16).flatMap({ IPv6Address(bytes: $0) }),
      let destination = reader.bytes(16).flatMap({ IPv6Address(bytes: $0) }), first >> 28 == 6
    else { return nil }
    self.init(from: source, to: destination)
    self.trafficClass = UInt8(truncatingIfNeeded: first >> 20)
    self.flowLabel = first & 0xfffff
    self.hopLimit = hopLimit
    self.nextHeader = nextHeader
    self.payloadLength = payloadLength
  }
}

/// A header between IPv6's and the transport's. RFC 8200, section 4
public struct IPv6Extension: Hashable, Sendable {
  /// Which one, with what it holds.
  public enum Content: Hashable, Sendable {
    /// Options for every router, encoded; filled with padding options to a multiple of 8 bytes.
    case hopByHop(options: [UInt8])
    /// Options for the receiver, encoded; filled as well.
    case destination(options: [UInt8])
    /// A route. `data` follows its four numbers, and is filled with zeros.
    case routing(type: UInt8, segmentsLeft: UInt8, data: [UInt8])
    /// The place of a fragment: where it begins in bytes (a multiple of 8), and its datagram's name.
    case fragment(offset: UInt16, hasMore: Bool, identification: UInt32)
  }

  /// Which one, with what it holds.
  public var content: Content
  /// The number of what follows; nil: what the next layer is.
  public var nextHeader: UInt8?

  /// An extension header.
  public init(_ content: Content, nextHeader: UInt8? = nil) {
    self.content = content
    self.nextHeader = nextHeader
  }

  /// The number by which the header in front announces it.
  var number: UInt8 {
    switch content {
    case .hopByHop: 0
    case .destination: 60
    case .routing: 43
    case .fragment: 44
    }
  }

  func encode(_ next: UInt8) -> [UInt8] {
    var bytes: [UInt8]
    switch content {
    case .hopByHop(let options), .destination(let options):
      let missing = (8 - (options.count + 2) % 8) % 8
      bytes = [nextHeader ?? next, UInt8(truncatingIfNeeded: (options.count + 2 + missing) / 8 - 1)] + options
      if missing == 1 { bytes.append(UInt8(0)) }
      if missing > 1 { bytes += [1, UInt8(missing - 2)] + Array(repeating: 0, count: missing - 2) }
    case .routing(let type, let segmentsLeft, let data):
      let missing = (8 - (data.count + 4) % 8) % 8
      bytes = [nextHeader ?? next, UInt8(truncatingIfNeeded: (data.count + 4 + missing) / 8 - 1), type, segmentsLeft]
      bytes += data + Array(repeating: 0, count: missing)
    case .fragment(let offset, let hasMore, let identification):
      bytes = [nextHeader ?? next, 0]
      bytes.append(offset & 0xfff8 | (hasMore ? 1 : 0))
      bytes.append(identification)
    }
    return bytes
  }

  init?(_ reader: inout ByteReader, number: UInt8) {
    guard let nextHeader = reader.byte(), let length = reader.byte() else { return nil }
    self.nextHeader = nextHeader
    let size = Int(length) * 8 + 6
    switch number {
    case 0, 60:
      guard let options = reader.bytes(size) else { return nil }
      content = number == 0 ? .hopByHop(options: options) : .destination(options: options)
    case 43:
      guard let type = reader.byte(), let segmentsLeft = reader.byte(), let data = reader.bytes(size - 2) else {
        return nil
      }
      content = .routing(type: type, segmentsLeft: segmentsLeft, data: data)
    case 44:
      guard let place: UInt16 = reader.take(), let identification: UInt32 = reader.take() else { return nil }
      content = .fragment(offset: place & 0xfff8, hasMore: place & 1 != 0, identification: identification)
    default: return nil
    }
  }
}

extension IPv6Extension.Content {
  /// The same without a padding option at the end.
  var withoutPadding: IPv6Extension.Content {
    switch self {
    case .hopByHop(let options): .hopByHop(options: Self.dropPadding(options))
    case .destination(let options): .destination(options: Self.dropPadding(options))
    default: self
    }
  }

  private static func dropPadding(_ options: [UInt8]) -> [UInt8] {
    var start = 0
    while start < options.count {
      let isSingle = options[start] == 0
      guard isSingle || start + 1 < options.count else { break }
      let end = isSingle ? start + 1 : start + 2 + Int(options[start + 1])
      if end == options.count, options[start] < 2 { return Array(options[..<start]) }
      start = end
    }
    return options
  }
}
