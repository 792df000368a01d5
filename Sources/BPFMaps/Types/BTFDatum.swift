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
    if case .fields(let fields) = self { return Self.text(fields) }
    return text
  }

  private var text: String {
    switch self {
    case .unsigned(let number): "\(number)"
    case .signed(let number): "\(number)"
    case .wide(let high, let low): Self.hex(high, low)
    case .floatingPoint(let number): "\(number)"
    case .boolean(let value): "\(value)"
    case .constant(let name): name
    case .text(let text): Self.quoted(text)
    case .address(let address): "\(address)"
    case .hardwareAddress(let address): "\(address)"
    case .pointer(let number): "0x" + String(number, radix: 16)
    case .list(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
    case .fields(let fields): "{" + Self.text(fields) + "}"
    case .bytes(let bytes): "hex:" + Self.hex(bytes)
    }
  }

  /// JSON: numbers, truth values, names, texts and addresses as strings, lists and objects.
  public var json: String {
    switch self {
    case .unsigned, .signed, .boolean: text
    case .floatingPoint(let number): number.isFinite ? text : Self.quoted(text)
    case .wide, .constant, .text, .address, .hardwareAddress, .pointer: Self.quoted(unquoted)
    case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .fields(let fields):
      "{" + fields.map { "\(Self.quoted($0.name)):\($0.value.json)" }.joined(separator: ",") + "}"
    case .bytes(let bytes): Self.json(of: bytes)
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
      text += [UInt8(ascii: "\""), UInt8(ascii: "0"), UInt8(ascii: "x"), digit(byte >> 4), digit(byte & 15)]
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

  private static func text(_ fields: [Field]) -> String {
    fields.map { "\($0.name)=\($0.value.text)" }.joined(separator: " ")
  }

  private var unquoted: String {
    if case .text(let text) = self { return text }
    return text
  }

  /// A JSON string.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
