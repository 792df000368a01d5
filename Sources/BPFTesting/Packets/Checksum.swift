// SPDX-License-Identifier: Apache-2.0

/// What goes into a checksum field.
public enum Checksum<Value: FixedWidthInteger & Sendable>: Hashable, Sendable {
  /// The right one.
  case correct
  /// A wrong one: the right one with its lowest bit flipped, and never 0, which means "none" to UDP.
  case wrong
  /// This one. For UDP, `.exactly(0)` says that there is none.
  case exactly(Value)

  /// The field's value.
  func value(_ correct: @autoclosure () -> Value) -> Value {
    switch self {
    case .correct: return correct()
    case .wrong:
      let right = correct()
      return right ^ 1 == 0 ? right ^ 2 : right ^ 1
    case .exactly(let value): return value
    }
  }
}

/// The checksum of IP, TCP, UDP and ICMP: the complement of the one's complement sum. RFC 1071
struct InternetSum {
  private var sum: UInt64 = 0

  /// An odd last byte counts as the high half of a word; only the last bytes added may be odd.
  mutating func add(_ bytes: some Sequence<UInt8>) {
    var isHigh = true
    for byte in bytes {
      sum += isHigh ? UInt64(byte) << 8 : UInt64(byte)
      isHigh.toggle()
    }
  }

  var checksum: UInt16 {
    var sum = sum
    while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
    return ~UInt16(truncatingIfNeeded: sum)
  }
}

/// SCTP's checksum: CRC-32C (Castagnoli), reflected. RFC 9260, appendix A
enum CRC32C {
  static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = ~0
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
    }
    return ~crc
  }
}
