// SPDX-License-Identifier: Apache-2.0

/// JSON values may follow each other without anything between them; YAML documents may not.
enum JSONStream {
  /// Puts a document separator between the objects of a JSON stream.
  ///
  /// - Parameter bytes: a stream; one that is not JSON is returned as it is.
  /// - Returns: the stream as YAML.
  static func separated(_ bytes: [UInt8]) -> [UInt8] {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard bytes[start...].first(where: { !isSpace($0) }) == 0x7B else { return bytes }
    var boundaries: [Int] = []
    var lastNewline = -1
    var depth = 0
    var isInText = false
    var isEscaped = false
    var isAfterObject = false
    var objectEnd = 0
    for position in bytes.indices[start...] {
      let byte = bytes[position]
      if isInText {
        if isEscaped {
          isEscaped = false
        } else if byte == 0x5C {
          isEscaped = true
        } else if byte == 0x22 {
          isInText = false
        }
        continue
      }
      if isSpace(byte) {
        if byte == 0x0A { lastNewline = position }
        continue
      }
      // Outside of objects there are only objects.
      if depth == 0, byte != 0x7B { return bytes }
      switch byte {
      case 0x7B, 0x5B:
        if depth == 0, isAfterObject { boundaries.append(lastNewline >= objectEnd ? lastNewline + 1 : position) }
        depth += 1
      case 0x7D, 0x5D:
        depth -= 1
        isAfterObject = depth == 0
        objectEnd = position
      case 0x22: isInText = true
      default:
        guard isPartOfValue(byte) else { return bytes }
      }
    }
    if boundaries.isEmpty { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + 5 * boundaries.count)
    var position = 0
    for boundary in boundaries {
      result += bytes[position..<boundary]
      // Where objects have lines of their own, their numbers stay.
      result += Array((bytes[boundary - 1] == 0x0A ? "--- " : "\n--- ").utf8)
      position = boundary
    }
    result += bytes[position...]
    return result
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
