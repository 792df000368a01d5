// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A value of a type that is known at run time only.
///
/// Its ``description`` is what ``BTFType/bytes(parsing:)`` reads: `source=10.0.0.1 port=8080 state=OPEN`.
public indirect enum BTFDatum: Sendable, Hashable {
  /// A struct's or union's member.
  public struct Field: Sendable, Hashable {
    /// The member's name.
    public var name: String
    /// What it holds.
    public var value: BTFDatum

    /// Names a value.
    public init(name: String, value: BTFDatum) {
      self.name = name
      self.value = value
    }
  }

  /// A number that cannot be negative; of a wire-order type such as `__be16`: as its reader understands it.
  case unsigned(UInt64)
  /// A number that can be negative.
  case signed(Int64)
  /// A number of 128 bits.
  case wide(high: UInt64, low: UInt64)
  /// A floating-point number.
  case floatingPoint(Double)
  /// A truth value.
  case boolean(Bool)
  /// A constant of an enumeration.
  case constant(String)
  /// A character array that holds text.
  case text(String)
  /// An address, where the type or the member's name says that it is one.
  case address(IPAddress)
  /// A link-layer address, where the member's name says so.
  case hardwareAddress(MACAddress)
  /// A pointer.
  case pointer(UInt64)
  /// An array.
  case list([BTFDatum])
  /// A struct or union; the members of unnamed ones are their parent's.
  case fields([Field])
  /// Bytes that no type describes.
  case bytes([UInt8])
}

extension BTFDatum: CustomStringConvertible {
  /// One line; a struct without braces.
  public var description: String {
    var output = ""
    if case .fields(let fields) = self { Self.write(fields, to: &output) } else { write(to: &output) }
    return output
  }

  /// JSON: numbers, truth values, names, texts and addresses as strings, lists and objects.
  public var json: String {
    var output = ""
    writeJSON(to: &output)
    return output
  }

  private func write(to output: inout String) {
    switch self {
    case .unsigned(let number): output += String(number)
    case .signed(let number): output += String(number)
    case .wide(let high, let low): output += Self.hex(high, low)
    case .floatingPoint(let number): output += "\(number)"
    case .boolean(let value): output += value ? "true" : "false"
    case .constant(let name): output += name
    case .text(let text): Self.quote(text, to: &output)
    case .address(let address): output += address.description
    case .hardwareAddress(let address): output += address.description
    case .pointer(let number): output += "0x" + String(number, radix: 16)
    case .list(let elements):
      output += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { output += "," }
        element.write(to: &output)
      }
      output += "]"
    case .fields(let fields):
      output += "{"
      Self.write(fields, to: &output)
      output += "}"
    case .bytes(let bytes): output += "hex:" + Self.hex(bytes)
    }
  }

  private static func write(_ fields: [Field], to output: inout String) {
    for (index, field) in fields.enumerated() {
      if index > 0 { output += " " }
      output += field.name
      output += "="
      field.value.write(to: &output)
    }
  }

  private func writeJSON(to output: inout String) {
    switch self {
    case .unsigned, .signed, .boolean, .text: write(to: &output)
    case .floatingPoint(let number):
      if number.isFinite { write(to: &output) } else { Self.quote("\(number)", to: &output) }
    case .constant(let name): Self.quote(name, to: &output)
    case .wide, .address, .hardwareAddress, .pointer:
      output += "\""
      write(to: &output)
      output += "\""
    case .list(let elements):
      output += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { output += "," }
        element.writeJSON(to: &output)
      }
      output += "]"
    case .fields(let fields):
      output += "{"
      for (index, field) in fields.enumerated() {
        if index > 0 { output += "," }
        Self.quote(field.name, to: &output)
        output += ":"
        field.value.writeJSON(to: &output)
      }
      output += "}"
    case .bytes(let bytes): output += Self.json(of: bytes)
    }
  }

  /// Bytes as a JSON list of two-digit hexadecimal strings, as `bpftool -j map dump` writes them.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: Such as `["0x0a","0x00"]`.
  public static func json(of bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 7 + 2)
    text.append(UInt8(ascii: "["))
    for (index, byte) in bytes.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      text.append(UInt8(ascii: "\""))
      text.append(UInt8(ascii: "0"))
      text.append(UInt8(ascii: "x"))
      text.append(digit(byte >> 4))
      text.append(digit(byte & 15))
      text.append(UInt8(ascii: "\""))
    }
    text.append(UInt8(ascii: "]"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Bytes as hexadecimal digits, two for each.
  ///
  /// - Parameter bytes: The bytes.
  /// - Returns: Such as `0a00`.
  public static func hex(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }, as: UTF8.self)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func hex(_ high: UInt64, _ low: UInt64) -> String {
    guard high != 0 else { return "0x" + String(low, radix: 16) }
    let lower = String(low, radix: 16)
    return "0x" + String(high, radix: 16) + String(repeating: "0", count: 16 - lower.count) + lower
  }

  /// A JSON string.
  private static func quote(_ text: String, to output: inout String) {
    output += "\""
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      output += text
    } else {
      for scalar in text.unicodeScalars { escape(scalar, to: &output) }
    }
    output += "\""
  }

  private static func escape(_ scalar: Unicode.Scalar, to output: inout String) {
    switch scalar {
    case "\"": output += "\\\""
    case "\\": output += "\\\\"
    case "\n": output += "\\n"
    case "\t": output += "\\t"
    case "\r": output += "\\r"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: output.unicodeScalars.append(scalar)
    }
  }
}
