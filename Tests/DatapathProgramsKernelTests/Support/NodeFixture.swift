// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import NetworkTypes
import Testing

/// The programs at a device of the node, with a client outside: `stranger`.
struct NodeFixture: ~Copyable {
  typealias Result = PodFixture.Result
  typealias Backend = TestServices.Backend

  static let external = UInt32(FRONTEND_EXTERNAL)
  static let nodePort = UInt32(FRONTEND_EXTERNAL | FRONTEND_NODE_PORT)

  let services: TestServices
  let pods: PodDatapath
  let node: NodeDatapath

  /// The pod is on this node, the peer on another; the node's own address serves node ports.
  init(
    forwarding: NodeDatapath.Forwarding = .snat, unserved: NodeDatapath.Unserved = .init(),
    ports: ClosedRange<UInt16> = 61_000...65_535
  ) throws {
    let services = try TestServices()
    let pods = try PodDatapath.load(pinDirectory: nil, limits: .small)
    let node = try NodeDatapath.load(
      services: services.maps, pods: pods,
      masquerade: .init(ipv4: PodFixture.node, ipv6: Family.v6.node.v6, ports: ports),
      forwarding: forwarding, unserved: unserved, flows: 256)
    for family in Family.allCases {
      try pods.localPods.updateValue(0, forKey: ip_address(family.pod))
      try services.maps.nodeAddresses.updateValue(present(), forKey: ip_address(family.node))
    }
    self.init(services: services, pods: pods, node: node)
  }

  private init(services: TestServices, pods: PodDatapath, node: consuming NodeDatapath) {
    self.services = services
    self.pods = pods
    self.node = node
  }

  /// What a frame of the device becomes; `.returns` is one that is sent on, or back.
  func run(_ packet: Packet, _ direction: FlowRecord.Direction) throws -> Result {
    try Result(counting: pods) {
      switch direction {
      case .ingress: try node.fromOutside.test(packet: packet.bytes)
      case .egress: try node.toOutside.test(packet: packet.bytes)
      }
    }
  }

  func pass(_ packet: Packet, _ direction: FlowRecord.Direction) throws -> Packet {
    let result = try run(packet, direction)
    guard case .passes(let after) = result else { throw PodFixture.UnexpectedResult(result: result) }
    return after
  }

  /// Makes every flow look as if it had been idle for so long.
  func ageFlows(bySeconds seconds: UInt64) throws {
    for (key, state) in try node.flows.entries() {
      var older = state
      older.last_seen &-= seconds * 1_000_000_000
      try node.flows.updateValue(older, forKey: key)
    }
  }

  func sentOn(_ packet: Packet) throws -> Packet {
    let result = try run(packet, .ingress)
    guard case .returns(let after) = result else { throw PodFixture.UnexpectedResult(result: result) }
    return after
  }

  /// The packet one router later.
  static func hop(_ packet: Packet) -> Packet {
    var packet = packet
    if let ttl = packet.ipv4?.timeToLive { packet.ipv4?.timeToLive = ttl - 1 }
    if let limit = packet.ipv6?.hopLimit { packet.ipv6?.hopLimit = limit - 1 }
    return Packet(parsing: packet.bytes)
  }
}
