// SPDX-License-Identifier: Apache-2.0

import Foundation

/// An article of a module's DocC catalogue, whose lines of code a test compiles and runs.
///
/// The test has them between the lines `// begin` and `// end` (or `// begin NAME`, where a file has those of several),
/// and compares them with ``code``.
public struct Article {
  /// The whole text.
  public let text: String

  /// Reads an article.
  ///
  /// - Parameters:
  ///   - name: The article's file name without `.md`.
  ///   - module: The module whose catalogue has it.
  /// - Throws: When there is no such file.
  public init(_ name: String, of module: String) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = root.appending(path: "Sources/\(module)/\(module).docc/\(name).md")
    text = try String(contentsOf: file, encoding: .utf8)
  }

  /// The blocks of Swift, each without indentation and empty lines.
  public var code: [[String]] { Article.blocks(of: text, from: "```swift", to: "```") }

  /// The blocks of lines that a test runs, in the same form.
  ///
  /// - Parameters:
  ///   - name: What stands behind `// begin`; nil for nothing.
  ///   - file: The test's source.
  /// - Returns: The lines of each block.
  /// - Throws: When the source cannot be read.
  public static func linesRun(_ name: String? = nil, in file: String = #filePath) throws -> [[String]] {
    let source = try String(contentsOf: URL(filePath: file), encoding: .utf8)
    return blocks(of: source, from: "// begin" + (name.map { " \($0)" } ?? ""), to: "// end")
  }

  private static func blocks(of text: String, from first: String, to last: String) -> [[String]] {
    var found: [[String]] = []
    var lines: [String]?
    for line in text.split(separator: "\n") {
      let bare = String(line.drop { $0 == " " })
      if bare == last, let block = lines {
        found.append(block)
        lines = nil
      } else if bare == first {
        lines = []
      } else if !bare.isEmpty {
        lines?.append(bare)
      }
    }
    return found
  }
}
