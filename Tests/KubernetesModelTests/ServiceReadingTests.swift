// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubernetesModel
import NetworkTypes
import Testing

@Suite("Reading Services, EndpointSlices, nodes and host ports")
struct ServiceReadingTests {
  private func object(_ text: String) throws -> KubernetesObject {
    try KubernetesObject(JSONDecoder().decode(DocumentValue.self, from: Data(text.utf8)))
  }

  private func service(_ spec: String, annotations: String = "{}", status: String = "{}") throws -> Service {
    let text = """
      {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "annotations": \(annotations)},
       "spec": {\(spec)}, "status": \(status)}
      """
    guard case .service(let service) = try object(text) else { throw ValidationError(path: "", message: "no service") }
    return service
  }

  private func slice(_ fields: String) throws -> EndpointSlice {
    let text = """
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "web-1"},
       "addressType": "IPv4", \(fields)}
      """
    guard case .endpointSlice(let slice) = try object(text) else {
      throw ValidationError(path: "", message: "no slice")
    }
    return slice
  }

  private func roundTrip<Resource: KubernetesResource>(_ resource: Resource) throws -> Resource {
    try JSONDecoder().decode(Resource.self, from: JSONEncoder().encode(resource))
  }

  @Test func `a service keeps every field`() throws {
    let service = try service(
      """
      "type": "LoadBalancer", "clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9", "fd00::9"],
      "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack", "externalIPs": ["198.51.100.7"],
      "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Local", "healthCheckNodePort": 30123,
      "loadBalancerClass": "example.com/fast", "loadBalancerIP": "203.0.113.1",
      "loadBalancerSourceRanges": [" 10.0.0.0/8 "], "allocateLoadBalancerNodePorts": false,
      "publishNotReadyAddresses": true, "trafficDistribution": "PreferSameNode", "sessionAffinity": "ClientIP",
      "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}, "selector": {"app": "web"},
      "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30080, "appProtocol": "kubernetes.io/h2c"}]
      """,
      status: """
        {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "ipMode": "Proxy", "ports": [
            {"port": 80, "protocol": "TCP", "error": "example.com/busy"}]},
          {"ip": "203.0.113.2"}, {"hostname": "lb.example"}]}, "conditions": []}
        """)
    #expect(service.spec.ipFamilies == [.ipv4, .ipv6])
    #expect(service.spec.ipFamilyPolicy == .requireDualStack)
    #expect(service.spec.loadBalancerClass == "example.com/fast")
    #expect(service.spec.allocateLoadBalancerNodePorts == false)
    #expect(service.spec.needsHealthCheck && service.spec.isExternallyAccessible)
    #expect(service.status.ingress.map(\.ipMode) == [.proxy, .vip, nil])
    #expect(service.status.ingress.map(\.hostname) == [nil, nil, "lb.example"])
    #expect(service.status.ingress.first?.ports == [Service.PortStatus(port: 80, error: "example.com/busy")])
    #expect(try roundTrip(service) == service)
  }

  @Test(arguments: [
    (
      #""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]", "the same"
    ),
    (#""clusterIPs": ["10.0.0.1", "10.0.0.2"], "ports": [{"port": 1}]"#, ".spec.clusterIPs", "one family"),
    (#""clusterIPs": ["a"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]", "not an IP address"),
    (#""clusterIPs": ["010.0.0.1"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]", "not an IP address"),
    (#""clusterIPs": ["::ffff:10.0.0.1"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]", "IPv6 notation"),
    (
      #""clusterIPs": ["10.0.0.1", "fd00::1", "fd00::2"], "ports": [{"port": 1}]"#, ".spec.clusterIPs",
      "more than one for each family"
    ),
    (#""clusterIPs": ["None", "10.0.0.1"], "ports": [{"port": 1}]"#, ".spec.clusterIPs", "only value"),
    (#""type": "NodePort", "clusterIPs": ["None"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]", "NodePort"),
    (
      #""clusterIPs": ["fd00::1"], "ipFamilies": ["IPv4"], "ports": [{"port": 1}]"#, ".spec.clusterIPs[0]",
      "an IPv4 address"
    ),
    (#""ipFamilies": ["IPv4", "IPv4"], "ports": [{"port": 1}]"#, ".spec.ipFamilies[1]", "already"),
    (#""ipFamilies": ["IPv5"], "ports": [{"port": 1}]"#, ".spec.ipFamilies[0]", "not one of IPv4, IPv6"),
    (#""ipFamilyPolicy": "Both", "ports": [{"port": 1}]"#, ".spec.ipFamilyPolicy", "not one of"),
    (#""ports": []"#, ".spec.ports", "at least one"),
    (#""ports": [{"port": 65536}]"#, ".spec.ports[0].port", "not a port number"),
    (#""ports": [{"port": 1, "nodePort": 30000}]"#, ".spec.ports[0].nodePort", "not for the type ClusterIP"),
    (
      #""type": "NodePort", "ports": [{"name": "a", "port": 1, "nodePort": 30000}, {"name": "b", "port": 2, "nodePort": 30000}]"#,
      ".spec.ports[1].nodePort", "the same node port"
    ),
    (#""ports": [{"port": 1, "targetPort": 0}]"#, ".spec.ports[0].targetPort", "not a port number"),
    (#""ports": [{"port": 1, "appProtocol": "a b"}]"#, ".spec.ports[0].appProtocol", "not a label key"),
    (#""ports": [{"port": 1, "protocol": "ICMP"}]"#, ".spec.ports[0].protocol", "not one of"),
    (#""selector": {"a b": ""}, "ports": [{"port": 1}]"#, #".spec.selector["a b"]"#, "not a label key"),
    (#""sessionAffinity": "Cookie", "ports": [{"port": 1}]"#, ".spec.sessionAffinity", "not one of"),
    (
      #""sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}}, "ports": [{"port": 1}]"#,
      ".spec.sessionAffinityConfig", "only for sessionAffinity ClientIP"
    ),
    (
      #""sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86401}}, "ports": [{"port": 1}]"#,
      ".spec.sessionAffinityConfig.clientIP.timeoutSeconds", "86401"
    ),
    (#""externalIPs": ["127.0.0.1"], "ports": [{"port": 1}]"#, ".spec.externalIPs[0]", "a loopback address"),
    (#""externalIPs": ["169.254.169.254"], "ports": [{"port": 1}]"#, ".spec.externalIPs[0]", "a link-local address"),
    (#""externalIPs": ["x"], "ports": [{"port": 1}]"#, ".spec.externalIPs[0]", "not an IP address"),
    (#""externalTrafficPolicy": "Local", "ports": [{"port": 1}]"#, ".spec.externalTrafficPolicy", "clients outside"),
    (#""externalTrafficPolicy": "Cluster", "ports": [{"port": 1}]"#, ".spec.externalTrafficPolicy", "clients outside"),
    (#""internalTrafficPolicy": "Near", "ports": [{"port": 1}]"#, ".spec.internalTrafficPolicy", "not one of"),
    (#""trafficDistribution": "PreferFar", "ports": [{"port": 1}]"#, ".spec.trafficDistribution", "PreferClose"),
    (#""healthCheckNodePort": 30000, "ports": [{"port": 1}]"#, ".spec.healthCheckNodePort", "only for the type"),
    (#""loadBalancerClass": "a", "ports": [{"port": 1}]"#, ".spec.loadBalancerClass", "only for the type"),
    (
      #""type": "LoadBalancer", "loadBalancerClass": "a b", "ports": [{"port": 1}]"#, ".spec.loadBalancerClass",
      "not a label key"
    ),
    (
      #""allocateLoadBalancerNodePorts": true, "ports": [{"port": 1}]"#, ".spec.allocateLoadBalancerNodePorts",
      "only for the type"
    ),
    (#""loadBalancerSourceRanges": ["10.0.0.0/8"], "ports": [{"port": 1}]"#, ".spec.loadBalancerSourceRanges", "only"),
    (
      #""type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "10.0.0.0"], "ports": [{"port": 1}]"#,
      ".spec.loadBalancerSourceRanges[1]", "not a block"
    ),
    (#""type": "ExternalName""#, ".spec.externalName", "is missing"),
    (#""type": "ExternalName", "externalName": "a..b""#, ".spec.externalName", "not a DNS subdomain"),
    (#""type": "ExternalName", "externalName": "a.b.", "clusterIP": "10.0.0.1""#, ".spec.clusterIPs", "not for"),
    (#""type": "ExternalName", "externalName": "a.b", "ipFamilies": ["IPv4"]"#, ".spec.ipFamilies", "not for"),
    (#""type": "ExternalName", "externalName": "a.b", "ipFamilyPolicy": "SingleStack""#, ".spec.ipFamilyPolicy", "not"),
  ])
  func `a wrong service is refused with its path`(spec: String, path: String, words: String) throws {
    let error = try #require(throws: ValidationError.self) { try service(spec) }
    #expect(error.path == path)
    #expect(error.message.contains(words), "\(error)")
  }

  @Test(arguments: [
    (#"[{"ip": "x"}]"#, ".status.loadBalancer.ingress[0].ip", "not an IP address"),
    (#"[{"hostname": "a", "ipMode": "VIP"}]"#, ".status.loadBalancer.ingress[0].ipMode", "only for an entry with ip"),
    (#"[{"ip": "10.0.0.1", "ipMode": "Tunnel"}]"#, ".status.loadBalancer.ingress[0].ipMode", "not one of VIP, Proxy"),
    (#"[{"hostname": "10.0.0.1"}]"#, ".status.loadBalancer.ingress[0].hostname", "is an address"),
    (#"[{"hostname": "a b"}]"#, ".status.loadBalancer.ingress[0].hostname", "not a DNS subdomain"),
    (#"[{"ports": [{"port": 0}]}]"#, ".status.loadBalancer.ingress[0].ports[0].port", "not a port number"),
    (#"[{"ports": [{"port": 1, "error": "a b"}]}]"#, ".status.loadBalancer.ingress[0].ports[0].error", "label key"),
    (#"[{"address": "x"}]"#, ".status.loadBalancer.ingress[0].address", "unknown field"),
  ])
  func `a wrong load balancer status is refused`(ingress: String, path: String, words: String) throws {
    let error = try #require(throws: ValidationError.self) {
      try service(
        #""type": "LoadBalancer", "ports": [{"port": 1}]"#, status: #"{"loadBalancer": {"ingress": \#(ingress)}}"#)
    }
    #expect(error.path == path)
    #expect(error.message.contains(words), "\(error)")
  }

  @Test func `only a load balancer has addresses of one`() throws {
    let error = try #require(throws: ValidationError.self) {
      try service(#""ports": [{"port": 1}]"#, status: #"{"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}"#)
    }
    #expect(error.path == ".status.loadBalancer.ingress")
  }

  @Test(arguments: [
    (
      #"{"service.beta.kubernetes.io/load-balancer-source-ranges": "10.0.0.0/8, 10.0.0.0"}"#,
      "load-balancer-source-ranges"
    ),
    (
      #"{"service.kubernetes.io/topology-mode": "Auto", "service.kubernetes.io/topology-aware-hints": "auto"}"#,
      "topology-mode"
    ),
  ])
  func `wrong annotations are refused`(annotations: String, name: String) throws {
    let error = try #require(throws: ValidationError.self) {
      try service(#""type": "LoadBalancer", "ports": [{"port": 1}]"#, annotations: annotations)
    }
    #expect(error.path.hasPrefix(#".metadata.annotations["service."#) && error.path.contains(name))
  }

  @Test func `a list of a million bad ports gives a bounded list of errors`() {
    let spec = Service.Spec(ports: Array(repeating: Service.Port(name: "a", port: 0), count: 100_000))
    let errors = Service(metadata: ObjectMeta(name: "a", namespace: "default"), spec: spec).validationErrors()
    #expect((1...200).contains(errors.count))
  }

  @Test func `a slice keeps hints for zones and nodes`() throws {
    let slice = try slice(
      #"""
      "ports": [{"name": "", "port": null}, {"name": "a", "appProtocol": "http"}], "endpoints": [
        {"addresses": ["10.0.0.1"], "nodeName": "n1", "zone": "a", "hostname": "web-0",
         "hints": {"forZones": [{"name": "a"}, {"name": "b"}], "forNodes": [{"name": "n1"}]},
         "deprecatedTopology": {"kubernetes.io/hostname": "n1"}}]
      """#)
    let endpoint = try #require(slice.endpoints.first)
    #expect(endpoint.hintedZones == ["a", "b"] && endpoint.hintedNodes == ["n1"])
    #expect(slice.ports.map(\.port) == [nil, nil])
    #expect(try roundTrip(slice) == slice)
  }

  @Test(arguments: [
    (#""endpoints": [{"addresses": []}]"#, ".endpoints[0].addresses", "at least one"),
    (#""endpoints": [{"addresses": ["10.0.0.1"], "nodeName": "A"}]"#, ".endpoints[0].nodeName", "DNS subdomain"),
    (#""endpoints": [{"addresses": ["10.0.0.1"], "hostname": "a.b"}]"#, ".endpoints[0].hostname", "DNS label"),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forZones": [{"name": "a"}, {"name": "a"}]}}]"#,
      ".endpoints[0].hints.forZones[1].name", "already"
    ),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forZones": [{"name": "a b"}]}}]"#,
      ".endpoints[0].hints.forZones[0].name", "not a label value"
    ),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forNodes": [{}, {}, {}, {}, {}, {}, {}, {}, {}]}}]"#,
      ".endpoints[0].hints.forNodes", "more than 8"
    ),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "hints": {"forRacks": []}}]"#, ".endpoints[0].hints.forRacks",
      "unknown field"
    ),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "deprecatedTopology": []}]"#, ".endpoints[0].deprecatedTopology",
      "must"
    ),
    (
      #""endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": "yes"}}]"#, ".endpoints[0].conditions.ready",
      "true or"
    ),
    (#""ports": [{"port": 0}]"#, ".ports[0].port", "not a port number"),
    (#""ports": [{"name": "A"}]"#, ".ports[0].name", "DNS label"),
    (#""ports": [{"port": 1}, {"port": 2}]"#, ".ports[1].name", "the same name"),
    (#""ports": [{"appProtocol": "a b"}]"#, ".ports[0].appProtocol", "label key"),
  ])
  func `a wrong slice is refused with its path`(fields: String, path: String, words: String) throws {
    let error = try #require(throws: ValidationError.self) { try slice(fields) }
    #expect(error.path == path)
    #expect(error.message.contains(words), "\(error)")
  }

  @Test func `a mapped address is no IPv6 address of a slice`() throws {
    let text = """
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "a"},
       "addressType": "IPv6", "endpoints": [{"addresses": ["::ffff:10.0.0.1"]}]}
      """
    #expect(throws: ValidationError.self) { try object(text) }
  }

  @Test func `a node that is being deleted, or is about to be, leaves`() throws {
    func node(_ metadata: String, _ spec: String = "") throws -> Node {
      let text = """
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1" \(metadata)}, "spec": {"x": 1 \(spec)}}
        """
      guard case .node(let node) = try object(text) else { throw ValidationError(path: "", message: "no node") }
      return node
    }
    let plain = try node(
      #", "labels": {"topology.kubernetes.io/zone": "a"}"#,
      #", "unschedulable": true, "taints": [{"key": "k", "effect": "NoSchedule", "timeAdded": "2026-01-01T00:00:00Z"}]"#
    )
    #expect(!plain.isLeaving && plain.zone == "a" && plain.spec.unschedulable)
    #expect(try roundTrip(plain) == plain)
    #expect(try node(#", "deletionTimestamp": "2026-01-01T00:00:00Z""#).isLeaving)
    let tainted = #", "taints": [{"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}]"#
    #expect(try node("", tainted).isLeaving)
    for (spec, path) in [
      (#", "podCIDRs": ["10.0.0.0"]"#, ".spec.podCIDRs[0]"),
      (#", "taints": [{"effect": "NoSchedule"}]"#, ".spec.taints[0].key"),
      (#", "taints": [{"key": "a", "effect": "Never"}]"#, ".spec.taints[0].effect"),
    ] {
      #expect(try #require(throws: ValidationError.self) { try node("", spec) }.path == path)
    }
  }

  @Test(arguments: [
    (#""ports": [{"containerPort": 0}]"#, ".spec.containers[0].ports[0].containerPort"),
    (#""ports": [{"containerPort": 1, "hostPort": 65536}]"#, ".spec.containers[0].ports[0].hostPort"),
    (#""ports": [{"containerPort": 1, "hostPort": 2}]"#, ".spec.containers[0].ports[0].hostPort"),
    (#""ports": [{"containerPort": 1, "hostIP": "x"}]"#, ".spec.containers[0].ports[0].hostIP"),
    (#""ports": [{"containerPort": 1, "name": "a--b"}]"#, ".spec.containers[0].ports[0].name"),
    (
      #""ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]"#,
      ".spec.containers[0].ports[1].name"
    ),
  ])
  func `a wrong container port is refused with its path`(container: String, path: String) throws {
    let text = """
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"hostNetwork": true, "containers": [{"name": "c", \(container)}]}}
      """
    #expect(try #require(throws: ValidationError.self) { try object(text) }.path == path)
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0, 0), ("2026-11-29T09:11:47Z", 1_795_943_507, 0),
    ("2000-02-29T23:59:59Z", 951_868_799, 0),
    ("1969-12-31T23:59:59.25Z", -1, 250_000_000), ("2026-11-29T10:11:47+01:00", 1_795_943_507, 0),
    ("0001-01-01T00:00:00Z", -62_135_596_800, 0), ("9999-12-31T23:59:59.123456789Z", 253_402_300_799, 123_456_789),
  ])
  func `times are read and written`(text: String, seconds: Int64, nanoseconds: UInt32) throws {
    let time = try #require(Timestamp(text))
    #expect(time == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    #expect(Timestamp(time.description) == time)
    if text.hasSuffix("Z") { #expect(time.description == text) }
  }

  @Test(arguments: [
    "", "2026-11-29", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+25:00",
  ])
  func `what is no time is refused`(text: String) { #expect(Timestamp(text) == nil) }

  @Test func `objects keep the time they were made at, and are put in order by it`() throws {
    let text = """
      {"apiVersion": "v1", "kind": "Namespace",
       "metadata": {"name": "a", "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": null}}
      """
    guard case .namespace(let namespace) = try object(text) else { return #expect(Bool(false)) }
    #expect(namespace.metadata.creationTimestamp?.description == "2026-01-02T03:04:05Z")
    #expect(try roundTrip(namespace) == namespace)
    let early = try #require(Timestamp("2026-01-02T03:04:05Z"))
    let late = try #require(Timestamp("2026-01-02T03:04:05.000000001Z"))
    #expect(early < late)
  }
}
