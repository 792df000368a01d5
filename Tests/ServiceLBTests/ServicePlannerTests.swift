// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import ServiceLB
import Testing

@Suite("Service planning")
struct ServicePlannerTests {
  @Test func `a service of two ports with slices becomes text`() {
    let table = ServicePlanner(nodeName: "node-a").plan(
      services: [
        service(
          "web",
          ports: [Service.Port(name: "http", port: 80), Service.Port(name: "dns", protocol: .udp, port: 53)])
      ],
      endpointSlices: [
        slice(
          of: "web", [endpoint("10.0.0.2", node: "node-b"), endpoint("10.0.0.9", ready: true, node: "node-a")],
          ports: [
            EndpointSlice.Port(name: "http", port: 8080), EndpointSlice.Port(name: "dns", protocol: .udp, port: 5353),
          ]),
        slice(of: "web", suffix: "2", [endpoint("10.0.0.3")], ports: [EndpointSlice.Port(name: "http", port: 8081)]),
        slice(of: "other", [endpoint("10.0.0.77")]),
      ])
    #expect(
      table.description == """
        default/web:dns
          10.96.0.10:53/UDP
            -> 10.0.0.9:5353 local
            -> 10.0.0.2:5353
        default/web:http
          10.96.0.10:80/TCP
            -> 10.0.0.9:8080 local
            -> 10.0.0.2:8080
            -> 10.0.0.3:8081
        """)
  }

  @Test func `the order of the objects does not change the table`() {
    let services = [service("a"), service("b", clusterIPs: ["10.96.0.11"]), service("c")]
    let slices = [
      slice(of: "a", [endpoint("10.0.0.1")]), slice(of: "a", suffix: "2", [endpoint("10.0.0.2", ready: false)]),
      slice(of: "b", [endpoint("10.0.0.3")]),
    ]
    let planner = ServicePlanner()
    #expect(
      planner.plan(services: services, endpointSlices: slices)
        == planner.plan(services: services.reversed(), endpointSlices: slices.reversed()))
  }

  @Test func `ports match by name and protocol`() {
    let table = ServicePlanner().plan(
      services: [service("web", ports: [Service.Port(name: "http", port: 80)])],
      endpointSlices: [
        slice(of: "web", [endpoint("10.0.0.1")], ports: [EndpointSlice.Port(name: "other", port: 1)]),
        slice(of: "web", suffix: "2", [endpoint("10.0.0.1")], ports: [EndpointSlice.Port(port: 2)]),
        slice(
          of: "web", suffix: "3", [endpoint("10.0.0.1")],
          ports: [EndpointSlice.Port(name: "http", protocol: .udp, port: 3)]),
      ])
    #expect(table.entries.map(\.backends) == [[]])
    #expect(table.description.contains("connection refused (no endpoint)"))
  }

  @Test func `readiness that is not said is readiness, and an endpoint that is not ready is no backend`() throws {
    let table = ServicePlanner().plan(
      services: [service("web")],
      endpointSlices: [
        slice(of: "web", [endpoint("10.0.0.1"), endpoint("10.0.0.2", ready: false), endpoint("10.0.0.3", ready: true)])
      ])
    #expect(table.entries.first?.backends == [try backend("10.0.0.1:8080"), try backend("10.0.0.3:8080")])
  }

  @Test func `an endpoint in two slices is one backend, ready if either says so`() throws {
    let table = ServicePlanner().plan(
      services: [service("web")],
      endpointSlices: [
        slice(of: "web", [endpoint("10.0.0.1", ready: false)]),
        slice(of: "web", suffix: "2", [endpoint("10.0.0.1", ready: true), endpoint("10.0.0.1", ready: true)]),
      ])
    #expect(table.entries.first?.backends == [try backend("10.0.0.1:8080")])
  }

  @Test func `terminating endpoints serve only when no other is ready`() throws {
    let terminating = endpoint("10.0.0.1", ready: false, serving: true, terminating: true)
    let dead = endpoint("10.0.0.2", ready: false, serving: false, terminating: true)
    let planner = ServicePlanner()
    let alone = planner.plan(services: [service("web")], endpointSlices: [slice(of: "web", [terminating, dead])])
    #expect(alone.entries.first?.backends == [try backend("10.0.0.1:8080")])
    let together = planner.plan(
      services: [service("web")], endpointSlices: [slice(of: "web", [terminating, endpoint("10.0.0.3")])])
    #expect(together.entries.first?.backends == [try backend("10.0.0.3:8080")])
  }

  @Test func `headless and external-name services are no entry and no note`() {
    let table = ServicePlanner().plan(
      services: [
        service("headless", clusterIPs: ["None"]), service("name", clusterIPs: [], type: .externalName),
        service("labelled", labels: [ServicePlanner.headlessLabel: ""]),
      ], endpointSlices: [])
    #expect(table == ServiceTable())
  }

  @Test func `a service of another proxy is left alone and said to be`() {
    let table = ServicePlanner().plan(
      services: [service("web", labels: [ServicePlanner.otherProxyLabel: "mesh"])],
      endpointSlices: [slice(of: "web", [endpoint("10.0.0.1")])])
    #expect(table.entries.isEmpty)
    #expect(table.notes.map(\.description).first?.contains("\"mesh\"") == true)
  }

  @Test func `what is not supported is served as far as it goes, with a note`() {
    var affine = service("web", clusterIPs: ["10.96.0.10", "fd00::10"], type: .loadBalancer)
    affine.spec.sessionAffinity = .clientIP
    affine.spec.internalTrafficPolicy = .local
    affine.spec.externalIPs = ["203.0.113.1"]
    affine.spec.trafficDistribution = "PreferClose"
    affine.spec.ports.append(Service.Port(name: "sctp", protocol: .sctp, port: 9))
    let table = ServicePlanner().plan(
      services: [affine],
      endpointSlices: [
        slice(of: "web", [endpoint("10.0.0.1")]), slice(of: "web", suffix: "6", type: .ipv6, [endpoint("fd00::1")]),
      ])
    #expect(
      table.description == """
        default/web
          10.96.0.10:80/TCP
            -> 10.0.0.1:8080
        note: EndpointSlice default/web-6: its IPv6 endpoints are not served yet, only IPv4 is
        note: Service default/web: cluster IP fd00::10: IPv6 is not served yet, only the IPv4 address is
        note: Service default/web: external IPs are not served yet: only the cluster IP is
        note: Service default/web: internalTrafficPolicy Local is not supported yet: endpoints of all nodes are used
        note: Service default/web: load balancer addresses are not served yet: only the cluster IP is
        note: Service default/web: node ports are not served yet: only the cluster IP is
        note: Service default/web: port 9/SCTP: only TCP and UDP are served, the port is left out
        note: Service default/web: sessionAffinity ClientIP is not supported yet: each connection is placed anew
        note: Service default/web: trafficDistribution PreferClose is not supported yet: all endpoints are used alike
        """)
  }

  @Test func `two services on one address and port: the first by name has it`() throws {
    let table = ServicePlanner().plan(
      services: [service("zebra"), service("ant")], endpointSlices: [slice(of: "zebra", [endpoint("10.0.0.1")])])
    #expect(table.entries.map(\.name.service) == ["ant"])
    #expect(
      table.notes.map(\.description) == [
        "Service default/zebra: 10.96.0.10:80/TCP belongs to default/ant, first by name: here it is left out"
      ])
  }

  @Test func `one number for TCP and UDP is two frontends`() {
    let table = ServicePlanner().plan(
      services: [
        service(
          "dns",
          ports: [Service.Port(name: "tcp", port: 53), Service.Port(name: "udp", protocol: .udp, port: 53)])
      ], endpointSlices: [])
    #expect(table.entries.flatMap(\.frontends).map(\.description) == ["10.96.0.10:53/TCP", "10.96.0.10:53/UDP"])
    #expect(table.notes.isEmpty)
  }

  @Test func `bad numbers and addresses are left out by name`() {
    let table = ServicePlanner().plan(
      services: [
        service(
          "web", clusterIPs: ["10.96.0.300", "10.96.0.10"], ports: [Service.Port(port: 80), Service.Port(port: 0)]),
        service("pending", clusterIPs: []),
      ],
      endpointSlices: [
        slice(
          of: "web", [endpoint("pod-1"), EndpointSlice.Endpoint(addresses: [])],
          ports: [EndpointSlice.Port(port: 8080), EndpointSlice.Port()])
      ])
    #expect(
      table.notes.map(\.description) == [
        "EndpointSlice default/web-1: \"pod-1\" is not an IPv4 address: the endpoint is left out",
        "EndpointSlice default/web-1: port \"\" has no number in 1...65535: its endpoints are left out",
        "Service default/pending: has no cluster IP yet: nothing is served",
        "Service default/web: cluster IP \"10.96.0.300\" is not an IP address: it is left out",
        "Service default/web: port 0 is not in 1...65535: it is left out",
      ])
  }

  @Test func `endpoints beyond what a word can count are left out with a note`() {
    let many = (0..<(ServiceEntry.maximumBackends + 2)).map { endpoint("10.1.\($0 / 256).\($0 % 256)") }
    let table = ServicePlanner().plan(services: [service("web")], endpointSlices: [slice(of: "web", many)])
    #expect(table.entries.first?.backends.count == ServiceEntry.maximumBackends)
    #expect(table.notes.count == 1)
  }
}
