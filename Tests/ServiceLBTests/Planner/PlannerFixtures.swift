// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB
import Testing

/// Objects with what a test needs, and a node to plan for.
enum Make {
  static let zoneA = "zone-a"

  static func service(
    _ name: String = "web", type: Service.ServiceType = .clusterIP, clusterIPs: [String] = ["10.96.0.10"],
    ports: [Service.Port] = [Service.Port(port: 80)], labels: [String: String] = [:],
    annotations: [String: String] = [:], created: String? = nil, namespace: String = "default",
    ingress: [Service.Ingress] = [], _ change: (inout Service.Spec) -> Void = { _ in }
  ) -> Service {
    var metadata = ObjectMeta(name: name, namespace: namespace, labels: labels, annotations: annotations)
    metadata.creationTimestamp = created.flatMap { Timestamp($0) }
    var spec = Service.Spec(type: type, clusterIPs: clusterIPs, ports: ports)
    change(&spec)
    return Service(metadata: metadata, spec: spec, status: Service.Status(ingress: ingress))
  }

  static func slice(
    _ endpoints: [EndpointSlice.Endpoint], of service: String = "web", suffix: String = "1",
    type: EndpointSlice.AddressType = .ipv4, ports: [EndpointSlice.Port] = [EndpointSlice.Port(port: 8080)],
    labels: [String: String] = [:], annotations: [String: String] = [:], namespace: String = "default"
  ) -> EndpointSlice {
    EndpointSlice(
      metadata: ObjectMeta(
        name: "\(service)-\(suffix)", namespace: namespace,
        labels: labels.merging([EndpointSlice.serviceNameLabel: service]) { $1 }, annotations: annotations),
      addressType: type, endpoints: endpoints, ports: ports)
  }

  /// `states`: `ready` (the default), `not-ready`, `serving` (while it ends), `ended`.
  static func endpoint(
    _ address: String, _ state: String = "ready", node: String? = nil, zones: [String] = [], nodes: [String] = [],
    pod: String? = nil
  ) -> EndpointSlice.Endpoint {
    let conditions =
      switch state {
      case "ready": EndpointSlice.Conditions(ready: true, serving: true, terminating: false)
      case "unknown": EndpointSlice.Conditions()
      case "serving": EndpointSlice.Conditions(ready: false, serving: true, terminating: true)
      case "ended": EndpointSlice.Conditions(ready: false, serving: false, terminating: true)
      default: EndpointSlice.Conditions(ready: false, serving: false, terminating: false)
      }
    return EndpointSlice.Endpoint(
      addresses: [address], conditions: conditions, nodeName: node,
      targetRef: pod.map { NamespacedName(namespace: "default", name: $0) }, hintedZones: zones, hintedNodes: nodes)
  }

  static func node(
    _ name: String = "here", addresses: [(String, String)] = [("InternalIP", "192.168.0.1")], zone: String? = zoneA
  ) -> Node {
    Node(
      metadata: ObjectMeta(name: name, labels: zone.map { [Node.zoneLabel: $0] } ?? [:]),
      status: Node.Status(addresses: addresses.map { Node.Address(type: $0.0, address: $0.1) }))
  }

  static func pod(
    _ name: String = "p", node: String = "here", phase: String = "Running", hostNetwork: Bool = false,
    ports: [Pod.ContainerPort], addresses: [String] = ["10.0.0.5"]
  ) -> Pod {
    Pod(
      metadata: ObjectMeta(name: name, namespace: "default"),
      spec: Pod.Spec(
        nodeName: node, hostNetwork: hostNetwork, containers: [Pod.Container(name: "c", ports: ports)]),
      status: Pod.Status(phase: phase, podIPs: addresses))
  }
}

/// The table for the node `here` in zone `zone-a`, whose address is 192.168.0.1.
func plan(
  _ services: [Service], _ slices: [EndpointSlice] = [], nodes: [Node] = [Make.node()], pods: [Pod] = [],
  _ change: (inout ServicePlannerOptions) -> Void = { _ in }
) -> ServiceTable {
  var options = ServicePlannerOptions()
  change(&options)
  return ServicePlanner(nodeName: "here", options: options).plan(
    services: services, endpointSlices: slices, nodes: nodes, pods: pods)
}

extension ServiceEntry {
  /// The cluster scope as text, such as `10.0.0.1:8080`.
  var clusterText: [String] { cluster.map { "\(backends[$0].key)" } }
  /// The local scope as text.
  var localText: [String] { local.map { "\(backends[$0].key)" } }
  /// Those of no scope.
  var drainText: [String] {
    backends.indices.filter { !cluster.contains($0) && !local.contains($0) }.map { "\(backends[$0].key)" }
  }
  /// The frontends as text.
  var frontendText: [String] { frontends.map(\.description) }
}

extension ServiceTable {
  /// The messages of all notes.
  var messages: [String] { notes.map(\.message) }

  /// The only entry.
  func only() throws -> ServiceEntry {
    try #require(entries.count == 1, "\(self)")
    return entries[0]
  }
}
