// SPDX-License-Identifier: Apache-2.0

/// The name of one intent, by which the cloud recognises a repeated call and answers it as it did the first time.
///
/// The caller makes it, and stores it before the call is sent: after a crash the same call with the same token cannot
/// create a second object. A token belongs to one set of parameters; see ``ENIError/Code/tokenMismatch``.
public struct ClientToken: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The text, 1...64 bytes of visible ASCII.
  public let rawValue: String

  /// Checks a text: 1...64 bytes of visible ASCII; nil otherwise.
  public init?(_ text: String) {
    guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
    rawValue = text
  }

  /// Makes a token from 128 random bits.
  public static func random() -> ClientToken {
    var generator = SystemRandomNumberGenerator()
    return random(using: &generator)
  }

  /// Makes a token from 128 bits of a generator.
  public static func random(using generator: inout some RandomNumberGenerator) -> ClientToken {
    ClientToken(bits: [generator.next(), generator.next()])
  }

  private init(bits: [UInt64]) {
    rawValue = Hexadecimal.lower(bits.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } })
  }

  /// The text.
  public var description: String { rawValue }

  /// Reads the text.
  ///
  /// - Throws: `DecodingError.dataCorrupted` for a malformed token.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let token = ClientToken(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "a client token is 1 to 64 bytes of visible ASCII")
    }
    self = token
  }

  /// Writes the text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
