// SPDX-License-Identifier: Apache-2.0

internal import NetworkTypes

/// Words that people write for bytes, numbers and addresses.
enum BTFScalarInput {
  /// A number from the smallest signed to the largest unsigned of 64 bits.
  struct Number {
    /// Two's complement.
    var bits: UInt64
    var isNegative: Bool

    func fits(isSigned: Bool, width: Int) -> Bool {
      guard width > 0 else { return bits == 0 }
      let shift = UInt64(64 - min(width, 64))
      if isNegative { return isSigned && Int64(bitPattern: bits) >= Int64.min >> Int64(shift) }
      return bits <= (isSigned ? UInt64(Int64.max) >> shift : UInt64.max >> shift)
    }
  }

  /// Decimal, or hexadecimal with `0x`; nil: no number of 64 bits.
  static func number(_ word: String) -> Number? {
    let isNegative = word.hasPrefix("-")
    let digits = word.dropFirst(isNegative ? 1 : 0)
    let isHex = digits.hasPrefix("0x") || digits.hasPrefix("0X")
    let text = isHex ? digits.dropFirst(2) : digits
    guard let first = text.first, first != "+", first != "-", let magnitude = UInt64(text, radix: isHex ? 16 : 10)
    else { return nil }
    guard isNegative else { return Number(bits: magnitude, isNegative: false) }
    guard magnitude <= 1 << 63 else { return nil }
    return Number(bits: 0 &- magnitude, isNegative: magnitude != 0)
  }

  /// A number of 128 bits: decimal up to 64, else hexadecimal with `0x`.
  static func wide(_ word: String) -> (high: UInt64, low: UInt64)? {
    if let number = number(word) { return (number.isNegative ? .max : 0, number.bits) }
    guard word.hasPrefix("0x"), word.utf8.count <= 34 else { return nil }
    let digits = word.dropFirst(2)
    guard let high = UInt64(digits.dropLast(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16) else {
      return nil
    }
    return (high, low)
  }

  /// The bytes of `hex 0a 00`, `hex:0a00` or `hex:0a:00`; nil: another word.
  static func hexBytes(_ text: String) throws(BPFError) -> [UInt8]? {
    let isSpaced = text.hasPrefix("hex ")
    guard isSpaced || text.hasPrefix("hex:") else { return nil }
    let parts = text.dropFirst(4).split { $0 == " " || $0 == ":" || $0 == "\t" || $0 == "," }
    var bytes: [UInt8] = []
    for part in parts {
      let digits = part.hasPrefix("0x") ? part.dropFirst(2) : part
      let padded = digits.utf8.count == 1 ? "0" + digits : String(digits)
      var rest = padded[...]
      guard padded.utf8.count.isMultiple(of: 2), !padded.contains("+"), !padded.contains("-") else {
        throw BPFError(.invalidArgument, "\"\(part)\" is no hexadecimal byte: write two digits for each")
      }
      while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else {
          throw BPFError(.invalidArgument, "\"\(part)\" is no hexadecimal byte: write two digits for each")
        }
        bytes.append(byte)
        rest = rest.dropFirst(2)
      }
    }
    return bytes
  }

  /// The bytes of an IPv4, IPv6 or link-layer address, in network order; nil: another word.
  static func address(_ word: String) -> [UInt8]? {
    guard word.contains(".") || word.contains(":") else { return nil }
    return IPAddress(word)?.bytes ?? MACAddress(word)?.bytes
  }
}

extension BTFEnumeration {
  /// Whether a field of so many bits can be this constant: only a bit-field can be too narrow.
  func holds(_ constant: Constant, width: Int) -> Bool {
    width >= min(size, 8) * 8
      || BTFScalarInput.Number(bits: UInt64(bitPattern: constant.value), isNegative: constant.value < 0)
        .fits(isSigned: isSigned, width: width)
  }
}
