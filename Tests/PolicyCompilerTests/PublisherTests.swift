// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import Synchronization
import Testing

@testable import BPFMaps

/// Maps in memory that can refuse the Nth operation.
final class FakeTables: PolicyTables {
  struct State {
    var generation: UInt32 = 0
    var classes: [[UInt32]: peer_class] = [:]
    var verdicts: [[UInt32]: verdict_key] = [:]
    var endpoints = [endpoint_policy](repeating: endpoint_policy(), count: 64)
    var log: [String] = []
    var failsAt: String?
  }

  let state = Mutex(State())
  let capacity: PolicyTableSizes

  init(verdicts: Int = 1000, classes: Int = 1000) {
    capacity = PolicyTableSizes(classes: classes, verdicts: verdicts, endpoints: 64)
  }

  private func step(_ name: String) throws(BPFError) {
    let fails = state.withLock { state in
      state.log.append(name)
      return state.failsAt == name
    }
    if fails { throw BPFError(.systemCall, "\(name) refused") }
  }

  private func id(_ key: peer_class_key) -> [UInt32] { [key.prefix_length, key.generation, key.address] }
  private func id(_ key: verdict_key) -> [UInt32] {
    [key.prefix_length, key.rule_set, key.peer_class, UInt32(key.protocol), UInt32(key.port)]
  }

  func generation() throws(BPFError) -> UInt32 { state.withLock { $0.generation } }
  func publish(_ generation: UInt32) throws(BPFError) {
    try step("publish")
    state.withLock { $0.generation = generation }
  }
  func write(_ classes: [(peer_class_key, peer_class)]) throws(BPFError) {
    state.withLock { state in for (key, value) in classes { state.classes[id(key)] = value } }
    try step("write classes")
  }
  func write(_ verdicts: [(verdict_key, verdict)]) throws(BPFError) {
    state.withLock { state in for (key, _) in verdicts { state.verdicts[id(key)] = key } }
    try step("write verdicts")
  }
  func write(_ endpoints: [(UInt32, endpoint_policy)]) throws(BPFError) {
    state.withLock { state in for (index, value) in endpoints { state.endpoints[Int(index)] = value } }
    if endpoints.contains(where: { $0.1.generation != 0 }) { try step("write endpoints") }
  }
  func remove(_ key: peer_class_key) throws(BPFError) { state.withLock { $0.classes[id(key)] = nil } }
  func remove(_ key: verdict_key) throws(BPFError) {
    try step("remove verdict")
    state.withLock { $0.verdicts[id(key)] = nil }
  }
  func classKeys() throws(BPFError) -> [peer_class_key] {
    state.withLock { state in
      state.classes.keys.map { peer_class_key(prefix_length: $0[0], generation: $0[1], address: $0[2]) }
    }
  }
  func verdictKeys() throws(BPFError) -> [verdict_key] { state.withLock { Array($0.verdicts.values) } }
  func endpointPolicies() throws(BPFError) -> [endpoint_policy] { state.withLock { $0.endpoints } }
}

@Suite("Publishing")
struct PublisherTests {
  private let database = NamespacedName(namespace: "shop", name: "db")

  private func compiled(ports: [Int32]) throws -> CompiledPolicy {
    let address = try #require(IPAddress("10.0.1.6"))
    let rules = ports.map { NetworkPolicy.IngressRule(ports: [.init(port: .int($0))]) }
    let policy = NetworkPolicy(
      metadata: ObjectMeta(name: "db", namespace: "shop"), spec: .init(ingress: rules, policyTypes: [.ingress]))
    return CompiledPolicy.compile(
      PolicyInput(
        pods: [PolicyPod(key: database, addresses: [address], node: "n1")], namespaces: ["shop": [:]],
        nodes: [PolicyNode(name: "n1", addresses: [try #require(IPAddress("192.168.0.1"))])],
        networkPolicies: [policy]))
  }

  private func writer(_ tables: FakeTables) -> PolicyMapWriter {
    PolicyMapWriter(tables: tables, node: "n1", gracePeriod: .zero)
  }

  @Test func `everything is written before the switch, and the old generation goes after it`() async throws {
    let tables = FakeTables()
    let writer = writer(tables)
    try await writer.apply(compiled(ports: [80, 81]), endpoints: [database: 3])
    let published = try await writer.apply(compiled(ports: [443]), endpoints: [database: 3])
    #expect((published.generation, published.classes, published.verdicts, published.endpoints) == (2, 1, 1, 1))
    let state = tables.state.withLock { $0.log }
    #expect(
      state == [
        "write classes", "write verdicts", "write endpoints", "publish", "write classes", "write verdicts",
        "write endpoints", "publish", "remove verdict", "remove verdict",
      ])
    let sets = tables.state.withLock { state in state.verdicts.values.map(\.rule_set) }
    #expect(sets == [1])
    #expect(tables.state.withLock { $0.endpoints.map(\.generation).filter { $0 != 0 } } == [2])
  }

  @Test(arguments: ["write classes", "write verdicts", "write endpoints", "publish"])
  func `a failure before the switch leaves the generation in force alone`(step: String) async throws {
    let tables = FakeTables()
    let writer = writer(tables)
    try await writer.apply(compiled(ports: [80]), endpoints: [database: 3])
    let before = tables.state.withLock { $0.verdicts.keys.sorted { $0.lexicographicallyPrecedes($1) } }
    tables.state.withLock { $0.failsAt = step }
    let error = try await #require(throws: PolicyError.self) {
      try await writer.apply(compiled(ports: [1, 2, 3]), endpoints: [database: 3])
    }
    #expect(error.code == .kernel)
    #expect(error.message.contains("1 stays in force") && error.message.contains("\(step) refused"))
    tables.state.withLock { state in
      #expect(state.generation == 1)
      #expect(state.verdicts.keys.sorted { $0.lexicographicallyPrecedes($1) } == before)
      #expect(state.classes.count == 1)
      #expect(state.endpoints.map(\.generation).filter { $0 != 0 } == [1])
      state.failsAt = nil
    }
    #expect(try await writer.apply(compiled(ports: [9]), endpoints: [database: 3]).generation == 2)
  }

  @Test func `what does not fit is refused before anything is written, by policy`() async throws {
    let tables = FakeTables(verdicts: 5)
    let writer = writer(tables)
    try await writer.apply(compiled(ports: [80, 81]), endpoints: [database: 3])
    let log = tables.state.withLock { $0.log }
    let error = try await #require(throws: PolicyError.self) {
      try await writer.apply(compiled(ports: [1, 2, 3, 4]), endpoints: [database: 3])
    }
    #expect(error.code == .full)
    #expect(error.message.contains("4 entries do not fit beside 2 in force, of 5"))
    #expect(error.message.contains("shop/db 4"))
    #expect(tables.state.withLock { $0.log } == log)
  }

  @Test func `classes that do not fit are refused as well`() async throws {
    let tables = FakeTables(classes: 0)
    let error = try await #require(throws: PolicyError.self) {
      try await writer(tables).apply(compiled(ports: [80]), endpoints: [database: 3])
    }
    #expect(error.code == .full)
    #expect(error.message.contains("map peer_class"))
  }

  @Test func `a restarted writer goes on counting and removes what was left half written`() async throws {
    let tables = FakeTables()
    try await writer(tables).apply(compiled(ports: [80]), endpoints: [database: 3])
    // The next generation, as far as a killed process came.
    let half = PolicyMapPlan(try compiled(ports: [1, 2]), endpoints: [database: 4], node: "n1", generation: 2)
    try tables.write(half.verdicts)
    try tables.write(half.classes)
    try tables.write(half.endpoints)
    let published = try await writer(tables).apply(compiled(ports: [443]), endpoints: [database: 3])
    #expect(published.generation == 2)
    tables.state.withLock { state in
      #expect(state.verdicts.count == 1)
      #expect(state.classes.count == 1)
      #expect(state.endpoints.enumerated().filter { $1.generation != 0 }.map(\.offset) == [6])
    }
  }

  @Test func `the number after the last is not the first`() async throws {
    let tables = FakeTables()
    tables.state.withLock { $0.generation = .max }
    #expect(try await writer(tables).apply(compiled(ports: [80]), endpoints: [database: 3]).generation == 2)
  }

  @Test(arguments: [UInt32(0), 32])
  func `an endpoint number out of range is refused by name`(number: UInt32) async throws {
    let error = try await #require(throws: PolicyError.self) {
      try await writer(FakeTables()).apply(compiled(ports: [80]), endpoints: [database: number])
    }
    #expect(error.code == .invalidEndpoint)
    #expect(error.message == "endpoint \(number) of pod shop/db is not 1 to 31")
  }

  @Test func `an endpoint number cannot be given twice`() async throws {
    let other = NamespacedName(namespace: "shop", name: "web")
    let error = try await #require(throws: PolicyError.self) {
      try await writer(FakeTables()).apply(compiled(ports: [80]), endpoints: [database: 3, other: 3])
    }
    #expect(error.message == "endpoint 3 is given to pods shop/db and shop/web")
  }

  @Test func `only the node's own address has the flag`() throws {
    let policy = try compiled(ports: [80])
    let here = PolicyMapPlan(policy, endpoints: [database: 3], node: "n1", generation: 1)
    let there = PolicyMapPlan(policy, endpoints: [database: 3], node: "n2", generation: 1)
    #expect(here.classes.map(\.1.flags) == [UInt32(PEER_IS_LOCAL_NODE)])
    #expect(there.classes.map(\.1.flags) == [0])
  }
}
