// SPDX-License-Identifier: Apache-2.0

import ExampleSupport
import LinuxSystem
import NetworkTypes
import ServiceList
import SystemPackage

/// One endpoint of a service becomes another one.
struct EndpointChange: Sendable {
  /// The list afterwards.
  var list: ServiceList
  /// Where in ``list`` the service is.
  var line: Int
  /// Which of its endpoints is new.
  var place: Int
  /// What was there before.
  var old: ServiceList.Backend

  var service: ServiceList.Line { list.lines[line] }

  /// Changes the middle service's last endpoint.
  init?(_ list: ServiceList, round: Int) {
    let line = list.lines.count / 2
    guard line < list.lines.count, let old = list.lines[line].backends.last else { return nil }
    self.list = list
    self.line = line
    self.place = list.lines[line].backends.count - 1
    self.old = old
    let new = IPv4Address(rawValue: 0x0A70_0001 + UInt32(truncatingIfNeeded: round % 2))
    self.list.lines[line].backends[place].address = .v4(new)
  }
}

/// What programming took.
struct Cost: Sendable {
  /// Time by the clock.
  var milliseconds: Double
  /// Processor time of the program that did it, and of the kernel for it.
  var cpu: Double
}

/// Something that serves services at a stage.
protocol Balancer: Sendable {
  /// Serves a list; nothing is served before.
  func program(_ list: ServiceList) async throws -> Cost
  /// Serves a list that differs in one endpoint.
  func change(_ change: EndpointChange) async throws -> Cost
  /// Runs `body` so that sockets made there are served.
  func serving<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result
  /// Ends it.
  func remove() async throws
}

extension Balancer {
  func serving<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result { try await body() }
  func remove() async throws {}
}

/// No balancer; with `tracksConnections` the node has a rule that needs conntrack.
struct Floor: Balancer {
  let stage: Stage
  let tracksConnections: Bool

  func program(_ list: ServiceList) async throws -> Cost {
    guard tracksConnections else { return Cost(milliseconds: 0, cpu: 0) }
    let cost = try await Tool("nft", ["-f"]).run(
      """
      add table ip track
      add chain ip track forward { type filter hook forward priority 0 ; }
      add rule ip track forward ct state new accept

      """, in: stage.node)
    try await stage.shortenConntrack()
    return cost
  }

  func change(_ change: EndpointChange) async throws -> Cost { Cost(milliseconds: 0, cpu: 0) }
}

/// Netfilter, programmed by the system's tools.
struct Netfilter: Balancer {
  let mode: Mode
  let stage: Stage

  func program(_ list: ServiceList) async throws -> Cost {
    var cost: Cost
    switch mode {
    case .nftables: cost = try await nft.run(NFTablesRules(list: list).all, in: stage.node)
    case .nftFlat: cost = try await nft.run(FlatMapRules(list: list).all, in: stage.node)
    case .ipvs:
      // Rules need the sets, and the tool that makes a set tells nobody of a missing module but by failing.
      cost = try await Tool("ipset", ["restore", "-file"]).run(IPVSRules(list: list).sets, in: stage.node)
      cost += try await iptables.run(IPVSRules.rules, in: stage.node)
      cost += try await Tool("ipvsadm", ["--restore"], isInput: true).run(IPVSRules(list: list).servers, in: stage.node)
      try await Sysctl.write("1", to: "net/ipv4/vs/conntrack", in: stage.node)
      if let range = IPCIDR("10.96.0.0/12") { try await stage.own(range) }
    default: cost = try await iptables.run(IPTablesRules(list: list).all, in: stage.node)
    }
    try await stage.shortenConntrack()
    return cost
  }

  func change(_ change: EndpointChange) async throws -> Cost {
    let (line, place, old) = (change.service, change.place, change.old)
    switch mode {
    case .nftables:
      return try await nft.run(NFTablesRules.change(of: line, adding: place, removing: old), in: stage.node)
    case .nftFlat:
      return try await nft.run(FlatMapRules(list: change.list).change(of: line, at: place, from: old), in: stage.node)
    case .ipvs:
      return try await Tool("ipvsadm", ["--restore"], isInput: true).run(
        IPVSRules.change(of: line, at: place, from: old), in: stage.node)
    default:
      // The chain of the endpoint keeps its name here: it is written anew, as the name of another would be.
      return try await iptables.run(IPTablesRules(list: change.list).change(of: line, removing: nil), in: stage.node)
    }
  }

  private var nft: Tool { Tool("nft", ["-f"]) }

  private var iptables: Tool {
    Tool(
      mode == .iptablesLegacy ? "iptables-legacy-restore" : "iptables-nft-restore", ["--noflush", "--counters", "-w"],
      isInput: true)
  }
}

extension Cost {
  static func += (left: inout Cost, right: Cost) {
    left.milliseconds += right.milliseconds
    left.cpu += right.cpu
  }
}
