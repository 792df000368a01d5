// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import Foundation

/// Something that is printed as a line of a table, or as an object of JSON.
protocol Row: Encodable {
  static var titles: [String] { get }
  /// One for each title.
  var cells: [String] { get }
}

extension OutputForm {
  /// Prints rows: a table, or a list of objects, one to a line.
  func show<Element: Row>(_ rows: [Element], none: String) throws {
    switch self {
    case .table:
      guard !rows.isEmpty else { return warn(none) }
      var table = TextTable(Element.titles)
      for row in rows { table.append(row.cells) }
      try write(table.description)
    case .json: try write("[" + rows.map(json).joined(separator: ",\n ") + "]")
    }
  }

  /// A value as one line of JSON.
  func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

/// Writes at once, for whoever reads it through a pipe.
func write(_ text: String) throws {
  try FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
}

/// Something to know that is no failure, on standard error.
func warn(_ sentence: String) {
  try? FileHandle.standardError.write(contentsOf: Data("svclb: \(sentence)\n".utf8))
}
