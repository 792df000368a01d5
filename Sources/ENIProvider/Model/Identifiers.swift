// SPDX-License-Identifier: Apache-2.0

/// The name a cloud gave to one of its objects: an opaque, non-empty text.
///
/// Clouds choose the form (`eni-bp1…`, `vsw-…`), so a text is only checked to be short, visible ASCII.
public protocol CloudIdentifier: Sendable, Hashable, Codable, Comparable, CustomStringConvertible,
  ExpressibleByStringLiteral
where StringLiteralType == String {
  /// The text.
  var rawValue: String { get }

  /// Takes a text that is known to be well-formed.
  init(unchecked rawValue: String)
}

extension CloudIdentifier {
  /// Checks a text: 1...128 bytes of visible ASCII; nil otherwise.
  public init?(_ text: String) {
    guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    self.init(unchecked: text)
  }

  /// Traps on a malformed literal: an error in the source, not in the input.
  public init(stringLiteral value: String) {
    guard let identifier = Self(value) else { preconditionFailure("malformed identifier literal \"\(value)\"") }
    self = identifier
  }

  /// The text.
  public var description: String { rawValue }

  /// Orders identifiers by text.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Reads the text.
  ///
  /// - Throws: `DecodingError.dataCorrupted` for a malformed identifier.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let identifier = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "malformed identifier \"\(text)\"")
    }
    self = identifier
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// The identifier of an elastic network interface, `eni-…`.
public struct ENIIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of an instance (a node), `i-…`.
public struct InstanceIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of a vSwitch (a subnet of one zone), `vsw-…`.
public struct VSwitchIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of a security group, `sg-…`.
public struct SecurityGroupIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of a VPC, `vpc-…`.
public struct VPCIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of a zone, `cn-hangzhou-h`.
public struct ZoneIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}

/// The identifier of a region, `cn-hangzhou`.
public struct RegionIdentifier: CloudIdentifier {
  /// The text.
  public let rawValue: String

  /// Takes a text that is known to be well-formed.
  public init(unchecked rawValue: String) { self.rawValue = rawValue }
}
