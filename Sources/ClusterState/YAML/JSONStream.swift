// SPDX-License-Identifier: Apache-2.0

/// A JSON stream as libyaml reads it.
///
/// JSON values may follow each other without anything between them, and have tabs before them; YAML documents may not.
/// JSON texts may have characters that libyaml refuses, or takes for the end of a line.
struct JSONStream {
  private static let separator = Array("--- ".utf8)

  private let bytes: [UInt8]
  private var position: Int
  private var result: [UInt8] = []
  /// Where the line of `position` begins in the result, or the object before it ends in that line.
  private var boundary = 0
  private var hasNewline = false
  private var depth = 0
  private var isAfterObject = false

  /// Puts a document separator between the objects of a JSON stream, and writes what YAML does not have in another way.
  ///
  /// Lines keep their numbers where objects have lines of their own.
  ///
  /// - Parameter bytes: a stream; one that is not JSON is returned as it is.
  /// - Returns: the stream as YAML.
  static func asYAML(_ bytes: [UInt8]) -> [UInt8] {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard bytes[start...].first(where: { !isSpace($0) }) == 0x7B else { return bytes }
    var stream = JSONStream(bytes, start: start)
    return stream.converted() ? stream.result : bytes
  }

  private init(_ bytes: [UInt8], start: Int) {
    self.bytes = bytes
    position = start
    result.reserveCapacity(bytes.count)
  }

  /// Writes the result; false where the stream is not JSON.
  private mutating func converted() -> Bool {
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if Self.isSpace(byte) {
        appendSpace(byte)
        continue
      }
      // Outside of objects there are only objects.
      if depth == 0, byte != 0x7B { return false }
      switch byte {
      case 0x7B, 0x5B:
        if depth == 0, isAfterObject { separate() }
        depth += 1
        result.append(byte)
      case 0x7D, 0x5D:
        depth -= 1
        result.append(byte)
        isAfterObject = depth == 0
        hasNewline = false
        boundary = result.count
      case 0x22:
        result.append(byte)
        appendText()
      default:
        guard Self.isPartOfValue(byte) else { return false }
        result.append(byte)
      }
    }
    return true
  }

  private mutating func appendSpace(_ byte: UInt8) {
    result.append(depth == 0 && byte == 0x09 ? 0x20 : byte)
    guard depth == 0, byte == 0x0A else { return }
    hasNewline = true
    boundary = result.count
  }

  /// Begins a document: at the beginning of the line, if that is empty until here.
  private mutating func separate() {
    if !hasNewline { boundary = result.count }
    let indent = result.count - boundary
    result.removeLast(indent)
    if !hasNewline { result.append(0x0A) }
    result += Self.separator
    if indent > 0 { result += repeatElement(0x20, count: indent) }
  }

  /// What stands in quotes, the closing one included.
  private mutating func appendText() {
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case 0x22:
        result.append(byte)
        return
      case 0x5C:
        result.append(byte)
        guard position < bytes.count else { return }
        result.append(bytes[position])
        position += 1
      case 0x7F: result += Array("\\x7F".utf8)
      case 0xC2, 0xE2, 0xEF: append(first: byte)
      default: result.append(byte)
      }
    }
  }

  /// A character that begins with this byte: one that YAML does not have, or has as a line's end, as an escape.
  private mutating func append(first: UInt8) {
    let second = position < bytes.count ? bytes[position] : 0
    let third = position + 1 < bytes.count ? bytes[position + 1] : 0
    let escape: String
    switch (first, second, third) {
    case (0xC2, 0x80...0x9F, _): escape = "\\u00" + String(second, radix: 16)
    case (0xE2, 0x80, 0xA8): escape = "\\u2028"
    case (0xE2, 0x80, 0xA9): escape = "\\u2029"
    case (0xEF, 0xBF, 0xBE): escape = "\\uFFFE"
    case (0xEF, 0xBF, 0xBF): escape = "\\uFFFF"
    default: return result.append(first)
    }
    result += Array(escape.utf8)
    position += first == 0xC2 ? 1 : 2
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// What stands outside of texts: the letters of `true`, `false` and `null`, numbers, colons and commas.
  private static func isPartOfValue(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x2B, 0x2C, 0x2D, 0x2E, 0x3A, 0x30...0x39, 0x45: true
    case 0x61, 0x65, 0x66, 0x6C, 0x6E, 0x72, 0x73, 0x74, 0x75: true
    default: false
    }
  }
}
