// SPDX-License-Identifier: Apache-2.0

/// The percent encoding of signed requests (RFC 3986): `A-Z a-z 0-9 - _ . ~` stay, every other UTF-8 byte is `%XX`.
public enum PercentEncoding {
  /// Encodes the UTF-8 bytes of a text, with upper-case hexadecimal digits.
  public static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if isUnreserved(byte) {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        bytes.append(Hexadecimal.upperDigit(byte >> 4))
        bytes.append(Hexadecimal.upperDigit(byte & 15))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Decodes a percent-encoded text.
  ///
  /// - Parameters:
  ///   - text: the encoded bytes.
  ///   - plusIsSpace: true in query strings and form bodies, where `+` stands for a space.
  /// - Returns: nil when an escape is truncated or not hexadecimal, or the result is not UTF-8.
  public static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(Hexadecimal.value),
          let low = iterator.next().flatMap(Hexadecimal.value)
        else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+") where plusIsSpace:
        bytes.append(UInt8(ascii: " "))
      default:
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// The sorted, encoded `k=v&k=v` form that both signature styles sign.
  ///
  /// Keys sort by the bytes of their un-encoded names: `Tag.1`, `Tag.10`, `Tag.2`.
  public static func canonicalQuery(_ parameters: [String: String]) -> String {
    parameters
      .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { "\(encode($0.key))=\(encode($0.value))" }
      .joined(separator: "&")
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}

/// Hexadecimal digits.
enum Hexadecimal {
  /// The upper-case digit of a value below 16.
  static func upperDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + (value - 10)
  }

  /// The value of one digit of either case.
  static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Lower-case text of some bytes.
  static func lower(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in bytes {
      for nibble in [byte >> 4, byte & 15] {
        text.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + (nibble - 10))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
