// SPDX-License-Identifier: Apache-2.0

/// A TCP header. `struct tcphdr`
public struct TCPHeader: Hashable, Sendable {
  /// TCP's flags.
  public struct Flags: OptionSet, Hashable, Sendable {
    /// The low 12 bits of the header's 13th and 14th byte: flags, the nonce bit and the reserved ones.
    public let rawValue: UInt16

    /// Takes the bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue & 0xfff }

    /// The sender is done.
    public static let fin = Flags(rawValue: 0x001)
    /// Opens a connection.
    public static let syn = Flags(rawValue: 0x002)
    /// Ends a connection at once.
    public static let rst = Flags(rawValue: 0x004)
    /// Asks to deliver at once.
    public static let psh = Flags(rawValue: 0x008)
    /// Acknowledges.
    public static let ack = Flags(rawValue: 0x010)
    /// The urgent pointer counts.
    public static let urg = Flags(rawValue: 0x020)
    /// Congestion was seen.
    public static let ece = Flags(rawValue: 0x040)
    /// Congestion was answered.
    public static let cwr = Flags(rawValue: 0x080)
  }

  /// The sender's port.
  public var sourcePort: UInt16
  /// The receiver's port.
  public var destinationPort: UInt16
  /// The number of the first byte.
  public var sequence: UInt32 = 0
  /// The number of the byte expected next.
  public var acknowledgement: UInt32 = 0
  /// What the segment does.
  public var flags: Flags
  /// How much the sender would take, unscaled.
  public var window: UInt16 = 65_535
  /// Where urgent data ends.
  public var urgentPointer: UInt16 = 0
  /// Options; filled with zeros to a multiple of 4 bytes.
  public var options: [TCPOption] = []
  /// The checksum over header, data and the addresses.
  public var checksum: Checksum<UInt16> = .correct
  /// The header's length in words of 4 bytes; nil: as it is.
  public var dataOffset: UInt8?

  /// A header; all else is a variable.
  public init(from sourcePort: UInt16, to destinationPort: UInt16, flags: Flags = .ack) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.flags = flags
  }

  func encode(_ payload: [UInt8], _ addresses: PseudoHeader?) -> [UInt8] {
    var encoded = options.flatMap(\.bytes)
    encoded += Array(repeating: 0, count: (4 - encoded.count % 4) % 4)
    var bytes: [UInt8] = []
    bytes.append(sourcePort)
    bytes.append(destinationPort)
    bytes.append(sequence)
    bytes.append(acknowledgement)
    let words = dataOffset ?? UInt8(truncatingIfNeeded: 5 + encoded.count / 4)
    bytes.append(UInt16(words & 15) << 12 | flags.rawValue)
    bytes.append(window)
    bytes.append(UInt16(0))
    bytes.append(urgentPointer)
    bytes += encoded
    let header = bytes
    bytes.store(checksum.value(PseudoHeader.checksum(addresses, 6, header, payload)), at: 16)
    return bytes
  }

  init?(_ reader: inout ByteReader) {
    guard let sourcePort: UInt16 = reader.take(), let destinationPort: UInt16 = reader.take(),
      let sequence: UInt32 = reader.take(), let acknowledgement: UInt32 = reader.take(),
      let control: UInt16 = reader.take(), let window: UInt16 = reader.take(), let checksum: UInt16 = reader.take(),
      let urgentPointer: UInt16 = reader.take(), let options = reader.bytes(Int(control >> 12) * 4 - 20),
      let parsed = TCPOption.parse(options)
    else { return nil }
    self.init(from: sourcePort, to: destinationPort, flags: Flags(rawValue: control))
    self.sequence = sequence
    self.acknowledgement = acknowledgement
    self.window = window
    self.urgentPointer = urgentPointer
    self.options = parsed
    self.checksum = .exactly(checksum)
  }
}

/// A TCP option.
public enum TCPOption: Hashable, Sendable {
  /// Ends the list; implied where zeros fill the last word.
  case endOfList
  /// Fills a byte.
  case noOperation
  /// The largest segment that the sender takes, in bytes.
  case maximumSegmentSize(UInt16)
  /// By how many bits the window is shifted.
  case windowScale(UInt8)
  /// Selective acknowledgements are understood.
  case selectiveAcknowledgementPermitted
  /// What arrived out of order, each from the first number to the one behind the last.
  case selectiveAcknowledgement([SequenceRange])
  /// Two clocks.
  case timestamps(value: UInt32, echo: UInt32)
  /// Another one: its number, and what follows number and length.
  case other(UInt8, [UInt8])

  /// A range of sequence numbers.
  public struct SequenceRange: Hashable, Sendable {
    /// The first number.
    public var start: UInt32
    /// The number behind the last.
    public var end: UInt32

    /// A range.
    public init(_ start: UInt32, _ end: UInt32) {
      self.start = start
      self.end = end
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8]
    switch self {
    case .endOfList: return [0]
    case .noOperation: return [1]
    case .maximumSegmentSize(let size):
      bytes = [2, 4]
      bytes.append(size)
    case .windowScale(let shift): bytes = [3, 3, shift]
    case .selectiveAcknowledgementPermitted: bytes = [4, 2]
    case .selectiveAcknowledgement(let ranges):
      bytes = [5, UInt8(truncatingIfNeeded: 2 + 8 * ranges.count)]
      for range in ranges {
        bytes.append(range.start)
        bytes.append(range.end)
      }
    case .timestamps(let value, let echo):
      bytes = [8, 10]
      bytes.append(value)
      bytes.append(echo)
    case .other(let kind, let value): bytes = [kind, UInt8(truncatingIfNeeded: 2 + value.count)] + value
    }
    return bytes
  }

  /// nil: a length that cannot be.
  static func parse(_ bytes: [UInt8]) -> [TCPOption]? {
    var options: [TCPOption] = []
    var length = 0
    var reader = ByteReader(bytes[...])
    while let kind = reader.byte() {
      if kind < 2 {
        options.append(kind == 0 ? .endOfList : .noOperation)
      } else {
        guard let size = reader.byte(), let value = reader.bytes(Int(size) - 2) else { return nil }
        options.append(option(kind, value))
      }
      if kind != 0 { length = bytes.count - reader.rest.count }
    }
    // Zeros that fill the last word are no options of their own.
    return options.dropLast((4 - length % 4) % 4).map { $0 }
  }

  private static func option(_ kind: UInt8, _ value: [UInt8]) -> TCPOption {
    var reader = ByteReader(value[...])
    switch (kind, value.count) {
    case (2, 2): return .maximumSegmentSize(reader.take() ?? 0)
    case (3, 1): return .windowScale(value[0])
    case (4, 0): return .selectiveAcknowledgementPermitted
    case (5, _) where value.count % 8 == 0:
      var ranges: [SequenceRange] = []
      while let start: UInt32 = reader.take(), let end: UInt32 = reader.take() { ranges.append(.init(start, end)) }
      return .selectiveAcknowledgement(ranges)
    case (8, 8): return .timestamps(value: reader.take() ?? 0, echo: reader.take() ?? 0)
    default: return .other(kind, value)
    }
  }
}
