// SPDX-License-Identifier: Apache-2.0

/// A value that is written as text in JSON and YAML, and refused when the text is not valid.
public protocol TextCodable: Codable, CustomStringConvertible {
  /// Reads the text; nil when it is not valid.
  static func parse(_ text: String) -> Self?
}

extension TextCodable {
  /// Decodes from one string.
  ///
  /// - Throws: `DecodingError.dataCorrupted` naming the text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Self.parse(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not a valid \(Self.self)")
    }
    self = value
  }

  /// Encodes as one string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension IPv4Address: TextCodable {
  /// Reads dotted-quad notation.
  public static func parse(_ text: String) -> IPv4Address? { IPv4Address(text) }
}

extension IPv6Address: TextCodable {
  /// Reads RFC 4291 notation.
  public static func parse(_ text: String) -> IPv6Address? { IPv6Address(text) }
}

extension IPAddress: TextCodable {
  /// Reads either family's notation.
  public static func parse(_ text: String) -> IPAddress? { IPAddress(text) }
}

extension IPv4CIDR: TextCodable {
  /// Reads `10.0.0.0/8`.
  public static func parse(_ text: String) -> IPv4CIDR? { IPv4CIDR(text) }
}

extension IPCIDR: TextCodable {
  /// Reads `10.0.0.0/8` or `fd00::/8`.
  public static func parse(_ text: String) -> IPCIDR? { IPCIDR(text) }
}

extension MACAddress: TextCodable {
  /// Reads six hexadecimal bytes with colons.
  public static func parse(_ text: String) -> MACAddress? { MACAddress(text) }
}

extension InterfaceName: TextCodable {
  /// Reads a link name.
  public static func parse(_ text: String) -> InterfaceName? { InterfaceName(text) }
}

extension InterfaceIndex: Codable {
  /// Decodes from one number.
  ///
  /// - Throws: `DecodingError.dataCorrupted` for 0.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = InterfaceIndex(rawValue: try container.decode(UInt32.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "0 is not a link index")
    }
    self = value
  }

  /// Encodes as one number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

extension Port: Codable {
  /// Decodes from one number.
  ///
  /// - Throws: `DecodingError.dataCorrupted` for 0.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let value = Port(rawValue: try container.decode(UInt16.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "0 is not a port; use 1...65535")
    }
    self = value
  }

  /// Encodes as one number.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

extension IPProtocol: Codable {}
