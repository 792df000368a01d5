// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import KubernetesModel
import NetworkTypes
import Testing

@testable import PolicyCompiler

/// A node with some pods of a cluster, whose packets are test runs of the real programs.
final class KernelNode {
  let name: String
  let datapath: PodDatapath
  private(set) var writer: PolicyMapWriter
  private(set) var endpoints: [NamespacedName: UInt32] = [:]
  private var free = Array(UInt32(1)..<200)
  private var nextPort: UInt16 = 1024

  init(_ name: String, limits: DatapathLimits = .small) throws {
    self.name = name
    datapath = try PodDatapath.load(pinDirectory: nil, limits: limits)
    writer = try PolicyMapWriter(datapath: datapath, node: name)
  }

  /// A new process takes over what is in the kernel.
  ///
  /// A process that has ended writes no more; the writer of this one would, a moment later.
  func restart() async throws {
    await writer.finish()
    writer = try PolicyMapWriter(datapath: datapath, node: name)
  }

  /// Wires the node's pods as an agent does, then puts the policies into force.
  @discardableResult
  func apply(_ policy: CompiledPolicy) async throws -> PolicyPublication {
    let pods = policy.tables.endpoints.filter { $0.value.node == name }
    var removed: [UInt32] = []
    for (pod, number) in endpoints where pods[pod] == nil {
      try datapath.endpoints.setValue(endpoint(flags: 0), at: number)
      endpoints[pod] = nil
      removed.append(number)
    }
    // A number goes to another pod after a publication without the old one, and without its flows.
    let publication = try await writer.apply(policy, endpoints: endpoints)
    for number in removed { try datapath.removeFlows(ofEndpoint: number) }
    free.insert(contentsOf: removed, at: 0)
    var isNew = false
    for (pod, entry) in pods.sorted(by: { $0.key < $1.key }) {
      isNew = isNew || endpoints[pod] == nil
      try wire(pod, entry)
    }
    return isNew ? try await writer.apply(policy, endpoints: endpoints) : publication
  }

  /// Gives a pod its number and its addresses: its packets are dropped until policies are in force.
  @discardableResult
  func wire(_ pod: NamespacedName, _ entry: PolicyTables.Endpoint) throws -> UInt32 {
    let number = endpoints[pod] ?? free.removeFirst()
    endpoints[pod] = number
    var value = endpoint(flags: UInt32(ENDPOINT_PRESENT) | UInt32(ENDPOINT_POLICY_REQUIRED))
    for address in entry.addresses {
      switch address {
      case .v4(let address): value.address = address.networkOrder
      case .v6(let address): value.address6 = ip_address(address)
      }
    }
    try datapath.endpoints.setValue(value, at: number)
    return number
  }

  /// Whether the first packet of a connection passes a pod's program.
  func passes(
    _ pod: NamespacedName, _ direction: PolicyDirection, local: IPAddress, peer: IPAddress, _ ipProtocol: IPProtocol,
    _ port: UInt16
  ) throws -> Bool {
    let number = try #require(endpoints[pod])
    nextPort = nextPort == .max ? 1024 : nextPort + 1
    return try Self.passes(
      datapath, number, direction, local: local, peer: peer, ipProtocol, port, sourcePort: nextPort)
  }

  static func passes(
    _ datapath: PodDatapath, _ number: UInt32, _ direction: PolicyDirection, local: IPAddress, peer: IPAddress,
    _ ipProtocol: IPProtocol, _ port: UInt16, sourcePort: UInt16
  ) throws -> Bool {
    switch direction {
    case .egress:
      let packet = FirstPacket.bytes(
        from: local, to: peer, ipProtocol: ipProtocol, sourcePort: sourcePort, destinationPort: port)
      return try datapath.fromPod.verdict(onPacket: packet, controlBlock: number) == -1
    case .ingress:
      let packet = FirstPacket.bytes(
        from: peer, to: local, ipProtocol: ipProtocol, sourcePort: sourcePort, destinationPort: port)
      return try datapath.toPod.verdict(onPacket: packet, controlBlock: number) == -1
    }
  }
}

extension DatapathLimits {
  /// Enough for a test.
  static let small = DatapathLimits(
    flows: 4096, peers: 1024, ruleSets: 512, verdicts: 4096, addressRanges: 4096, portTables: 1024, portRanges: 8192,
    decisions: 8192, eventBytes: 4096)
}
