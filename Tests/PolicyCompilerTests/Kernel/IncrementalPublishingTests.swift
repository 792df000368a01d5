// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Synchronization
import Testing

@testable import BPFMaps
@testable import PolicyCompiler

/// A node whose tables are made by hand.
private struct Node {
  let maps: FakePolicyMaps
  let publisher: PolicyPublisher
  var tables = PolicyTables()
  var endpoints: [NamespacedName: UInt32] = [:]

  static let allow = PortTableID.everything(.allow)
  static let nothing = PortTableID.everything(.noMatch)

  init(_ capacity: PolicyMapCapacity = .ample) {
    maps = FakePolicyMaps(capacity)
    publisher = PolicyPublisher(maps)
    tables.nodes["n1"] = [address(250)]
  }

  func address(_ number: Int) -> IPAddress { .v4(IPv4Address(rawValue: 0x0a00_0000 + UInt32(number))) }

  mutating func addPod(_ number: UInt32, ingress: RuleSetID, egress: RuleSetID = .unrestricted) {
    let key = NamespacedName(namespace: "shop", name: "p\(number)")
    endpoints[key] = number
    tables.endpoints[key] = .init(
      ingress: .init(policy: ingress), egress: .init(policy: egress), addresses: [], node: "n1")
  }

  /// A class of some addresses, with a verdict in each rule set.
  mutating func addClass(_ id: UInt32, _ addresses: Range<Int>, _ verdicts: [UInt32: PortTableID]) -> PolicyDelta {
    var delta = PolicyDelta()
    let peerClass = PeerClassID(rawValue: id)
    for number in addresses {
      tables.peers[address(number)] = peerClass
      delta.peers.insert(address(number))
    }
    for (set, table) in verdicts {
      tables.ruleSets[RuleSetID(rawValue: set)]?.verdicts[peerClass] = table
      delta.verdicts.insert(.init(RuleSetID(rawValue: set), peerClass))
    }
    return delta
  }

  @discardableResult
  func publish(_ delta: PolicyDelta? = nil) async throws(PolicyError) -> PolicyPublication {
    try await publisher.publish(.init(tables: tables, endpoints: endpoints, node: "n1"), delta: delta)
  }

  /// Steps and calls of a publication and its tail.
  func costs(_ body: () async throws -> Void) async throws -> (steps: [String: Int], calls: [String: Int]) {
    let before = maps.state.withLock { ($0.counts, $0.calls) }
    try await body()
    await publisher.finish()
    let after = maps.state.withLock { ($0.counts, $0.calls) }
    func minus(_ left: [String: Int], _ right: [String: Int]) -> [String: Int] {
      left.map { ($0, $1 - (right[$0] ?? 0)) }.filter { $0.1 != 0 }.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    return (minus(after.0, before.0), minus(after.1, before.1))
  }
}

@Suite("What a publication costs")
struct PublishingCostTests {
  /// Many pods, rule sets and peers in force.
  private func node() async throws -> Node {
    var node = Node(
      PolicyMapCapacity(
        endpoints: 256, ruleSets: 300, peers: 3000, peerClasses: 3000, verdicts: 9000, addressRanges4: 1000,
        addressRanges6: 1000, portTables: 400, portRanges: 1200, decisions: 20_000))
    for set in UInt32(2)..<102 {
      node.tables.ruleSets[RuleSetID(rawValue: set)] = .init(defaultTable: Node.nothing, ownNode: .unrestricted)
      node.addPod(set, ingress: RuleSetID(rawValue: set))
    }
    for id in UInt32(1)...20 {
      _ = node.addClass(
        id, (Int(id) * 1000)..<(Int(id) * 1000 + 50),
        Dictionary(uniqueKeysWithValues: (2..<102).filter { ($0 + id) % 3 == 0 }.map { ($0, Node.allow) }))
    }
    try await node.publish()
    await node.publisher.finish()
    return node
  }

  @Test func `one pod more in a class is one entry`() async throws {
    var node = try await node()
    var delta = PolicyDelta()
    node.tables.peers[node.address(77)] = PeerClassID(rawValue: 3)
    delta.peers.insert(node.address(77))
    let (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(steps == ["peer": 1, "word": 2, "switch": 1, "grace period": 1])
    #expect(calls == ["peer": 1])
  }

  @Test func `a pod of another class is a store, whatever the cluster`() async throws {
    var node = try await node()
    var delta = PolicyDelta()
    node.tables.peers[node.address(3001)] = PeerClassID(rawValue: 4)
    delta.peers.insert(node.address(3001))
    let (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(steps == ["word": 2, "switch": 1, "grace period": 1])
    #expect(calls.isEmpty)
  }

  @Test func `a new class is its addresses and verdicts, and its end is theirs`() async throws {
    var node = try await node()
    let delta = node.addClass(50, 90..<93, [2: Node.allow, 3: .everything(.deny)])
    var (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(steps == ["peer": 3, "verdict": 2, "word": 6, "switch": 1, "grace period": 1])
    #expect(calls == ["peer": 1, "verdict": 1])
    for number in 90..<93 { node.tables.peers[node.address(number)] = nil }
    for set in [RuleSetID(rawValue: 2), RuleSetID(rawValue: 3)] {
      node.tables.ruleSets[set]?.verdicts[PeerClassID(rawValue: 50)] = nil
    }
    (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(steps == ["remove peer": 3, "remove verdict": 2, "word": 6, "switch": 1, "grace period": 2])
    #expect(calls == ["remove peer": 1, "remove verdict": 1])
  }

  @Test func `a policy that is another now is one rule set and two words`() async throws {
    var node = try await node()
    let old = RuleSetID(rawValue: 5)
    let new = RuleSetID(rawValue: 500)
    let table = PortTableID(rawValue: 4)
    node.tables.portTables[table] = PortTable(
      tcp: .init(ranges: [.init(first: 80, last: 80, verdict: .allow)], rest: .noMatch), udp: .init(rest: .noMatch),
      sctp: .init(rest: .noMatch), other: .noMatch)
    let verdicts = try #require(node.tables.ruleSets[old]).verdicts
    node.tables.ruleSets[old] = nil
    node.tables.ruleSets[new] = .init(
      defaultTable: Node.nothing, ownNode: .unrestricted, verdicts: verdicts.mapValues { _ in table })
    node.addPod(5, ingress: new)
    var delta = PolicyDelta()
    delta.ruleSets = [old, new]
    delta.portTables = [table]
    delta.endpoints = [NamespacedName(namespace: "shop", name: "p5")]
    let (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(
      steps == [
        "port_range": 1, "port_table": 1, "rule_set": 1, "verdict": verdicts.count, "word": 2, "switch": 1,
        "grace period": 1, "remove verdict": verdicts.count,
      ])
    #expect(calls == ["port_range": 1, "port_table": 1, "rule_set": 1, "verdict": 1, "remove verdict": 1])
  }

  @Test func `an edit of a policy for every pod is one rule set, and a word for each pod`() async throws {
    var node = try await node()
    let tier = TierID(rawValue: 1)
    let classes = (0..<5).map { PeerClassID(rawValue: 300 + $0) }
    for (number, peerClass) in classes.enumerated() {
      node.tables.clusterPeers[node.address(1000 + number)] = peerClass
    }
    func use(_ set: UInt32, _ table: PortTableID, _ node: inout Node) -> PolicyDelta {
      let (old, id) = (node.tables.tiers[tier], RuleSetID(rawValue: set))
      if let old { node.tables.ruleSets[old] = nil }
      node.tables.tiers[tier] = id
      node.tables.ruleSets[id] = .init(
        defaultTable: .everything(.pass), ownNode: id,
        verdicts: Dictionary(uniqueKeysWithValues: classes.map { ($0, table) }))
      var delta = PolicyDelta()
      delta.tiers = [tier]
      delta.ruleSets = Set([old, id].compactMap { $0 })
      return delta
    }
    _ = use(700, .everything(.deny), &node)
    for pod in node.tables.endpoints.keys { node.tables.endpoints[pod]?.ingress.admin = tier }
    try await node.publish()
    await node.publisher.finish()
    let verdict = node.maps.state.withLock { $0.verdict(2, true, node.address(1001), .tcp, 80) }
    #expect(verdict == .deny)
    let delta = use(701, .everything(.allow), &node)
    let (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(
      steps == ["rule_set": 1, "verdict": 5, "word": 200, "switch": 1, "grace period": 1, "remove verdict": 5])
    #expect(calls == ["rule_set": 1, "verdict": 1, "remove verdict": 1])
    #expect(node.maps.state.withLock { $0.verdict(2, true, node.address(1001), .tcp, 80) } == .allow)
  }

  @Test func `what does not concern this node costs nothing, not even a generation`() async throws {
    var node = try await node()
    let generation = node.maps.generation()
    var delta = node.addClass(60, 95..<99, [:])
    node.tables.ruleSets[RuleSetID(rawValue: 900)] = .init(
      defaultTable: Node.nothing, ownNode: .unrestricted, verdicts: [PeerClassID(rawValue: 60): Node.allow])
    let elsewhere = NamespacedName(namespace: "shop", name: "elsewhere")
    node.tables.endpoints[elsewhere] = .init(
      ingress: .init(policy: RuleSetID(rawValue: 900)), egress: .unrestricted, addresses: [], node: "n2")
    delta.ruleSets.insert(RuleSetID(rawValue: 900))
    delta.endpoints.insert(elsewhere)
    let (steps, calls) = try await node.costs { try await node.publish(delta) }
    #expect(steps.isEmpty && calls.isEmpty)
    #expect(node.maps.generation() == generation)
    // Until a pod of it comes here.
    node.endpoints[elsewhere] = 200
    let published = try await node.publish(PolicyDelta())
    #expect((published.writtenEntries, published.changedWords) == (1 + 1 + 4, 4 + 6))
  }
}

@Suite("What a publication refuses and keeps")
struct PublishingRuleTests {
  @Test func `the first publication ends "not compiled", and only for pods that are in the tables`() async throws {
    var node = Node()
    node.addPod(3, ingress: .unrestricted)
    node.endpoints[NamespacedName(namespace: "shop", name: "later")] = 4
    #expect(node.maps.state.withLock { $0.verdict(3, true, node.address(9), .tcp, 80) } == nil)
    #expect(try await node.publish().generation == 1)
    #expect(node.maps.state.withLock { $0.verdict(3, true, node.address(9), .tcp, 80) } == .allow)
    #expect(node.maps.state.withLock { $0.verdict(4, true, node.address(9), .tcp, 80) } == nil)
    // Tables in which nothing is different are the same generation.
    #expect(try await node.publish().generation == 1)
  }

  @Test func `an empty node has a generation too`() async throws {
    let node = Node()
    #expect(try await node.publish().generation == 1)
  }

  @Test func `only addresses of this node are judged as the own node`() async throws {
    var node = Node()
    node.tables.nodes["n2"] = [node.address(251)]
    node.tables.ruleSets[RuleSetID(rawValue: 2)] = .init(defaultTable: Node.nothing, ownNode: .unrestricted)
    node.addPod(3, ingress: RuleSetID(rawValue: 2))
    let published = try await node.publish()
    #expect(published.entries.peers == 1)
    node.maps.state.withLock { state in
      #expect(state.verdict(3, true, node.address(250), .tcp, 80) == .allow)
      #expect(state.verdict(3, true, node.address(251), .tcp, 80) == .noMatch)
    }
  }

  @Test func `words that the wiring cleared are stored again`() async throws {
    var node = Node()
    node.addPod(3, ingress: .unrestricted)
    try await node.publish()
    await node.publisher.finish()
    for place in PolicyWordPlace.all(ofEndpoint: 3) { node.maps.setWord(version_word(0), place) }
    let published = try await node.publish(PolicyDelta())
    #expect((published.generation, published.changedWords) == (2, 6))
    #expect(node.maps.state.withLock { $0.verdict(3, true, node.address(9), .tcp, 80) } == .allow)
  }

  @Test func `the number after the last is the first, and words hold across it`() async throws {
    var node = Node()
    node.maps.state.withLock { $0.generation = .max - 1 }
    for (step, generation) in [UInt32.max, 1, 2].enumerated() {
      node.addPod(UInt32(step) + 1, ingress: .unrestricted)
      #expect(try await node.publish().generation == generation)
      for number in 1...UInt32(step) + 1 {
        #expect(node.maps.state.withLock { $0.verdict(number, true, node.address(9), .tcp, 80) } == .allow)
      }
    }
  }

  @Test func `a settled word says the same for ever`() async throws {
    var node = Node()
    node.addPod(1, ingress: .unrestricted)
    try await node.publish()
    await node.publisher.finish()
    for generation in stride(from: UInt32(1), to: 70_000, by: 997) {
      #expect(node.maps.word(.ingress(1)).value(in: generation) == RULE_SET_UNRESTRICTED)
    }
  }

  @Test(arguments: [UInt32(0), 64, .max])
  func `an endpoint number out of range is refused by name`(number: UInt32) async throws {
    var node = Node()
    node.endpoints = [NamespacedName(namespace: "shop", name: "db"): number]
    let error = await #expect(throws: PolicyError.self) { try await node.publish() }
    #expect(error?.code == .invalidEndpoint)
    #expect(error?.message == "endpoint \(number) of pod shop/db is not 1 to 63")
  }

  @Test func `an endpoint number cannot be given twice`() async throws {
    var node = Node()
    node.endpoints = [.init(namespace: "shop", name: "db"): 3, .init(namespace: "shop", name: "web"): 3]
    let error = await #expect(throws: PolicyError.self) { try await node.publish() }
    #expect(error?.message == "endpoint 3 is given to pods shop/db and shop/web")
  }

  @Test func `a decision's number leads back to its rule set`() async throws {
    var node = Node()
    let set = RuleSetID(rawValue: 2)
    node.tables.ruleSets[set] = .init(
      defaultTable: Node.nothing, ownNode: .unrestricted,
      ranges: [.init(first: node.address(10), last: node.address(20), table: Node.allow)])
    node.addPod(3, ingress: set)
    _ = node.addClass(7, 30..<31, [2: Node.allow])
    try await node.publish()
    func decision(_ number: Int) -> PolicyDecision? {
      let way = node.maps.state.withLock { $0.way(3, true, node.address(number), $0.generation) }
      return node.publisher.store?.decision(way.decision)
    }
    #expect(decision(15) == .init(ruleSet: set, part: .addresses(first: node.address(10), last: node.address(20))))
    #expect(decision(30) == .init(ruleSet: set, part: .peers(PeerClassID(rawValue: 7))))
    #expect(decision(99) == .init(ruleSet: set, part: .other))
    #expect(node.publisher.store?.decision(0) == nil && node.publisher.store?.decision(4000) == nil)
  }

  @Test(arguments: [
    "rule_set", "peer", "peer_class", "verdict", "address_range4", "address_range6", "port_table", "port_range",
    "decision_counter",
  ])
  func `what does not fit is refused before anything is written, with its costs`(map: String) async throws {
    var capacity = PolicyMapCapacity(
      endpoints: 64, ruleSets: 4, peers: 5, peerClasses: 5, verdicts: 3, addressRanges4: 3, addressRanges6: 3,
      portTables: 5, portRanges: 3, decisions: 9)
    // All maps but one are ample.
    let ample = PolicyMapCapacity.ample
    if map != "rule_set" { capacity.ruleSets = ample.ruleSets }
    if map != "peer" { capacity.peers = ample.peers }
    if map != "peer_class" { capacity.peerClasses = ample.peerClasses }
    if map != "verdict" { capacity.verdicts = ample.verdicts }
    if map != "address_range4" { capacity.addressRanges4 = ample.addressRanges4 }
    if map != "address_range6" { capacity.addressRanges6 = ample.addressRanges6 }
    if map != "port_table" { capacity.portTables = ample.portTables }
    if map != "port_range" { capacity.portRanges = ample.portRanges }
    if map != "decision_counter" { capacity.decisions = ample.decisions }
    var node = Node(capacity)
    try await node.publish()
    func grow(_ node: inout Node, _ round: UInt32) {
      let set = RuleSetID(rawValue: round + 2)
      let table = PortTableID(rawValue: round + 4)
      let port = UInt16(round + 80)
      node.tables.portTables[table] = PortTable(
        tcp: .init(ranges: [.init(first: port, last: port, verdict: .allow)], rest: .noMatch),
        udp: .init(ranges: [.init(first: port, last: port, verdict: .deny)], rest: .noMatch),
        sctp: .init(rest: .noMatch), other: .noMatch)
      let v6 = IPv6Address(high: 1, low: UInt64(round))
      node.tables.ruleSets[set] = .init(
        defaultTable: table, ownNode: .unrestricted,
        ranges: [
          .init(first: node.address(1), last: node.address(2), table: Node.allow),
          .init(first: node.address(4), last: node.address(5), table: Node.allow),
          .init(first: .v6(v6), last: .v6(v6), table: Node.allow),
          .init(first: .v6(IPv6Address(high: 2, low: 0)), last: .v6(IPv6Address(high: 2, low: 9)), table: Node.allow),
        ])
      node.addPod(round + 1, ingress: set)
      _ = node.addClass(round + 1, Int(round * 10 + 10)..<Int(round * 10 + 12), [round + 2: Node.allow])
    }
    var refusal: PolicyError?
    for round in UInt32(0)..<6 where refusal == nil {
      let published = node
      grow(&node, round)
      await node.publisher.finish()
      let before = node.maps.state.withLock { ($0.counts, $0.generation, $0.words) }
      do {
        try await node.publish()
      } catch {
        refusal = error
        node.maps.state.withLock { state in
          var counts = state.counts
          #expect(state.generation == before.1 && state.words == before.2)
          counts["grace period"] = before.0["grace period"]
          counts["list"] = before.0["list"]
          #expect(counts == before.0)
        }
        // What was in force can be published again, and less than it.
        node.tables = published.tables
        node.endpoints = published.endpoints
        #expect(try await node.publish().writtenEntries == 0)
        node.endpoints = [:]
        try await node.publish()
        await node.publisher.finish()
        #expect(node.maps.state.withLock { $0.verdicts.isEmpty && $0.peers.count == 1 && $0.violations.isEmpty })
      }
    }
    let error = try #require(refusal)
    let shortage = try #require(error.shortage)
    #expect(error.code == .full)
    #expect(shortage.map == map && shortage.needed > shortage.free)
    #expect(
      error.message.hasPrefix("map \(map): \(shortage.needed) more entries do not fit, \(shortage.free) are free"))
    #expect(!shortage.costs.isEmpty && shortage.costs.allSatisfy { $0.entries > 0 && $0.podCount == 1 })
  }
}
