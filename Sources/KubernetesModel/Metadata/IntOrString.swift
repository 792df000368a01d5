// SPDX-License-Identifier: Apache-2.0

/// A port as a number or by name.
///
/// Kubernetes: `IntOrString`.
public enum IntOrString: Hashable, Sendable {
  /// A number.
  case int(Int32)
  /// A name; `"80"` in quotes is a name as well.
  case string(String)
}

extension IntOrString: CustomStringConvertible {
  /// The number or the name.
  public var description: String {
    switch self {
    case .int(let number): String(number)
    case .string(let text): text
    }
  }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  /// Makes a number.
  public init(integerLiteral value: Int32) { self = .int(value) }
  /// Makes a name.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension IntOrString: Codable {
  /// Reads a number or a text.
  ///
  /// - Parameter decoder: where it comes from.
  /// - Throws: what the decoder throws, and ``ValidationError``.
  public init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    if let number = try? single.decode(Int32.self) {
      self = .int(number)
    } else {
      self = .string(try single.decode(String.self))
    }
  }

  /// Writes a number or a text.
  ///
  /// - Parameter encoder: where it goes.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch self {
    case .int(let number): try single.encode(number)
    case .string(let text): try single.encode(text)
    }
  }
}
