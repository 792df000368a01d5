// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ServiceLB

/// Prints what happened at services.
struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Prints how many connections each service got, and how many were turned away.",
    discussion: """
      TRANSLATED counts connections and flows, and datagrams of sockets that are not connected. REFUSED: there was no \
      endpoint. NOT LOCAL: the traffic policy is Local, and no endpoint is on this node. FILTERED: the client is in none of \
      the source ranges. Counts begin when a service is first served.

      Example:
        svclb stats --all --output json
      """)

  @OptionGroup var pin: PinOption
  @OptionGroup var output: OutputOption

  @Flag(help: "Also services at which nothing happened.")
  var all = false

  func run() async throws {
    let rows = try PinnedBalancer(pin.directory).counts()
    try output.form.show(
      rows.filter { all || !$0.isQuiet }, none: rows.isEmpty ? "nothing is served" : "nothing happened so far")
  }
}

/// What happened at a service.
struct CountRow: Row {
  static let titles = ["SERVICE", "FRONTEND", "TRANSLATED", "REFUSED", "NOT LOCAL", "FILTERED"]

  var service: UInt32
  /// What it is called, or its number.
  var name: String
  /// The first address it answers at.
  var frontend: String
  var translated: UInt64
  var refused: UInt64
  var notLocal: UInt64
  var filtered: UInt64

  var isQuiet: Bool { translated == 0 && refused == 0 && notLocal == 0 && filtered == 0 }

  var cells: [String] {
    [name, frontend, "\(translated)", "\(refused)", "\(notLocal)", "\(filtered)"]
  }

  /// What happened since an earlier look.
  func since(_ earlier: CountRow?) -> CountRow {
    func difference(_ count: KeyPath<CountRow, UInt64>) -> UInt64 {
      self[keyPath: count] - min(self[keyPath: count], earlier?[keyPath: count] ?? 0)
    }
    return CountRow(
      service: service, name: name, frontend: frontend, translated: difference(\.translated),
      refused: difference(\.refused),
      notLocal: difference(\.notLocal), filtered: difference(\.filtered))
  }
}
