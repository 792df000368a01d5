// SPDX-License-Identifier: Apache-2.0

import ENIProvider
import ExampleSupport
import IPVLANDatapath
import KubernetesModel
import LinuxSystem
import NetlinkKit
import NetworkTypes
import ServiceLB

/// One running pod.
final class DemoPod: Sendable {
  let key: NamespacedName
  let node: DemoNode
  let interface: String
  let address: IPv4Address
  let endpoint: UInt32
  /// Whether its packets are translated for services; else its sockets are.
  let isServedAtPackets: Bool
  let namespace: NetworkNamespace
  let process: PodProcess
  private let record: WiringRecord

  /// Does what a CNI ADD does, then starts the pod's process.
  init(_ pod: Pod, on node: DemoNode, address: IPv4Address, endpoint: UInt32, mode: WiringMode) async throws {
    key = pod.key
    self.node = node
    self.address = address
    self.endpoint = endpoint
    interface = try Self.interface(of: pod)
    guard let attachment = node.interfaces[interface]?.attachment,
      let identity = PodIdentity(namespace: pod.key.namespace, name: pod.key.name)
    else { throw ExampleError("pod \(pod.key) asks for \(interface), which \(node.name) does not have") }
    let namespace = try await NetworkNamespace.makeAnonymous()
    self.namespace = namespace
    try await NetlinkSocket(in: namespace).links.change(.loopback, LinkChanges(isUp: true))
    record = try await node.wirer.add(
      PodAttachment(pod: identity, address: address, endpoint: endpoint, requiresPolicy: true), on: attachment,
      in: namespace, mode: mode)
    isServedAtPackets = try Self.isServedAtPackets(pod)
    if isServedAtPackets { try await node.balancer.exclude(networkNamespace: namespace) }
    func ports(_ wanted: TransportProtocol) -> [UInt16] {
      pod.containerPorts.filter { $0.protocol == wanted }.compactMap { UInt16(exactly: $0.containerPort) }
    }
    process = try await PodProcess.start(
      name: pod.key.name, namespace: namespace, cgroup: node.podCgroup, tcp: ports(.tcp), udp: ports(.udp))
  }

  /// Which shared ENI the manifest puts the pod on.
  static func interface(of pod: Pod) throws -> String {
    guard let name = pod.metadata.annotations["terway-demo/eni"] else {
      throw ExampleError(
        "pod \(pod.key) has no annotation terway-demo/eni; name a shared ENI of its node, such as eni-1")
    }
    return name
  }

  /// What the manifest says of a pod whose sockets the node's kernel does not have, or must leave alone.
  static func isServedAtPackets(_ pod: Pod) throws -> Bool {
    switch pod.metadata.annotations["terway-demo/services"] {
    case nil, "sockets": return false
    case "packets": return true
    case let other?:
      throw ExampleError(
        "pod \(pod.key) has annotation terway-demo/services: \(other); write sockets or packets, where services are "
          + "translated for it")
    }
  }

  /// Does what a CNI DEL does.
  func remove() async throws {
    await process.stop()
    if isServedAtPackets { try await node.balancer.include(networkNamespace: namespace) }
    try await node.wirer.remove(record, from: namespace)
  }
}
