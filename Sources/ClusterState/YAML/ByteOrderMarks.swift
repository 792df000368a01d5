// SPDX-License-Identifier: Apache-2.0

/// libyaml takes a byte order mark for a column, and one that is not at the very beginning for text.
enum ByteOrderMarks {
  private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// Takes away the mark at the beginning of a stream and of each document that a line with `---` begins.
  ///
  /// - Parameter bytes: a stream.
  /// - Returns: the stream without marks; its lines stay as they are.
  static func removed(from bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(0xEF) else { return bytes }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var isDocumentStart = true
    var lineStart = 0
    while lineStart < bytes.count {
      let lineEnd = bytes[lineStart...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
      var line = bytes[lineStart..<lineEnd]
      if isDocumentStart, line.starts(with: mark) { line = line.dropFirst(3) }
      isDocumentStart = line.starts(with: [0x2D, 0x2D, 0x2D])
      result += line
      lineStart = lineEnd
    }
    return result
  }
}

/// A stream as libyaml can read it.
///
/// - Parameter bytes: the stream as it came.
/// - Returns: the same documents.
func yamlBytes(_ bytes: [UInt8]) -> [UInt8] {
  JSONStream.asYAML(JSONEscapes.withoutSurrogates(ByteOrderMarks.removed(from: bytes)))
}
