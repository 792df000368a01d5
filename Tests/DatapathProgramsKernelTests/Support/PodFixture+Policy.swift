// SPDX-License-Identifier: Apache-2.0

import CDatapathABI
import DatapathPrograms
import NetworkTypes

extension PodFixture {
  typealias Rule = TestTables.Rule
  typealias Rules = TestTables.Rules

  static let defaultClass = UInt32(PEER_CLASS_DEFAULT)
  static let peerClassID: UInt32 = 4

  /// `peer` has a class of its own, `node` is this node.
  static let peers = Family.allCases.flatMap {
    [
      TestTables.Peer(address: $0.peer, id: peerClassID),
      TestTables.Peer(address: $0.node, id: 9, isLocalNode: true),
    ]
  }

  /// Writes a generation's tables and publishes it.
  ///
  /// A direction without rules (nil) is not isolated.
  func publish(
    generation: UInt32 = 1, ingress: [Rule]? = nil, egress: [Rule]? = nil, peers: [TestTables.Peer] = peers
  ) throws {
    try publish(
      generation: generation, sets: (ingress.map { Rules(rules: $0) }, egress.map { Rules(rules: $0) }), peers: peers)
  }

  /// Writes a generation's rule sets and publishes it.
  func publish(
    generation: UInt32 = 1, sets: (ingress: Rules?, egress: Rules?), peers: [TestTables.Peer] = peers
  ) throws {
    try prepare(generation: generation, sets: sets, peers: peers)
    datapath.publish(generation: generation)
  }

  /// Writes a generation's tables, which are not in force.
  func prepare(
    generation: UInt32, sets: (ingress: Rules?, egress: Rules?), peers: [TestTables.Peer] = peers
  ) throws {
    try tables.prepare(
      generation: generation, endpoint: Self.endpointID, ingress: .init(policy: sets.ingress),
      egress: .init(policy: sets.egress), peers: peers)
  }

  /// Writes a generation's rule sets of all stages and publishes it, for both directions.
  func publish(generation: UInt32 = 1, stages: TestTables.Stages, peers: [TestTables.Peer] = peers) throws {
    try tables.prepare(
      generation: generation, endpoint: Self.endpointID, ingress: stages, egress: stages, peers: peers)
    datapath.publish(generation: generation)
  }
}
