// SPDX-License-Identifier: Apache-2.0

import Foundation
import NetlinkKit
import NetlinkRows

/// Writes one line per event to standard output, and remembers the names of the links.
struct EventPrinter {
  let output: NetlinkWatchCommand.OutputForm
  let printsLinks: Bool
  /// How many lines were written.
  private(set) var printed = 0

  private var names = LinkNames()
  private let encoder = JSONEncoder.rows

  init(output: NetlinkWatchCommand.OutputForm, printsLinks: Bool) {
    self.output = output
    self.printsLinks = printsLinks
  }

  mutating func print(_ event: NetlinkEvent) throws {
    switch event {
    case .link(let change, let link):
      names.learn(link)
      if printsLinks { try write(change, "link", LinkRow(link, names)) }
    case .address(let change, let address): try write(change, "address", AddressRow(address, names))
    case .route(let change, let route): try write(change, "route", RouteRow(route, names))
    case .rule(let change, let rule): try write(change, "rule", RuleRow(rule))
    case .neighbour(let change, let neighbour): try write(change, "neighbour", NeighbourRow(neighbour, names))
    case .synchronised: try write(Line<LinkRow>(event: "synchronised"), text: "synchronised")
    case .resynchronise: try write(Line<LinkRow>(event: "resynchronise"), text: "resynchronise: events were lost")
    default: break
    }
  }

  private struct Line<Each: Row>: Encodable {
    var event: String
    var object: String?
    var value: Each?
  }

  private mutating func write<Each: Row>(_ change: NetlinkEvent.Change, _ object: String, _ row: Each) throws {
    try write(
      Line(event: change.rawValue, object: object, value: row), text: "\(change.rawValue) \(object) \(row.line)")
  }

  /// Written at once, for whoever reads it through a pipe.
  private mutating func write<Each: Row>(_ line: Line<Each>, text: String) throws {
    let text = output == .json ? String(decoding: try encoder.encode(line), as: UTF8.self) : text
    try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    printed += 1
  }
}
