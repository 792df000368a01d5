// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB
import Testing

/// `10.96.0.1:80/TCP` as a frontend.
func frontend(_ text: String) throws -> ServiceFrontend {
  let parts = text.split(separator: "/")
  let backend = try backend(String(parts[0]))
  return ServiceFrontend(address: backend.address, port: backend.port, protocol: parts[1] == "UDP" ? .udp : .tcp)
}

/// `10.0.0.1:8080` as a backend.
func backend(_ text: String) throws -> ServiceBackend {
  let parts = text.split(separator: ":")
  return ServiceBackend(
    address: try #require(IPv4Address(parts[0])), port: try #require(Int(parts[1]).flatMap { Port($0) }))
}

func entry(
  _ service: String, _ frontends: [String], _ backends: [String], local: [String] = []
) throws -> ServiceEntry {
  ServiceEntry(
    name: ServicePortName(namespace: "default", service: service),
    frontends: try frontends.map(frontend), localBackends: try local.map(backend),
    remoteBackends: try backends.map(backend))
}

func service(
  _ name: String, labels: [String: String] = [:], clusterIPs: [String] = ["10.96.0.10"],
  ports: [Service.Port] = [Service.Port(port: 80)], type: Service.ServiceType = .clusterIP
) -> Service {
  Service(
    metadata: ObjectMeta(name: name, namespace: "default", labels: labels),
    spec: Service.Spec(type: type, clusterIPs: clusterIPs, ports: ports))
}

func slice(
  of service: String, suffix: String = "1", labels: [String: String] = [:],
  type: EndpointSlice.AddressType = .ipv4, _ endpoints: [EndpointSlice.Endpoint],
  ports: [EndpointSlice.Port] = [EndpointSlice.Port(port: 8080)]
) -> EndpointSlice {
  EndpointSlice(
    metadata: ObjectMeta(
      name: "\(service)-\(suffix)", namespace: "default",
      labels: labels.merging([EndpointSlice.serviceNameLabel: service]) { $1 }),
    addressType: type, endpoints: endpoints, ports: ports)
}

func endpoint(
  _ address: String, ready: Bool? = nil, serving: Bool? = nil, terminating: Bool? = nil, node: String? = nil
) -> EndpointSlice.Endpoint {
  EndpointSlice.Endpoint(
    addresses: [address],
    conditions: EndpointSlice.Conditions(ready: ready, serving: serving, terminating: terminating), nodeName: node)
}

/// A generator with a seed, so that a failure can be seen again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
