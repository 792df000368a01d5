// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import SeededRandom
import ServiceLB
import Testing

/// Rows of the checklist about many objects together: conflicts, slices as a set, redirects, annotations.
@Suite("Service planning: objects together")
struct PlannerSetTests {
  @Test func `row 34: the oldest service has a contested address, and the other is told`() {
    let table = plan([
      Make.service("a", clusterIPs: ["10.96.0.11"], created: "2026-02-01T00:00:00Z") {
        $0.externalIPs = ["198.51.100.7"]
      },
      Make.service("b", clusterIPs: ["10.96.0.12"], created: "2026-01-01T00:00:00Z") {
        $0.externalIPs = ["198.51.100.7"]
      },
    ])
    #expect(
      table.entries.map(\.frontendText) == [
        ["10.96.0.11:80/TCP"], ["10.96.0.12:80/TCP", "198.51.100.7:80/TCP externalIP"],
      ])
    #expect(
      table.notes.map(\.description) == [
        "Service default/a: 198.51.100.7:80/TCP externalIP belongs to default/b, which is older: it is left out"
      ])
  }

  @Test func `row 34: of two as old the first by name has it, and one that does not say its age comes last`() {
    func owner(_ first: String?, _ second: String?) -> String? {
      plan([
        Make.service("b", clusterIPs: ["10.96.0.10"], created: second),
        Make.service("a", clusterIPs: ["10.96.0.10"], created: first),
      ]).entries.first?.name.service
    }
    #expect(owner(nil, nil) == "a")
    #expect(owner("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z") == "a")
    #expect(owner(nil, "2026-01-01T00:00:00Z") == "b")
    #expect(owner("2026-01-01T00:00:00Z", nil) == "a")
  }

  @Test func `row 34: services may share an address at different ports and protocols`() {
    let table = plan([
      Make.service("a", clusterIPs: ["10.96.0.11"]) { $0.externalIPs = ["198.51.100.7"] },
      Make.service("b", clusterIPs: ["10.96.0.12"], ports: [Service.Port(port: 81)]) {
        $0.externalIPs = ["198.51.100.7"]
      },
      Make.service("c", clusterIPs: ["10.96.0.13"], ports: [Service.Port(protocol: .udp, port: 80)]) {
        $0.externalIPs = ["198.51.100.7"]
      },
    ])
    #expect(table.entries.allSatisfy { $0.frontends.count == 2 } && table.notes.isEmpty)
  }

  @Test func `row 34: an address that a service has twice is there once, guarded by source ranges`() throws {
    let service = Make.service(type: .loadBalancer, ingress: [Service.Ingress(ip: "198.51.100.7")]) {
      $0.externalIPs = ["198.51.100.7", "198.51.100.7"]
      $0.loadBalancerSourceRanges = ["10.0.0.0/8"]
    }
    #expect(try plan([service]).only().frontendText == ["10.96.0.10:80/TCP", "198.51.100.7:80/TCP loadBalancer"])
  }

  @Test func `row 34: pods' host ports and services contest the same addresses`() {
    let pod = Make.pod(ports: [Pod.ContainerPort(containerPort: 8080, hostPort: 80)])
    let service = Make.service(created: "2026-01-01T00:00:00Z") { $0.externalIPs = ["192.168.0.1"] }
    let table = plan([service], pods: [pod])
    #expect(table.entries.map(\.name.description) == ["default/web"])
    #expect(table.notes.map(\.subject) == ["Pod default/p"])
  }

  @Test func `row 35: an endpoint that several slices list is one backend, ready and local if any says so`() throws {
    let slices = [
      Make.slice([Make.endpoint("10.0.0.1", "serving")]),
      Make.slice([Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.1", "not-ready")], suffix: "2"),
      Make.slice([Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.2", "serving")], suffix: "3"),
    ]
    for order in [slices, slices.reversed()] {
      let entry = try plan([Make.service { $0.internalTrafficPolicy = .local }], order).only()
      #expect(
        entry.backends.map(\.description) == ["10.0.0.1:8080 local", "10.0.0.2:8080 terminating"])
      #expect(entry.localText == ["10.0.0.1:8080"])
    }
  }

  @Test func `row 35: slices may have different ports for one port of the service`() throws {
    let slices = [
      Make.slice([Make.endpoint("10.0.0.1")], ports: [EndpointSlice.Port(port: 8081)]),
      Make.slice([Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.0")], suffix: "2"),
    ]
    #expect(
      try plan([Make.service()], slices).only().clusterText == ["10.0.0.0:8080", "10.0.0.1:8080", "10.0.0.1:8081"])
  }

  @Test func `row 35: only an endpoint's first address counts`() throws {
    var endpoint = Make.endpoint("10.0.0.1")
    endpoint.addresses.append("10.0.0.2")
    #expect(try plan([Make.service()], [Make.slice([endpoint])]).only().clusterText == ["10.0.0.1:8080"])
  }

  @Test func `row 35: slices of names, and ports without a number, are said and left out`() throws {
    let table = plan(
      [Make.service()],
      [
        Make.slice([Make.endpoint("web.example")], type: .fqdn),
        Make.slice([Make.endpoint("10.0.0.1")], suffix: "2", ports: [EndpointSlice.Port()]),
        Make.slice([Make.endpoint("10.0.0.2")], suffix: "3", ports: []),
      ])
    #expect(try table.only().cluster.isEmpty)
    #expect(table.notes.map(\.subject) == ["EndpointSlice default/web-1", "EndpointSlice default/web-2"])
  }

  @Test func `row 36: a service may have thousands of endpoints`() throws {
    let slices = (0..<53).map { slice in
      Make.slice(
        (0..<100).map { Make.endpoint("10.1.\(slice).\($0)", node: $0 == 0 ? "here" : nil) }, suffix: "\(slice)")
    }
    let entry = try plan([Make.service { $0.internalTrafficPolicy = .local }], slices).only()
    #expect(entry.cluster == Array(0..<5300))
    #expect(entry.local.count == 53)
    #expect(entry.backends == entry.backends.sorted { $0.key < $1.key })
  }

  @Test func `row 38: a redirected service is served by the other's endpoints on this node, while one is ready`() throws
  {
    let dns = Make.service(
      "dns", ports: [Service.Port(name: "dns", protocol: .udp, port: 53)],
      annotations: [ServiceAnnotation.localRedirect: "cache"])
    let cache = Make.service("cache", clusterIPs: ["None"])
    let port = [EndpointSlice.Port(name: "dns", protocol: .udp, port: 5353)]
    let own = Make.slice([Make.endpoint("10.0.0.1")], of: "dns", ports: port)
    let there = Make.slice(
      [Make.endpoint("10.0.0.2", node: "here"), Make.endpoint("10.0.0.3", node: "there")], of: "cache", ports: port)
    let redirected = try plan([dns, cache], [own, there]).only()
    #expect(redirected.isLocalRedirect && redirected.clusterText == ["10.0.0.2:5353"])
    let ends = Make.slice([Make.endpoint("10.0.0.2", "serving", node: "here")], of: "cache", ports: port)
    let direct = try plan([dns, cache], [own, ends]).only()
    #expect(!direct.isLocalRedirect && direct.clusterText == ["10.0.0.1:5353"])
    let bad = plan([Make.service(annotations: [ServiceAnnotation.localRedirect: "a/b/c"])])
    #expect(bad.messages.count == 1)
  }

  @Test(arguments: [
    ("random", ServiceAlgorithm.random), ("maglev", .maglev(tableSize: 16381)),
    ("maglev-65521", .maglev(tableSize: 65521)), ("least-load", .leastLoad),
  ])
  func `a service chooses its algorithm`(text: String, algorithm: ServiceAlgorithm) throws {
    let table = plan([Make.service(annotations: [ServiceAnnotation.algorithm: text])]) { $0.algorithm = .leastLoad }
    #expect(try table.only().algorithm == algorithm)
    #expect(table.notes.isEmpty)
  }

  @Test func `a bad annotation is said, and the default holds`() throws {
    let table = plan([
      Make.service(annotations: [ServiceAnnotation.algorithm: "rr", ServiceAnnotation.forwarding: "tunnel"])
    ]) {
      $0.algorithm = .leastLoad
      $0.isDirectReturn = true
    }
    #expect(try table.only().algorithm == .leastLoad)
    #expect(try table.only().isDirectReturn)
    #expect(table.messages.count == 2)
  }

  @Test func `a service chooses how replies go back`() throws {
    #expect(try plan([Make.service(annotations: [ServiceAnnotation.forwarding: "dsr"])]).only().isDirectReturn)
    let back = plan([Make.service(annotations: [ServiceAnnotation.forwarding: "snat"])]) { $0.isDirectReturn = true }
    #expect(try !back.only().isDirectReturn)
  }

  @Test func `row 39: weights come from the slice, by address, pod or for all, and bad ones are said`() throws {
    let slice = Make.slice(
      [Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.2", pod: "web-0"), Make.endpoint("10.0.0.3")],
      annotations: [ServiceAnnotation.weights: "2, 10.0.0.1 = 0,web-0=65535,=1,x=y,70000"])
    let table = plan([Make.service(annotations: [ServiceAnnotation.algorithm: "maglev"])], [slice])
    #expect(try table.only().backends.map(\.weight) == [0, 65535, 2])
    #expect(table.notes.count == 3)
  }

  @Test func `row 39: weights without Maglev are said and do not count`() throws {
    let slice = Make.slice([Make.endpoint("10.0.0.1")], annotations: [ServiceAnnotation.weights: "7"])
    let table = plan([Make.service()], [slice])
    #expect(try table.only().backends.map(\.weight) == [1])
    #expect(table.messages.count == 1)
  }

  @Test func `the order of the objects does not change the table`() {
    var random = SeededGenerator(seed: 7)
    let cluster = RandomCluster(&random, services: 40)
    let planner = ServicePlanner(nodeName: "here")
    let table = planner.plan(
      services: cluster.services, endpointSlices: cluster.slices, nodes: cluster.nodes, pods: cluster.pods)
    for _ in 0..<5 {
      #expect(
        planner.plan(
          services: cluster.services.shuffled(using: &random),
          endpointSlices: cluster.slices.shuffled(using: &random), nodes: cluster.nodes,
          pods: cluster.pods.shuffled(using: &random)) == table)
    }
  }
}
