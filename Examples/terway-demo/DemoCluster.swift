// SPDX-License-Identifier: Apache-2.0

import ClusterState
import DatapathPrograms
import ENIProvider
import ExampleSupport
import IPVLANDatapath
import KubernetesModel
import NetworkTypes
import PolicyCompiler
import ServiceLB
import SystemPackage

/// Two nodes and their pods, as the manifests describe them, composed of the six modules.
final class DemoCluster: Sendable {
  let nodes: [String: DemoNode]
  let pods: [String: DemoPod]
  let mode: WiringMode

  /// Builds the cluster.
  ///
  /// What was built is torn down again when a later step fails.
  static func withCluster<Result>(
    _ manifests: ClusterSnapshot, mode: WiringMode, cloud: Cloud, workspace: Workspace, progress: Progress,
    _ body: (DemoCluster) async throws -> Result
  ) async throws -> Result {
    var nodes: [String: DemoNode] = [:]
    var pods: [String: DemoPod] = [:]
    func tearDown() async {
      for pod in pods.values {
        do {
          try await pod.remove()
        } catch {
          progress.say("could not take down \(pod.key): \(error)")
        }
      }
      for node in nodes.values { await node.stop() }
    }
    do {
      let names = Set(manifests.pods.values.compactMap(\.spec.nodeName)).sorted()
      guard names.count <= Cloud.instances.count, !names.isEmpty else {
        throw ExampleError("the manifests name \(names.count) nodes; the demo has 1 or 2")
      }
      for (name, instance) in zip(names, Cloud.instances) {
        let own = manifests.pods.values.filter { $0.spec.nodeName == name }
        let count = try Dictionary(grouping: own, by: DemoPod.interface).mapValues(\.count)
        nodes[name] = try await DemoNode(
          name: name, instance: instance, cloud: cloud, workspace: workspace, podsPerInterface: count,
          progress: progress)
      }
      let ordered = manifests.pods.values.sorted { $0.key < $1.key }
      var free = nodes.mapValues { node in
        node.interfaces.mapValues { $0.eni.privateAddresses.filter { !$0.isPrimary }.map(\.address) }
      }
      for (index, pod) in ordered.enumerated() {
        let interface = try DemoPod.interface(of: pod)
        guard let name = pod.spec.nodeName, let node = nodes[name],
          let address = free[name]?[interface]?.popLast()
        else { throw ExampleError("pod \(pod.key) has no nodeName; name node-a or node-b") }
        let running = try await DemoPod(pod, on: node, address: address, endpoint: UInt32(index + 1), mode: mode)
        pods[pod.key.name] = running
        let services = running.isServedAtPackets ? "; services are translated at its packets, not at its sockets" : ""
        progress.say("\(name): pod \(pod.key) has \(address) on \(interface), wired by \(mode)\(services)")
      }
      let cluster = DemoCluster(nodes: nodes, pods: pods, mode: mode)
      try await cluster.publish(manifests, progress: progress)
      let result = try await body(cluster)
      await tearDown()
      return result
    } catch {
      await tearDown()
      throw error
    }
  }

  private init(nodes: [String: DemoNode], pods: [String: DemoPod], mode: WiringMode) {
    self.nodes = nodes
    self.pods = pods
    self.mode = mode
  }

  /// What is where, for the report.
  var description: [Report.Node] {
    nodes.values.sorted { $0.name < $1.name }.map { node in
      Report.Node(
        name: node.name, address: "\(node.address)",
        interfaces: node.interfaces.sorted { $0.key < $1.key }.map { name, interface in
          let own = pods.values.filter { $0.node === node && $0.interface == name }
          return .init(
            link: "\(interface.attachment.link)", eni: "\(interface.eni.id)",
            pods: Dictionary(uniqueKeysWithValues: own.map { ($0.key.name, "\($0.address)") }))
        })
    }
  }

  /// Fills in what a control plane would have (addresses, endpoint slices), then compiles and publishes.
  private func publish(_ manifests: ClusterSnapshot, progress: Progress) async throws {
    var cluster = manifests
    for pod in pods.values { cluster.pods[pod.key]?.status.podIPs = ["\(pod.address)"] }
    for node in nodes.values {
      cluster.insert(
        .node(
          Node(
            metadata: ObjectMeta(name: node.name),
            status: .init(addresses: [.init(type: "InternalIP", address: "\(node.address)")]))))
    }
    let slices = cluster.services.values.map { EndpointSlices.slice(of: $0, pods: cluster.pods.values) }
    let policy = CompiledPolicy(
      PolicyInput(
        pods: cluster.pods.values, namespaces: cluster.namespaces.values, nodes: cluster.nodes.values,
        networkPolicies: cluster.networkPolicies.values))
    for node in nodes.values.sorted(by: { $0.name < $1.name }) {
      let table = ServicePlanner(nodeName: node.name).plan(
        services: Array(cluster.services.values), endpointSlices: slices)
      try node.balancer.apply(table)
      let own = pods.values.filter { $0.node === node }
      let endpoints = Dictionary(uniqueKeysWithValues: own.map { ($0.key, $0.endpoint) })
      try await PolicyMapWriter(datapath: node.datapath, node: node.name).apply(policy, endpoints: endpoints)
      progress.say(
        "\(node.name): \(cluster.services.count) services and \(cluster.networkPolicies.count) network policies are in force"
      )
    }
  }
}
