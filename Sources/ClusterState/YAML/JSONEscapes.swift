// SPDX-License-Identifier: Apache-2.0

/// JSON writes a character outside of the basic plane as two escapes, which libyaml refuses; one of them alone stands for
/// the replacement character, as in kubectl's reader.
enum JSONEscapes {
  /// Replaces each pair of surrogate escapes of a JSON stream by the character itself, and each half of one.
  ///
  /// - Parameter bytes: a stream; one that does not begin like JSON is returned as it is.
  /// - Returns: bytes of which there are never more than before.
  static func withoutSurrogates(_ bytes: [UInt8]) -> [UInt8] {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let first = bytes[start...].first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
    let backslash: UInt8 = 0x5C
    guard first == 0x7B || first == 0x5B, bytes.contains(backslash) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      guard bytes[position] == backslash else {
        result.append(bytes[position])
        position += 1
        continue
      }
      if let high = unit(bytes, at: position), (0xD800..<0xDC00).contains(high),
        let low = unit(bytes, at: position + 6), (0xDC00..<0xE000).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      {
        result += Array(String(scalar).utf8)
        position += 12
      } else if let half = unit(bytes, at: position), (0xD800..<0xE000).contains(half) {
        result += [0xEF, 0xBF, 0xBD]
        position += 6
      } else {
        // The escaped byte goes along, so that it does not begin an escape itself.
        result += bytes[position..<min(position + 2, bytes.count)]
        position += 2
      }
    }
    return result
  }

  /// The code unit of an escape of the form backslash, `u`, four digits.
  private static func unit(_ bytes: [UInt8], at position: Int) -> UInt32? {
    guard position + 6 <= bytes.count, bytes[position] == 0x5C, bytes[position + 1] == 0x75 else { return nil }
    var value: UInt32 = 0
    for byte in bytes[(position + 2)..<(position + 6)] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
