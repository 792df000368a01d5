// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import NetworkTypes
import Testing

@Suite("Reading objects")
struct ObjectReadingTests {
  private func object(_ text: String) throws -> KubernetesObject {
    try KubernetesObject(JSONDecoder().decode(DocumentValue.self, from: Data(text.utf8)))
  }

  private func roundTrip<Resource: KubernetesResource>(_ resource: Resource) throws -> Resource {
    try JSONDecoder().decode(Resource.self, from: JSONEncoder().encode(resource))
  }

  @Test func `a pod keeps what the datapath needs and skips the rest`() throws {
    let text = """
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
       "spec": {"nodeName": "n1", "volumes": [{"name": "x"}], "containers": [
         {"name": "c", "image": "i", "ports": [{"name": "http", "containerPort": 8080}]}],
         "initContainers": [{"name": "s", "restartPolicy": "Always", "ports": [{"containerPort": 9, "protocol": "UDP"}]},
                            {"name": "once", "ports": [{"containerPort": 10}]}]},
       "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}, {"ip": "fd00::5"}]}}
      """
    guard case .pod(let pod) = try object(text) else { return #expect(Bool(false), "not a pod") }
    #expect(pod.spec.nodeName == "n1")
    #expect(pod.addresses.map(\.description) == ["10.0.0.5", "fd00::5"])
    #expect(pod.containerPorts.map(\.containerPort) == [8080, 9])
    #expect(try roundTrip(pod) == pod)
  }

  @Test func `a node's names are not addresses`() throws {
    let text = """
      {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": [
        {"type": "Hostname", "address": "10.9.9.9"}, {"type": "InternalIP", "address": "172.18.0.2"}]}}
      """
    guard case .node(let node) = try object(text) else { return #expect(Bool(false), "not a node") }
    #expect(node.ipAddresses.map(\.description) == ["172.18.0.2"])
    #expect(try roundTrip(node) == node)
  }

  @Test func `a service has the API's defaults`() throws {
    let text = """
      {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "clusterIP": "10.96.0.9", "ports": [{"port": 80, "targetPort": "http"}], "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}}
      """
    guard case .service(let service) = try object(text) else { return #expect(Bool(false), "not a service") }
    #expect(service.spec.type == .clusterIP)
    #expect(service.spec.clusterAddresses.map(\.description) == ["10.96.0.9"])
    #expect(service.spec.ports == [Service.Port(port: 80, targetPort: "http")])
    #expect(service.spec.sessionAffinityTimeoutSeconds == 60)
    #expect(try roundTrip(service) == service)
  }

  @Test func `an endpoint slice reads unknown conditions as the API defines`() throws {
    let text = """
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
       "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
       "ports": [{"name": "", "port": 8080}],
       "endpoints": [{"addresses": ["10.0.0.5"], "hints": {"forZones": [{"name": "a"}]},
                      "targetRef": {"kind": "Pod", "namespace": "default", "name": "web"}}]}
      """
    guard case .endpointSlice(let slice) = try object(text) else { return #expect(Bool(false), "not a slice") }
    #expect(slice.serviceKey == NamespacedName(namespace: "default", name: "web"))
    let endpoint = try #require(slice.endpoints.first)
    #expect(endpoint.conditions.isReady && endpoint.conditions.isServing && !endpoint.conditions.isTerminating)
    #expect(endpoint.hintedZones == ["a"])
    #expect(slice.ports == [EndpointSlice.Port(port: 8080)])
    #expect(try roundTrip(slice) == slice)
  }

  @Test(arguments: [
    (#"{"kind": "Pod"}"#, ".apiVersion"), (#"{"apiVersion": "v1"}"#, ".kind"),
    (#"{"apiVersion": "v2", "kind": "Pod"}"#, ".kind"), (#"{"apiVersion": "v1", "kind": "Secret"}"#, ".kind"),
    (#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {}}"#, ".metadata.name"),
    (#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "A"}}"#, ".metadata.name"),
    (#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": []}}"#, ".metadata.labels"),
    (
      #"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 0}]}}"#,
      ".spec.ports[0].port"
    ),
    (
      #"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 1}, {"port": 2}]}}"#,
      ".spec.ports[0].name"
    ),
    (#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}"#, ".spec.prots"),
    (#"{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"}}"#, ".addressType"),
    ("[]", "."),
  ])
  func `a wrong object is refused with its path`(text: String, path: String) throws {
    let error = try #require(throws: ValidationError.self) { try object(text) }
    #expect(error.path == path)
  }

  @Test(arguments: [
    ("IPv4", "127.0.0.1", "a loopback"), ("IPv4", "169.254.169.254", "a link-local"),
    ("IPv4", "0.0.0.0", "the unspecified"), ("IPv4", "224.0.0.1", "a link-local multicast"),
    ("IPv4", "fd00::1", "not an IPv4"), ("IPv4", "web", "not an IPv4"), ("IPv6", "::1", "a loopback"),
    ("IPv6", "fe80::1", "a link-local"), ("IPv6", "ff02::1", "a link-local multicast"), ("IPv6", "::", "unspecified"),
    ("IPv6", "10.0.0.1", "not an IPv6"), ("FQDN", "a b", "not a DNS subdomain"),
  ])
  func `an address that no endpoint may have is refused`(type: String, address: String, words: String) throws {
    let text = """
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"},
       "addressType": "\(type)", "endpoints": [{"addresses": ["\(address)"]}]}
      """
    let error = try #require(throws: ValidationError.self) { try object(text) }
    #expect(error.path == ".endpoints[0].addresses[0]")
    #expect(error.message.contains(words))
    #expect(error.message.contains(address))
  }

  @Test(arguments: [
    ("IPv4", "10.0.0.1"), ("IPv4", "128.0.0.1"), ("IPv4", "224.0.1.1"), ("IPv6", "fd00::1"), ("IPv6", "ff05::1"),
    ("FQDN", "web.example"),
  ])
  func `other addresses of the slice's type are accepted`(type: String, address: String) throws {
    _ = try object(
      """
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"},
       "addressType": "\(type)", "endpoints": [{"addresses": ["\(address)"]}]}
      """)
  }
}
