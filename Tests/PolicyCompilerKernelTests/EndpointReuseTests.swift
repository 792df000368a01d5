// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import KubernetesModel
import LinuxSystem
import NetworkTypes
import Testing

@testable import PolicyCompiler

/// A number that goes from one pod to another: tables without the old pod are in force, its flows are removed, then the
/// number is the new pod's.
@Suite("Reuse of endpoint numbers", .serialized, .requires(.root))
struct EndpointReuseTests {
  private static let number: UInt32 = 7
  private static let old = NamespacedName(namespace: "shop", name: "old")
  private static let new = NamespacedName(namespace: "shop", name: "new")
  private static let oldAddress = IPAddress.v4(IPv4Address(10, 0, 0, 5))
  private static let newAddress = IPAddress.v4(IPv4Address(10, 0, 0, 6))
  private static let peer = IPAddress.v4(IPv4Address(192, 0, 2, 9))
  private static let peerPort: UInt16 = 40000

  /// Both pods are isolated both ways; "old" may be asked at port 80.
  private static func policy(newIsAsked: Bool = false) -> CompiledPolicy {
    let asked = NetworkPolicy.IngressRule(ports: [.init(protocol: .udp, port: .int(80))])
    func policy(_ name: String, _ ingress: [NetworkPolicy.IngressRule]) -> NetworkPolicy {
      NetworkPolicy(
        metadata: ObjectMeta(name: name, namespace: "shop"),
        spec: .init(
          podSelector: LabelSelector(matchLabels: ["app": name]), ingress: ingress, policyTypes: [.ingress, .egress]))
    }
    return CompiledPolicy(
      PolicyInput(
        pods: [
          PolicyPod(key: old, labels: ["app": "old"], addresses: [oldAddress], node: "n1"),
          PolicyPod(key: new, labels: ["app": "new"], addresses: [newAddress], node: "n1"),
        ], namespaces: ["shop": [:]],
        networkPolicies: [policy("old", [asked]), policy("new", newIsAsked ? [asked] : [])]))
  }

  private func write(_ address: IPAddress?, _ datapath: PodDatapath) throws {
    var value = endpoint(flags: 0)
    if case .v4(let address)? = address {
      value = endpoint(ipv4: address, ipv6: nil, flags: UInt32(ENDPOINT_PRESENT) | UInt32(ENDPOINT_POLICY_REQUIRED))
    }
    try datapath.endpoints.setValue(value, at: Self.number)
  }

  private func isAsked(_ address: IPAddress, _ datapath: PodDatapath) throws -> Bool {
    try KernelNode.passes(
      datapath, Self.number, .ingress, local: address, peer: Self.peer, .udp, 80, sourcePort: Self.peerPort)
  }

  /// A packet that would be the answer, if the pod had been asked.
  private func answers(_ address: IPAddress, _ datapath: PodDatapath) throws -> Bool {
    try KernelNode.passes(
      datapath, Self.number, .egress, local: address, peer: Self.peer, .udp, Self.peerPort, sourcePort: 80)
  }

  @Test(arguments: [true, false])
  func `the new pod has neither the verdicts of the old one nor, once they are removed, its flows`(
    isForgotten: Bool
  ) async throws {
    let node = try KernelNode("n1")
    let datapath = node.datapath
    let policy = Self.policy()
    try write(Self.oldAddress, datapath)
    try await node.writer.apply(policy, endpoints: [Self.old: Self.number])
    #expect(try !answers(Self.oldAddress, datapath))
    #expect(try isAsked(Self.oldAddress, datapath))
    #expect(try answers(Self.oldAddress, datapath))

    try write(nil, datapath)
    try await node.writer.apply(policy, endpoints: [:])
    if isForgotten { #expect(try datapath.removeFlows(ofEndpoint: Self.number) == 1) }
    #expect(try !isAsked(Self.oldAddress, datapath))

    try write(Self.newAddress, datapath)
    #expect(try !isAsked(Self.newAddress, datapath), "before it is compiled")
    try await node.writer.apply(policy, endpoints: [Self.new: Self.number])
    #expect(try !isAsked(Self.newAddress, datapath))
    // What the order is for: a flow that was left speaks for the new pod.
    #expect(try answers(Self.newAddress, datapath) == !isForgotten)
  }

  /// The wiring clears the number's words itself; the new pod may have the very rule set that the writer wrote there.
  @Test func `a new pod with the rules of the old one is not taken for compiled, nor forgotten`() async throws {
    let node = try KernelNode("n1")
    let datapath = node.datapath
    let policy = Self.policy(newIsAsked: true)
    #expect(policy.tables.endpoints[Self.old]?.ingress == policy.tables.endpoints[Self.new]?.ingress)
    try write(Self.oldAddress, datapath)
    try await node.writer.apply(policy, endpoints: [Self.old: Self.number])
    #expect(try isAsked(Self.oldAddress, datapath))
    for isPublishedBetween in [true, false] {
      try write(nil, datapath)
      datapath.setPolicy(endpoint_policy(), ofEndpoint: Self.number)
      try datapath.removeFlows(ofEndpoint: Self.number)
      if isPublishedBetween { try await node.writer.apply(policy, endpoints: [:]) }
      try write(Self.newAddress, datapath)
      #expect(try !isAsked(Self.newAddress, datapath), "before it is compiled")
      try await node.writer.apply(policy, endpoints: [Self.new: Self.number])
      #expect(try isAsked(Self.newAddress, datapath))
    }
  }
}
