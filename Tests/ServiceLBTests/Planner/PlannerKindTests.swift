// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB
import Testing

/// Rows of the checklist of kube-proxy's features that say where a service answers.
@Suite("Service planning: kinds of services")
struct PlannerKindTests {
  @Test func `row 1: a cluster IP leads to the ready endpoints of the port's name and protocol`() {
    let table = plan(
      [
        Make.service(
          ports: [Service.Port(name: "http", port: 80), Service.Port(name: "dns", protocol: .udp, port: 53)])
      ],
      [
        Make.slice(
          [
            Make.endpoint("10.0.0.9", node: "here"), Make.endpoint("10.0.0.2", node: "there"),
            Make.endpoint("10.0.0.3", "not-ready"), Make.endpoint("10.0.0.4", "unknown"),
          ],
          ports: [
            EndpointSlice.Port(name: "http", port: 8080), EndpointSlice.Port(name: "dns", protocol: .udp, port: 5353),
            EndpointSlice.Port(name: "http2", port: 1), EndpointSlice.Port(name: "dns2", protocol: .tcp, port: 2),
          ]),
        Make.slice([Make.endpoint("10.0.0.77")], of: "other", ports: [EndpointSlice.Port(name: "http", port: 8080)]),
        Make.slice([Make.endpoint("10.0.0.78")], ports: [EndpointSlice.Port(name: "http", port: 80)], namespace: "x"),
      ])
    #expect(
      table.description == """
        default/web:dns IPv4
          10.96.0.10:53/UDP
            -> 10.0.0.2:5353 (cluster)
            -> 10.0.0.4:5353 (cluster)
            -> 10.0.0.9:5353 local (cluster)
        default/web:http IPv4
          10.96.0.10:80/TCP
            -> 10.0.0.2:8080 (cluster)
            -> 10.0.0.4:8080 (cluster)
            -> 10.0.0.9:8080 local (cluster)
        node addresses 192.168.0.1
        """)
  }

  @Test func `row 2: a headless service has nothing to serve`() {
    let table = plan([Make.service(clusterIPs: ["None"])], [Make.slice([Make.endpoint("10.0.0.1")])])
    #expect(table.entries.isEmpty && table.notes.isEmpty)
  }

  @Test func `row 3: an ExternalName service has nothing to serve, whatever addresses it has`() {
    let table = plan([Make.service(type: .externalName)], [Make.slice([Make.endpoint("10.0.0.1")])])
    #expect(table.entries.isEmpty && table.notes.isEmpty)
  }

  @Test func `row 4: a node port is served at any address of the node`() throws {
    let table = plan(
      [Make.service(type: .nodePort, ports: [Service.Port(port: 80, nodePort: 30080)])],
      [Make.slice([Make.endpoint("10.0.0.1")])])
    #expect(try table.only().frontendText == ["0.0.0.0:30080/TCP nodePort", "10.96.0.10:80/TCP"])
    #expect(table.nodeAddresses.map(\.description) == ["192.168.0.1"])
  }

  @Test func `row 4: a load balancer without node ports has none`() throws {
    let ingress = [Service.Ingress(ip: "203.0.113.1", ipMode: .vip)]
    let service = Make.service(type: .loadBalancer, ingress: ingress) { $0.allocateLoadBalancerNodePorts = false }
    #expect(try plan([service]).only().frontendText == ["10.96.0.10:80/TCP", "203.0.113.1:80/TCP loadBalancer"])
  }

  @Test func `row 5: external IPs are served to everyone, to those outside, or to no one`() throws {
    let service = Make.service { $0.externalIPs = ["192.168.0.1", "198.51.100.7"] }
    #expect(
      try plan([service]).only().frontendText == [
        "10.96.0.10:80/TCP", "192.168.0.1:80/TCP externalIP", "198.51.100.7:80/TCP externalIP",
      ])
    #expect(
      try plan([service]) { $0.externalIPs = .servedOutside }.only().frontendText == [
        "10.96.0.10:80/TCP", "192.168.0.1:80/TCP externalIP",
        "198.51.100.7:80/TCP externalIP for clients outside only",
      ])
    let ignored = plan([service]) { $0.externalIPs = .ignored }
    #expect(try ignored.only().frontendText == ["10.96.0.10:80/TCP"])
    #expect(ignored.messages == ["external IPs are not served on this node"])
  }

  @Test func `row 6: load balancer addresses are served, but not those of mode Proxy, and no names`() throws {
    let ingress = [
      Service.Ingress(ip: "203.0.113.1"), Service.Ingress(ip: "203.0.113.2", ipMode: .vip),
      Service.Ingress(ip: "203.0.113.3", ipMode: .proxy), Service.Ingress(hostname: "lb.example"),
      Service.Ingress(ip: "2001:db8::1", ipMode: .vip),
    ]
    let table = plan([Make.service(type: .loadBalancer, ingress: ingress)])
    #expect(
      try table.only().frontendText == [
        "10.96.0.10:80/TCP", "203.0.113.1:80/TCP loadBalancer", "203.0.113.2:80/TCP loadBalancer",
      ])
    #expect(table.notes.isEmpty)
  }

  @Test func `row 14: source ranges come from the field, with blanks, or from the annotation`() throws {
    let ingress = [Service.Ingress(ip: "203.0.113.1", ipMode: .vip)]
    let annotations = [Service.sourceRangesAnnotation: " 10.1.0.0/16 , 10.2.3.4/24"]
    let fromField = Make.service(type: .loadBalancer, annotations: annotations, ingress: ingress) {
      $0.loadBalancerSourceRanges = [" 192.0.2.0/24\t", "2001:db8::/32", "192.0.2.7/24"]
    }
    #expect(try plan([fromField]).only().sourceRanges.map(\.description) == ["192.0.2.0/24"])
    let fromAnnotation = Make.service(type: .loadBalancer, annotations: annotations, ingress: ingress)
    #expect(try plan([fromAnnotation]).only().sourceRanges.map(\.description) == ["10.1.0.0/16", "10.2.3.0/24"])
  }

  @Test func `row 14: without a good range the load balancer's address is not served; a family without one is open`()
    throws
  {
    let ingress = [Service.Ingress(ip: "203.0.113.1"), Service.Ingress(ip: "2001:db8::1")]
    let bad = Make.service(type: .loadBalancer, ingress: ingress) { $0.loadBalancerSourceRanges = ["10.0.0.0"] }
    let closed = plan([bad])
    #expect(try closed.only().frontendText == ["10.96.0.10:80/TCP"])
    #expect(closed.messages.contains("no source range is a block: its load balancer addresses are not served"))
    let half = Make.service(type: .loadBalancer, clusterIPs: ["10.96.0.10", "fd00::10"], ingress: ingress) {
      $0.loadBalancerSourceRanges = ["10.0.0.0/8"]
    }
    let open = plan([half])
    #expect(open.entries.map { $0.sourceRanges.map(\.description) } == [["10.0.0.0/8"], []])
    #expect(open.messages == ["no source range is of IPv6: IPv6 clients of the load balancer are not restricted"])
  }

  @Test func `row 21: a port that no service has is no frontend`() throws {
    let table = plan([Make.service(type: .loadBalancer, ingress: [Service.Ingress(ip: "203.0.113.1")])])
    #expect(Set(try table.only().frontends.map(\.port.rawValue)) == [80])
  }

  @Test func `row 21: services' addresses are those that the node has not itself`() throws {
    var table = plan([
      Make.service(
        type: .loadBalancer, clusterIPs: ["10.96.0.10"], ports: [Service.Port(port: 80, nodePort: 30080)],
        ingress: [Service.Ingress(ip: "203.0.113.1")]
      ) { $0.externalIPs = ["198.51.100.7"] }
    ])
    let addresses = ["10.96.0.10", "203.0.113.1", "198.51.100.7"].compactMap { IPAddress($0) }
    #expect(addresses.count == 3 && table.serviceAddresses == Set(addresses))
    table.nodeAddresses = [addresses[2]]
    #expect(table.serviceAddresses == Set(addresses[..<2]))
  }

  @Test func `row 22: each family has an entry of its own, with the endpoints of its slices`() {
    let table = plan(
      [
        Make.service(
          type: .loadBalancer, clusterIPs: ["fd00::10", "10.96.0.10"],
          ports: [Service.Port(port: 80, nodePort: 30080)], ingress: [Service.Ingress(ip: "2001:db8::1")]
        ) { $0.externalIPs = ["198.51.100.7"] }
      ],
      [
        Make.slice([Make.endpoint("10.0.0.1")]),
        Make.slice([Make.endpoint("fd01::1")], suffix: "6", type: .ipv6),
      ])
    #expect(
      table.description == """
        default/web IPv4
          0.0.0.0:30080/TCP nodePort
          10.96.0.10:80/TCP
          198.51.100.7:80/TCP externalIP
            -> 10.0.0.1:8080 (cluster)
        default/web IPv6
          [::]:30080/TCP nodePort
          [2001:db8::1]:80/TCP loadBalancer
          [fd00::10]:80/TCP
            -> [fd01::1]:8080 (cluster)
        node addresses 192.168.0.1
        """)
  }

  @Test func `row 22: addresses of a family without a cluster IP are not served`() throws {
    let table = plan([Make.service { $0.externalIPs = ["2001:db8::7"] }])
    #expect(try table.only().family == .ipv4)
    #expect(table.messages == ["external IP 2001:db8::7 is not served: the Service has no IPv6 cluster IP"])
  }

  @Test func `row 33: services and slices of another proxy, or labelled headless, are left alone`() {
    let proxy = [ServiceAnnotation.otherProxyLabel: "mesh"]
    let headless = [ServiceAnnotation.headlessLabel: ""]
    let table = plan(
      [
        Make.service("a", labels: proxy), Make.service("b", clusterIPs: ["10.96.0.11"], labels: headless),
        Make.service("c", clusterIPs: ["10.96.0.12"]),
      ],
      [
        Make.slice([Make.endpoint("10.0.0.1")], of: "c", labels: headless),
        Make.slice([Make.endpoint("10.0.0.2")], of: "c", suffix: "2", labels: proxy),
        Make.slice([Make.endpoint("10.0.0.3")], of: "c", suffix: "3"),
      ])
    #expect(table.entries.map(\.clusterText) == [["10.0.0.3:8080"]])
    #expect(table.notes.map(\.subject) == ["Service default/a"])
  }

  @Test func `row 24: of SCTP only what keeps its port is served`() throws {
    let table = plan(
      [Make.service(type: .nodePort, ports: [Service.Port(protocol: .sctp, port: 36412, nodePort: 30412)])],
      [
        Make.slice(
          [Make.endpoint("10.0.0.1"), Make.endpoint("10.0.0.2")],
          ports: [EndpointSlice.Port(protocol: .sctp, port: 36412)]),
        Make.slice(
          [Make.endpoint("10.0.0.3")], suffix: "2", ports: [EndpointSlice.Port(protocol: .sctp, port: 36413)]),
      ])
    #expect(try table.only().frontendText == ["10.96.0.10:36412/SCTP"])
    #expect(try table.only().clusterText == ["10.0.0.1:36412", "10.0.0.2:36412"])
    #expect(table.notes.count == 2)
    #expect(table.messages.allSatisfy { $0.contains("SCTP ports cannot be rewritten") })
  }

  @Test func `a service whose cluster IP is not there yet is served at nothing`() {
    let table = plan([Make.service(clusterIPs: []) { $0.externalIPs = ["198.51.100.7"] }])
    #expect(table.entries.isEmpty)
    #expect(table.messages == ["has no cluster IP yet: nothing is served"])
  }

  @Test func `what no API server would let through is said, never trapped on`() {
    let service = Make.service(
      type: .nodePort, clusterIPs: ["10.96.0.10", "10.96.0.11", "x", "::ffff:10.0.0.1"],
      ports: [
        Service.Port(name: "a", port: 0), Service.Port(name: "b", port: 80, nodePort: 70000),
        Service.Port(name: "b", port: 81), Service.Port(name: "c", port: 70000),
      ]
    ) {
      $0.externalIPs = ["nowhere"]
      $0.sessionAffinity = .clientIP
      $0.sessionAffinityTimeoutSeconds = -1
    }
    let table = plan(
      [service],
      [
        Make.slice(
          [Make.endpoint("fd00::1"), Make.endpoint("300.0.0.1"), EndpointSlice.Endpoint(addresses: [])],
          ports: [EndpointSlice.Port(name: "b", port: 0), EndpointSlice.Port(name: "b", port: 9)])
      ])
    #expect(table.entries.map(\.frontendText) == [["10.96.0.10:80/TCP"]])
    #expect(table.entries.first?.affinitySeconds == 10800)
    #expect(table.notes.count == 12, "\(table)")
  }
}
