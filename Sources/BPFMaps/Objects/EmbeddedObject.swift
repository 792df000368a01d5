// SPDX-License-Identifier: Apache-2.0

/// A compiled BPF object that travels inside the binary.
///
/// The `BPFCompile` build plugin generates one static property per program source, for every target that uses it:
/// `bpf/pod.bpf.c` becomes `EmbeddedObject.pod`.
///
/// ```swift
/// let object = try BPFObject(.pod)
/// ```
public struct EmbeddedObject: Sendable {
  /// The source's name without `.bpf.c`.
  public let name: String

  private let base64: StaticString

  /// Wraps an object file that was encoded at build time.
  ///
  /// - Parameters:
  ///   - name: The source's name without `.bpf.c`.
  ///   - base64: The ELF object, base64 in one line.
  public init(name: String, base64: StaticString) {
    self.name = name
    self.base64 = base64
  }

  /// The object file: an ELF image.
  ///
  /// Decoded on each call, in linear time. Text that is not base64 ends the result early; opening it then fails as a
  /// malformed object.
  public func bytes() -> [UInt8] {
    Base64.decode(base64.description.utf8)
  }
}

/// A base64 decoder that needs no Foundation.
enum Base64 {
  static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.underestimatedCount / 4 * 3)
    var window: UInt32 = 0
    var bits = 0
    for character in text {
      guard let value = value(of: character) else { break }
      window = window << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: window >> UInt32(bits)))
      }
    }
    return bytes
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
