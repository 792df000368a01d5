// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import ServiceLB
import Testing

/// Rows of the checklist about the node: its addresses, its pods' host ports, its health checks.
@Suite("Service planning: the node")
struct PlannerNodeTests {
  private let node = Make.node(addresses: [
    ("Hostname", "10.9.9.9"), ("ExternalIP", "203.0.113.9"), ("InternalIP", "192.168.0.1"),
    ("InternalIP", "192.168.0.2"), ("InternalIP", "fd00::1"), ("InternalIP", "nonsense"),
  ])

  private func addresses(_ change: (inout ServicePlannerOptions) -> Void = { _ in }) -> [String] {
    plan([], nodes: [node, Make.node("there", addresses: [("InternalIP", "192.168.0.77")])], change).nodeAddresses
      .map(\.description)
  }

  @Test func `row 30: node ports are served at all addresses of the node`() {
    #expect(addresses() == ["192.168.0.1", "192.168.0.2", "203.0.113.9", "fd00::1"])
  }

  @Test func `row 30: or at the primary ones`() {
    #expect(addresses { $0.nodePortAddresses = .primary } == ["192.168.0.1", "fd00::1"])
  }

  @Test func `row 30: or at those in blocks, and at all of a family that no block is of`() throws {
    let block = try #require(IPCIDR("192.168.0.2/31"))
    #expect(addresses { $0.nodePortAddresses = .blocks([block]) } == ["192.168.0.2", "fd00::1"])
    let zero = try #require(IPCIDR("0.0.0.0/0"))
    #expect(
      addresses { $0.nodePortAddresses = .blocks([zero]) }
        == ["192.168.0.1", "192.168.0.2", "203.0.113.9", "fd00::1"])
  }

  @Test func `row 30: blocks without an address of the node are said`() throws {
    let block = try #require(IPCIDR("10.0.0.0/8"))
    let table = plan([]) { $0.nodePortAddresses = .blocks([block]) }
    #expect(table.nodeAddresses.isEmpty)
    #expect(
      table.notes.map(\.description) == [
        "Node here: has no IPv4 address in the blocks for node ports: none are served there"
      ])
    #expect(plan([], nodes: []) { $0.nodePortAddresses = .primary }.notes.count == 1)
  }

  @Test func `row 28: loopback addresses are no addresses of the node: sockets of its own reach node ports there`() {
    let links = ["127.0.0.1", "::1", "224.0.0.1", "0.0.0.0", "ff02::1", "::", "10.5.0.1", "fe80::1"]
    #expect(
      addresses { $0.interfaceAddresses = links.compactMap { IPAddress($0) } } == ["10.5.0.1", "fe80::1"])
  }

  @Test func `row 31: a host port is served at the node's addresses, by the pod`() {
    let pod = Make.pod(
      ports: [
        Pod.ContainerPort(containerPort: 8080, hostPort: 80),
        Pod.ContainerPort(containerPort: 53, protocol: .udp, hostPort: 53, hostIP: "192.168.0.2"),
        Pod.ContainerPort(containerPort: 9),
      ], addresses: ["10.0.0.5", "fd01::5"])
    #expect(
      plan([], nodes: [node], pods: [pod]).entries.map(\.description).joined(separator: "\n") == """
        default/pod/p:53/UDP@192.168.0.2 IPv4
          192.168.0.2:53/UDP hostPort
            -> 10.0.0.5:53 local (cluster)
        default/pod/p:80/TCP IPv4
          192.168.0.1:80/TCP hostPort
          192.168.0.2:80/TCP hostPort
          203.0.113.9:80/TCP hostPort
            -> 10.0.0.5:8080 local (cluster)
        default/pod/p:80/TCP IPv6
          [fd00::1]:80/TCP hostPort
            -> [fd01::5]:8080 local (cluster)
        """)
  }

  @Test func `row 31: a host IP that stands for any means the addresses of its family`() {
    let pod = Make.pod(
      ports: [Pod.ContainerPort(containerPort: 8080, hostPort: 80, hostIP: "0.0.0.0")],
      addresses: ["10.0.0.5", "fd01::5"])
    let table = plan([], nodes: [node], pods: [pod])
    #expect(table.entries.map(\.family) == [.ipv4])
    #expect(table.entries.first?.frontends.count == 3)
  }

  @Test func `row 31: only pods count that run on this node with a network of their own`() {
    let ports = [Pod.ContainerPort(containerPort: 8080, hostPort: 80)]
    let pods = [
      Make.pod("a", node: "there", ports: ports), Make.pod("b", phase: "Pending", ports: ports),
      Make.pod("c", phase: "Succeeded", ports: ports), Make.pod("d", hostNetwork: true, ports: ports),
    ]
    #expect(plan([], pods: pods).entries.isEmpty)
    #expect(plan([], pods: [Make.pod(ports: ports)]) { $0.servesHostPorts = false }.entries.isEmpty)
  }

  @Test func `row 31: host ports that cannot be served are said`() {
    let pod = Make.pod(ports: [
      Pod.ContainerPort(containerPort: 80, hostPort: 80, hostIP: "127.0.0.1"),
      Pod.ContainerPort(containerPort: 80, hostPort: 81, hostIP: "x"),
      Pod.ContainerPort(containerPort: 0, hostPort: 82),
      Pod.ContainerPort(containerPort: 83, protocol: .sctp, hostPort: 84),
      Pod.ContainerPort(containerPort: 85, protocol: .sctp, hostPort: 85),
    ])
    let table = plan([], pods: [pod])
    #expect(table.entries.map(\.frontendText) == [["192.168.0.1:85/SCTP hostPort"]])
    #expect(table.notes.map(\.subject) == Array(repeating: "Pod default/p", count: 4))
  }

  private func healthChecks(
    _ endpoints: [EndpointSlice.Endpoint], _ change: (inout Service.Spec) -> Void = { _ in }
  ) -> [ServiceHealthCheck] {
    let service = Make.service(
      type: .loadBalancer, ports: [Service.Port(name: "a", port: 80), Service.Port(name: "b", port: 81)]
    ) {
      $0.externalTrafficPolicy = .local
      $0.healthCheckNodePort = 30123
      change(&$0)
    }
    let ports = [EndpointSlice.Port(name: "a", port: 8080), EndpointSlice.Port(name: "b", port: 8081)]
    return plan([service], [Make.slice(endpoints, ports: ports)]).healthChecks
  }

  @Test func `row 12: the health check counts the endpoints on this node that are ready, each once`() throws {
    let checks = healthChecks([
      Make.endpoint("10.0.0.1", node: "here"), Make.endpoint("10.0.0.2", node: "here"),
      Make.endpoint("10.0.0.3", node: "there"), Make.endpoint("10.0.0.4", "not-ready", node: "here"),
    ])
    let port = try #require(Port(30123))
    #expect(
      checks == [
        ServiceHealthCheck(
          name: ServicePortName(namespace: "default", service: "web"), port: port, localEndpoints: 2)
      ])
  }

  @Test func `row 12: endpoints that only end are served, but fail the check`() {
    #expect(healthChecks([Make.endpoint("10.0.0.1", "serving", node: "here")]).map(\.localEndpoints) == [0])
  }

  @Test func `row 12: only load balancers with the policy Local are checked`() {
    #expect(healthChecks([]) { $0.externalTrafficPolicy = .cluster }.isEmpty)
    #expect(healthChecks([]) { $0.type = .nodePort }.isEmpty)
    #expect(healthChecks([]) { $0.healthCheckNodePort = nil }.isEmpty)
  }
}
