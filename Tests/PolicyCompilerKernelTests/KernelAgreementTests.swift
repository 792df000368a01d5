// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import PolicyCompiler
import Testing

/// The tables as the kernel's programs read them, against the tables in user space.
@Suite("Compiled policies in the kernel", .serialized, .requires(.root))
struct KernelAgreementTests {
  private static let limits = DatapathLimits(flows: 4096, peerClasses: 4096, verdicts: 16384, eventBytes: 65536)

  @Test(arguments: [UInt64(3), 7, 11, 19])
  func `the programs judge each packet as the tables say`(seed: UInt64) async throws {
    let cluster = KernelCluster(seed: seed)
    let compiled = CompiledPolicy.compile(cluster.input)
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: Self.limits)
    try await PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(1))
      .apply(compiled, endpoints: cluster.endpoints)
    var seen: [Bool: Int] = [:]
    for (pod, number) in cluster.endpoints.sorted(by: { $0.value < $1.value }) {
      guard case .v4(let address)? = compiled.endpoints[pod]?.addresses.first else { continue }
      try datapath.endpoints.setValue(
        endpoint(ipv4: address, flags: UInt32(ENDPOINT_PRESENT) | UInt32(ENDPOINT_POLICY_REQUIRED)),
        at: number)
      let dispatcher = try datapath.makeDispatcher(endpoint: number)
      for packet in cluster.packets(of: address) {
        let expected = compiled.verdict(
          for: pod, packet.direction, peer: .v4(packet.peer), protocol: packet.kind, port: packet.port)
        let frame = packet.ipPacket(pod: address).frame
        let result =
          switch packet.direction {
          case .egress: try dispatcher.egress.test(packet: frame).returnValue
          case .ingress: try dispatcher.ingress.test(packet: frame).returnValue
          }
        // TC_ACT_UNSPEC: left to whoever else is attached.
        let passed = result == -1
        #expect(passed == expected.isAllowed, "seed \(seed): \(pod) \(packet)")
        seen[passed, default: 0] += 1
      }
    }
    #expect((seen[true] ?? 0) > 20 && (seen[false] ?? 0) > 20, "seed \(seed) is one-sided: \(seen)")
  }

  @Test func `a second generation replaces the first, and a restarted writer the second`() async throws {
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: Self.limits)
    let cluster = KernelCluster(seed: 3)
    let compiled = CompiledPolicy.compile(cluster.input)
    let writer = PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(1))
    for generation in UInt32(1)...2 {
      #expect(try await writer.apply(compiled, endpoints: cluster.endpoints).generation == generation)
    }
    let other = PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(1))
    let published = try await other.apply(compiled, endpoints: cluster.endpoints)
    #expect(published.generation == 3)
    #expect(try datapath.policyState.value(at: 0)?.generation == 3)
    #expect(try datapath.verdicts.entries().count == published.verdicts)
    #expect(try datapath.peerClasses.entries().count == published.classes)
    #expect(try datapath.endpointPolicies.values().filter { $0.generation != 0 }.count == published.endpoints)
  }

  @Test func `policies that do not fit leave the kernel as it was`() async throws {
    let small = DatapathLimits(flows: 64, peerClasses: 512, verdicts: 40, eventBytes: 4096)
    let datapath = try PodDatapath.load(pinDirectory: nil, limits: small)
    let pod = NamespacedName(namespace: "shop", name: "db")
    var input = PolicyInput(
      pods: [PolicyPod(key: pod, addresses: [.v4(IPv4Address(10, 0, 0, 5))], node: "n1")], namespaces: ["shop": [:]])
    let metadata = ObjectMeta(name: "db", namespace: "shop")
    let writer = PolicyMapWriter(datapath: datapath, node: "n1", gracePeriod: .milliseconds(1))
    let spec = NetworkPolicy.Spec(ingress: [.init(ports: [.init(port: 1, endPort: 65534)])])
    input.networkPolicies = [NetworkPolicy(metadata: metadata, spec: spec)]
    try await writer.apply(.compile(input), endpoints: [pod: 1])
    let error = try await #require(throws: PolicyError.self) {
      try await writer.apply(.compile(input), endpoints: [pod: 1])
    }
    #expect(error.code == .full)
    #expect(error.message.contains("shop/db 30"))
    #expect(try datapath.verdicts.entries().count == 30)
    #expect(try datapath.policyState.value(at: 0)?.generation == 1)
  }
}
