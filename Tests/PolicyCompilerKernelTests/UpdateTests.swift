// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Dispatch
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import Synchronization
import Testing

@testable import PolicyCompiler

/// Two contents of a cluster that differ everywhere, and agree on what some packets may.
///
/// Port 80 is always allowed and 81 never, in both directions; but the peer's class, the rule sets, the ranges and the
/// port tables behind are others. Whoever mixes them finds no rule for the peer.
private struct Contents {
  static let pod = NamespacedName(namespace: "shop", name: "db")
  static let addresses: [IPAddress] = [.v4(IPv4Address(10, 0, 0, 5)), .v6(IPv6Address(high: 0xfd00 << 48, low: 5))]
  static let peers: [IPAddress] = [.v4(IPv4Address(10, 0, 0, 9)), .v6(IPv6Address(high: 0xfd00 << 48, low: 9))]
  /// Nobody's addresses, in blocks of the policies.
  static let strangers: [IPAddress] = [.v4(IPv4Address(192, 0, 2, 9)), .v6(IPv6Address(high: 0x2001 << 48, low: 9))]

  static func policy(_ isOdd: Bool) -> NetworkPolicy {
    let app = isOdd ? "odd" : "even"
    func block(_ text: String) -> NetworkPolicy.Peer {
      guard let cidr = IPCIDR(text) else { preconditionFailure("\(text) is no block") }
      return .init(ipBlock: .init(cidr: cidr))
    }
    // Blocks whose runs have another place and length each time.
    let blocks =
      isOdd
      ? [block("192.0.2.0/28"), block("2001::/64")]
      : [block("192.0.2.8/29"), block("192.0.2.64/28"), block("2001::/32"), block("2002::/32")]
    let peers = [NetworkPolicy.Peer(podSelector: LabelSelector(matchLabels: ["app": app]))] + blocks
    let ports: [NetworkPolicy.Port] =
      isOdd
      ? [.init(port: .int(80)), .init(protocol: .udp, port: .int(80))]
      : [
        .init(port: .int(70), endPort: 80), .init(protocol: .udp, port: .int(80), endPort: 80), .init(port: .int(443)),
      ]
    return NetworkPolicy(
      metadata: ObjectMeta(name: "db", namespace: "shop"),
      spec: .init(
        podSelector: LabelSelector(matchLabels: ["app": "db"]), ingress: [.init(ports: ports, from: peers)],
        egress: [.init(ports: ports, to: peers)], policyTypes: [.ingress, .egress]))
  }

  static func changes(_ isOdd: Bool) -> [PolicyChange] {
    let web = NamespacedName(namespace: "shop", name: "web")
    let policy = policy(isOdd)
    return [
      .networkPolicy(policy.key, policy),
      .pod(web, PolicyPod(key: web, labels: ["app": isOdd ? "odd" : "even"], addresses: peers, node: "n2")),
    ]
  }

  static var start: CompiledPolicy {
    var policy = CompiledPolicy(
      PolicyInput(
        pods: [PolicyPod(key: pod, labels: ["app": "db"], addresses: addresses, node: "n1")], namespaces: ["shop": [:]])
    )
    policy.apply(changes(false))
    return policy
  }
}

/// Packets that are judged on other threads until it is over.
private final class Judge: Sendable {
  let isOver = Atomic(false)
  let packets = Atomic(0)
  let wrong = Mutex<[String: Int]>([:])
  private let group = DispatchGroup()

  func start(_ datapath: PodDatapath, endpoint: UInt32) {
    for direction in PolicyDirection.allCases {
      let thread = DispatchQueue(label: "judge-\(direction)")
      thread.async(group: group) {
        do {
          try self.judge(datapath, endpoint, direction)
        } catch {
          self.wrong.withLock { $0["\(error)", default: 0] += 1 }
        }
      }
    }
  }

  private func judge(_ datapath: PodDatapath, _ endpoint: UInt32, _ direction: PolicyDirection) throws {
    var source: UInt16 = 1024
    while !isOver.load(ordering: .acquiring) {
      for (family, local) in Contents.addresses.enumerated() {
        for peer in [Contents.peers[family], Contents.strangers[family]] {
          for (ipProtocol, port, isAllowed) in [
            (IPProtocol.tcp, UInt16(80), true), (.tcp, 81, false), (.udp, 80, true), (.udp, 79, false),
          ] {
            source = source == .max ? 1024 : source + 1
            let passes = try KernelNode.passes(
              datapath, endpoint, direction, local: local, peer: peer, ipProtocol, port, sourcePort: source)
            packets.wrappingAdd(1, ordering: .relaxed)
            if passes != isAllowed {
              wrong.withLock { $0["\(direction) \(peer) \(ipProtocol) \(port)", default: 0] += 1 }
            }
          }
        }
      }
    }
  }

  func stop() async {
    isOver.store(true, ordering: .releasing)
    await withCheckedContinuation { continuation in group.notify(queue: .global()) { continuation.resume() } }
  }
}

@Suite("Updates under traffic", .serialized, .requires(.root))
struct PolicyUpdateTests {
  @Test func `no packet is judged by a mixture while generations are published`() async throws {
    let node = try KernelNode("n1")
    var policy = Contents.start
    try await node.apply(policy)
    let judge = Judge()
    judge.start(node.datapath, endpoint: try #require(node.endpoints[Contents.pod]))
    var generation = node.datapath.generation
    for round in 1...400 {
      policy.apply(Contents.changes(round % 2 == 1))
      // Another process now and then.
      if round % 50 == 0 { try await node.restart() }
      let published = try await node.writer.apply(policy, endpoints: node.endpoints)
      #expect(published.generation == generation + 1)
      generation = published.generation
    }
    await judge.stop()
    #expect(judge.wrong.withLock { $0 }.isEmpty)
    #expect(judge.packets.load(ordering: .relaxed) > 2000)
  }

  @Test func `no packet is judged by a mixture while two generations are switched to and fro`() async throws {
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: .small)
    let maps = try DatapathPolicyMaps(datapath)
    let publisher = PolicyPublisher(maps)
    var policy = Contents.start
    let endpoints: [NamespacedName: UInt32] = [Contents.pod: 7]
    var value = endpoint(flags: UInt32(ENDPOINT_PRESENT) | UInt32(ENDPOINT_POLICY_REQUIRED))
    value.address = IPv4Address(10, 0, 0, 5).networkOrder
    value.address6 = ip_address(Contents.addresses[1])
    try datapath.endpoints.setValue(value, at: 7)
    _ = try await publisher.publish(.init(tables: policy.tables, endpoints: endpoints, node: "n1"), delta: nil)
    await publisher.finish()
    let delta = policy.apply(Contents.changes(true))
    // Both are whole until the tail of the second.
    let published = try await publisher.publish(
      .init(tables: policy.tables, endpoints: endpoints, node: "n1"), delta: delta)
    let judge = Judge()
    judge.start(datapath, endpoint: 7)
    var switches = 0
    while judge.packets.load(ordering: .relaxed) < 200_000, switches < 5_000_000 {
      for _ in 0..<64 {
        switches += 1
        maps.setGeneration(published.generation - UInt32(switches % 2))
      }
      if switches % 4096 == 0 { await Task.yield() }
    }
    maps.setGeneration(published.generation)
    await judge.stop()
    #expect(judge.wrong.withLock { $0 }.isEmpty)
    #expect(switches >= 5000)
    await publisher.finish()
  }

  @Test func `the writer and the programs count on from the last generation to the first`() async throws {
    let node = try KernelNode("n1")
    node.datapath.publish(generation: .max - 2)
    var policy = Contents.start
    try await node.apply(policy)
    let number = try #require(node.endpoints[Contents.pod])
    let (local, peer) = (Contents.addresses[0], Contents.peers[0])
    func isAllowed(_ port: UInt16) throws -> Bool {
      try node.passes(Contents.pod, .ingress, local: local, peer: peer, .tcp, port)
    }
    func goesOn() throws -> Bool {
      try KernelNode.passes(
        node.datapath, number, .ingress, local: local, peer: peer, .tcp, 80, sourcePort: 1023)
    }
    #expect(node.datapath.generation == UInt32.max - 1)
    #expect(try goesOn())
    // 443 is what the even contents allow.
    for (round, generation) in [UInt32.max, 1, 2, 3].enumerated() {
      let isOdd = round % 2 == 0
      #expect(try isAllowed(443) == isOdd)
      policy.apply(Contents.changes(isOdd))
      let published = try await node.writer.apply(policy, endpoints: node.endpoints)
      #expect(published.generation == generation && node.datapath.generation == generation)
      #expect(try isAllowed(443) == !isOdd)
      #expect(try isAllowed(80) && !isAllowed(81))
      // What a generation before the wrap allowed is asked again in the first after it, and goes on.
      #expect(try goesOn())
      let flow = try node.datapath.flows.entries().first { $0.0.peer_port == UInt16(1023).bigEndian }
      #expect(flow?.1.generation == generation)
      if round == 1 { try await node.restart() }
    }
    // And cut where it is allowed no more.
    let web = NamespacedName(namespace: "shop", name: "web")
    policy.apply([.pod(web, nil)])
    try await node.writer.apply(policy, endpoints: node.endpoints)
    #expect(node.datapath.generation == 4)
    #expect(try !goesOn())
  }
}
