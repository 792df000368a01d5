// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ExampleSupport
import Foundation
import LinuxSystem
import NetlinkKit
import NetlinkRows
import NetworkTypes

/// Prints the objects of a network namespace.
struct NetlinkShowCommand: ExampleCommand {
  static let configuration = CommandConfiguration(
    commandName: "netlink-show",
    abstract: "Lists links, addresses, routes, rules or neighbours of a network namespace.",
    discussion: """
      JSON has the field names of `ip -j -d`, so that a script which reads one reads the other. Routes are those of the \
      main table unless --table says otherwise, as with `ip route`. Reading needs no privilege; another namespace needs \
      CAP_SYS_ADMIN.

      Exit status: 0, 1 for a failure, 2 for wrong usage.
      """)

  enum Object: String, ExpressibleByArgument, CaseIterable {
    case links, addresses, routes, rules, neighbours
  }

  enum OutputForm: String, ExpressibleByArgument, CaseIterable { case table, json }

  @Argument(help: "What to list.")
  var object: Object

  @Option(help: "A network namespace, by its name for `ip netns` or by a path such as /proc/PID/ns/net.")
  var namespace: String?

  @Option(help: "IPv4 (4) or IPv6 (6) alone; both otherwise.")
  var family: Int?

  @Option(help: "Routes: a table by number, or all, main, local, default.")
  var table = "main"

  @Flag(help: "Neighbours: those that this machine answers for.")
  var proxy = false

  @Option(help: "Form of the output.")
  var output = OutputForm.table

  func validate() throws {
    guard family == nil || family == 4 || family == 6 else {
      throw ValidationError("--family \(family ?? 0): write 4 or 6.")
    }
    _ = try tableFilter()
  }

  func run() async throws {
    let socket = try await NetlinkSocket(in: NetworkNamespace.open(nameOrPath: namespace))
    let names = LinkNames(try await socket.links.all())
    switch object {
    case .links: try show(try await socket.links.all().map { LinkRow($0, names) })
    case .addresses:
      let all = try await socket.addresses.all().filter { matches($0.address.family) }
      try show(all.map { AddressRow($0, names) })
    case .routes:
      var all: [Route] = []
      for each in AddressFamily.allCases where matches(each) {
        all += try await socket.routes.all(table: try tableFilter(), family: each)
      }
      try show(all.map { RouteRow($0, names) })
    case .rules:
      var all: [Rule] = []
      for each in AddressFamily.allCases where matches(each) { all += try await socket.rules.all(family: each) }
      try show(all.map { RuleRow($0) })
    case .neighbours:
      let all = try await socket.neighbours.all().filter { $0.isProxy == proxy && matches($0.address.family) }
      try show(all.map { NeighbourRow($0, names) })
    }
  }

  private func matches(_ family: AddressFamily) -> Bool {
    self.family == nil || self.family == (family == .ipv4 ? 4 : 6)
  }

  private func tableFilter() throws -> RouteTableID? {
    switch table {
    case "all": return nil
    case "main": return .main
    case "local": return .local
    case "default": return .default
    default:
      guard let number = UInt32(table), number > 0 else {
        throw ValidationError("--table \"\(table)\": write a number from 1, or all, main, local or default.")
      }
      return RouteTableID(number)
    }
  }

  private func show<Each: Row>(_ rows: [Each]) throws {
    switch output {
    case .table:
      var table = TextTable(Each.columns)
      for row in rows { table.append(row.cells) }
      print(table)
    case .json:
      let encoder = JSONEncoder.rows
      let lines = try rows.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
      print("[" + lines.joined(separator: ",\n ") + "]")
    }
  }
}
