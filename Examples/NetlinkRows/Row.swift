// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import NetlinkKit
package import NetworkTypes

/// One object as the examples print it: as cells of a table, or as JSON with the field names of `ip -j`.
package protocol Row: Encodable, Sendable {
  /// The titles of the columns.
  static var columns: [String] { get }
  /// What is in the columns; an empty cell where there is nothing to say.
  var cells: [String] { get }
}

extension Row {
  /// The row on a line of its own: each title with its cell, without those that are empty.
  package var line: String {
    zip(Self.columns, cells).filter { !$1.isEmpty }.map { "\($0.lowercased()) \($1)" }.joined(separator: " ")
  }
}

/// The names of a namespace's links: objects refer to them by index.
package struct LinkNames: Sendable {
  private var names: [InterfaceIndex: InterfaceName] = [:]

  /// Knows no link.
  package init() {}

  /// Knows these links.
  package init(_ links: [Link]) { for link in links { learn(link) } }

  /// Remembers a link, also when it has another name than before.
  package mutating func learn(_ link: Link) { names[link.index] = link.name }

  /// The link's name, or `if` and its index.
  package subscript(index: InterfaceIndex) -> String { names[index]?.rawValue ?? "if\(index)" }

  /// The name of the link that is referred to, if one is.
  func name(_ index: InterfaceIndex?) -> String? { index.map { self[$0] } }
}

extension JSONEncoder {
  /// Writes rows with the field names of `ip -j`, one object on one line, the fields in alphabetical order.
  package static var rows: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
