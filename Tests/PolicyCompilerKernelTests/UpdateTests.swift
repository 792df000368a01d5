// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import PolicyCompiler
import Synchronization
import Testing

/// Whether the updates of another task are over.
private final class Finish: Sendable {
  let isOver = Atomic(false)
}

@Suite("Updates under traffic", .serialized, .requires(.root))
struct PolicyUpdateTests {
  private static let pod = IPv4Address(10, 0, 0, 5)
  private static let peer = IPv4Address(10, 0, 0, 9)
  private static let key = NamespacedName(namespace: "shop", name: "db")

  /// Policies under which the peer may always reach port 80 and never port 81, in more or less of everything.
  private static func compiled(_ number: Int) -> CompiledPolicy {
    var input = PolicyInput(
      pods: [PolicyPod(key: key, addresses: [.v4(pod)], node: "n1")], namespaces: ["shop": [:]])
    let isLarge = number % 2 == 1
    var from = [NetworkPolicy.Peer(ipBlock: .init(cidr: IPCIDR(host: .v4(peer))))]
    for other in UInt8(0)..<(isLarge ? 40 : 0) {
      // Numbers of classes, sets and decisions all shift.
      let block = NetworkPolicy.IPBlock(cidr: IPCIDR(host: .v4(IPv4Address(9, 0, 0, other))))
      let rule = NetworkPolicy.IngressRule(
        ports: [.init(port: .int(Int32(other) + 100))], from: [.init(ipBlock: block)])
      input.networkPolicies.append(
        NetworkPolicy(metadata: ObjectMeta(name: "a\(other)", namespace: "shop"), spec: .init(ingress: [rule])))
      from.append(.init(ipBlock: block))
    }
    input.networkPolicies.append(
      NetworkPolicy(
        metadata: ObjectMeta(name: "db", namespace: "shop"),
        spec: .init(ingress: [.init(ports: [.init(port: 80)], from: from)])))
    return .compile(input)
  }

  @Test func `no packet is judged by a mixture of two generations`() async throws {
    let datapath = try PodDatapath.load(
      pinDirectory: nil, limits: DatapathLimits(flows: 1024, peerClasses: 1024, verdicts: 4096, eventBytes: 65536))
    try datapath.endpoints.setValue(
      endpoint(ipv4: Self.pod, flags: UInt32(ENDPOINT_PRESENT | ENDPOINT_POLICY_REQUIRED)), at: 3)
    let dispatcher = try datapath.makeDispatcher(endpoint: 3)
    let writer = PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(1))
    let policies = [Self.compiled(0), Self.compiled(1)]
    try await writer.apply(policies[0], endpoints: [Self.key: 3])
    let finish = Finish()
    let updates = Task {
      defer { finish.isOver.store(true, ordering: .releasing) }
      for round in 1...60 { try await writer.apply(policies[round % 2], endpoints: [Self.key: 3]) }
    }
    var packets = 0
    var wrong: [UInt16: Int] = [:]
    while !finish.isOver.load(ordering: .acquiring) {
      for port in UInt16(80)...81 {
        let packet = IPv4Packet(
          from: Self.peer, to: Self.pod, .tcp(from: UInt16(1024 + packets % 60000), to: port, flags: .syn))
        let passed = try dispatcher.ingress.test(packet: packet.frame).returnValue == -1
        if passed != (port == 80) { wrong[port, default: 0] += 1 }
      }
      packets += 1
      if packets.isMultiple(of: 32) { await Task.yield() }
    }
    try await updates.value
    #expect(wrong.isEmpty, "of \(packets) packets to each port: \(wrong)")
    #expect(packets > 100)
    #expect(try datapath.policyState.value(at: 0)?.generation == 61)
  }
}
