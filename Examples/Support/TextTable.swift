// SPDX-License-Identifier: Apache-2.0

/// Rows in columns that line up, for a terminal.
public struct TextTable: Sendable, CustomStringConvertible {
  private let header: [String]
  private var rows: [[String]] = []

  /// Makes a table without rows.
  ///
  /// - Parameter header: The titles of the columns.
  public init(_ header: [String]) { self.header = header }

  /// Adds a row.
  ///
  /// Missing cells stay empty, surplus cells are a bug and trap.
  public mutating func append(_ row: [String]) {
    precondition(row.count <= header.count, "\(row.count) cells in a table of \(header.count) columns")
    rows.append(row + Array(repeating: "", count: header.count - row.count))
  }

  /// The table, one line per row, without white space at the ends.
  public var description: String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      var text = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text
    }
    return ([line(header), line(widths.map { String(repeating: "-", count: $0) })] + rows.map(line))
      .joined(separator: "\n")
  }
}
