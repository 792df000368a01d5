// SPDX-License-Identifier: Apache-2.0

import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import PolicyTestSupport
import Testing

@testable import PolicyCompiler

/// Real connections between pods in namespaces, with the compiled policies in between.
@Suite("Live connections under compiled policies", .serialized, .requires(.root))
struct LiveTrafficTests {
  /// A connection of a documented case.
  private struct Chosen {
    var number: Int
    var input: PolicyInput
    var options: PolicyOptions
    var expectation: PolicyCase.Expectation
  }

  /// Connections of some protocols, from all cases alike.
  private static func chosen(_ protocols: Set<IPProtocol>, _ count: Int) -> [Chosen] {
    var all: [Chosen] = []
    for (number, item) in PolicyCase.all.enumerated() {
      for expectation in item.expectations where protocols.contains(expectation.probe.protocol) {
        all.append(.init(number: number, input: item.input, options: item.options, expectation: expectation))
      }
    }
    return all.count <= count ? all : (0..<count).map { all[$0 * all.count / count] }
  }

  private func check(_ chosen: [Chosen]) async throws {
    let first = try #require(chosen.first)
    let start = CompiledPolicy(first.input)
    var others = Set(start.tables.nodes.values.joined())
    for item in chosen {
      let (source, destination) = try #require(start.parties(item.expectation.probe))
      for party in [source, destination] where party.pod == nil { others.insert(party.address) }
    }
    let cluster = try await LiveCluster(start, others: others)
    var number: Int?
    var seen: [String: Int] = [:]
    for item in chosen {
      if item.number != number {
        try await cluster.apply(CompiledPolicy(item.input, options: item.options))
        number = item.number
      }
      let probe = item.expectation.probe
      let answer = try #require(PolicyEvaluator(item.input, options: item.options).answer(probe))
      let (source, destination) = try #require(start.parties(probe))
      let outcome = try await cluster.outcome(
        from: source.address, to: destination.address, probe.protocol, probe.port)
      #expect(outcome == answer.isAllowed, "\(item.expectation.text)")
      seen["\(probe.protocol) \(destination.address.family) \(answer.isAllowed)", default: 0] += 1
    }
    for ipProtocol in Set(chosen.map(\.expectation.probe.protocol)) {
      #expect(seen.contains { $0.key.hasPrefix("\(ipProtocol) ") && $0.key.hasSuffix("true") }, "\(seen)")
      #expect(seen.contains { $0.key.hasPrefix("\(ipProtocol) ") && $0.key.hasSuffix("false") }, "\(seen)")
    }
    #expect(seen.keys.contains { $0.contains("ipv6") } && seen.keys.contains { $0.contains("ipv4") }, "\(seen)")
  }

  @Test func `a hundred TCP and UDP connections are made or not, as the evaluator says`() async throws {
    try await check(Self.chosen([.tcp, .udp], 80) + Self.chosen([.udp], 20))
  }

  @Test(.requires(.sctp)) func `SCTP associations are made or not, as the evaluator says`() async throws {
    try await check(Self.chosen([.sctp], 20))
  }

  private static let database = NamespacedName(namespace: "shop", name: "db")
  private static let web = NamespacedName(namespace: "shop", name: "web")
  private static let addresses: [NamespacedName: [IPAddress]] = [
    database: [.v4(IPv4Address(10, 0, 1, 6)), .v6(IPv6Address(high: 0xfd00 << 48, low: 6))],
    web: [.v4(IPv4Address(10, 0, 1, 5)), .v6(IPv6Address(high: 0xfd00 << 48, low: 5))],
  ]

  private static func policy(allows app: String?) -> CompiledPolicy {
    var input = PolicyInput(
      pods: [database, web].map { key in
        PolicyPod(key: key, labels: ["app": key.name], addresses: addresses[key] ?? [], node: "n1")
      }, namespaces: ["shop": [:]])
    guard let app else { return CompiledPolicy(input) }
    let peer = NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": app]))
    input.networkPolicies = [
      NetworkPolicy(
        metadata: ObjectMeta(name: "db", namespace: "shop"),
        spec: .init(
          podSelector: LabelSelector(matchLabels: ["app": "db"]),
          ingress: [.init(ports: [.init(port: .int(5432))], from: [peer])], policyTypes: [.ingress]))
    ]
    return CompiledPolicy(input)
  }

  @Test(arguments: [0, 1])
  func `a tighter policy cuts a live connection at its next packet, and a looser one lets it go on`(
    family: Int
  ) async throws {
    let open = Self.policy(allows: "web")
    let cluster = try await LiveCluster(open, others: [])
    let source = try #require(Self.addresses[Self.web])[family]
    let destination = try #require(Self.addresses[Self.database])[family]
    // Nothing is compiled yet: closed, in both directions.
    #expect(try await cluster.outcome(from: source, to: destination, .tcp, 5432) == false)
    try await cluster.apply(open)
    #expect(try await cluster.outcome(from: source, to: destination, .tcp, 5433) == false)
    var connection = try await cluster.connect(from: source, to: destination, .tcp, 5432)
    func echoes(_ connection: inout LiveCluster.Connection, orDrops: Bool) async throws -> Bool? {
      let before = try cluster.dropCount()
      var isSent = false
      for _ in 0..<8000 {
        if !isSent { isSent = connection.client.send(7) }
        if connection.echo() == true { return true }
        if try orDrops && cluster.dropCount() != before { return false }
        try await Task.sleep(for: .milliseconds(1))
      }
      return nil
    }
    #expect(try await echoes(&connection, orDrops: true) == true)
    // Another policy that says the same of this connection leaves it alone.
    try await cluster.apply(Self.policy(allows: nil))
    #expect(try await echoes(&connection, orDrops: true) == true)
    try await cluster.apply(Self.policy(allows: "nobody"))
    #expect(try await echoes(&connection, orDrops: true) == false)
    // What was cut is sent again by TCP, and arrives.
    try await cluster.apply(open)
    for _ in 0..<8000 {
      if connection.echo() == true { break }
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(try await echoes(&connection, orDrops: true) == true)
  }
}
