// SPDX-License-Identifier: Apache-2.0

import KubernetesModel
import NetworkTypes
import SeededRandom
import ServiceLB

/// Objects at random, from small ranges, so that they meet often.
struct RandomCluster {
  var services: [Service] = []
  var slices: [EndpointSlice] = []
  var nodes: [Node] = []
  var pods: [Pod] = []

  init(_ random: inout SeededGenerator, services count: Int) {
    nodes = [Self.node(&random)]
    for index in 0..<count { services.append(Self.service("s\(index)", &random)) }
    for index in 0..<count * 3 / 2 {
      slices.append(Self.slice(of: "s\(Int.random(in: 0..<count, using: &random))", suffix: "\(index)", &random))
    }
    for index in 0..<count / 4 { pods.append(Self.pod("p\(index)", &random)) }
  }

  static func node(_ random: inout SeededGenerator) -> Node {
    let addresses = ["192.168.0.1", "192.168.0.2", "fd00::1"].filter { _ in random.chance(70) }
    return Make.node(
      addresses: addresses.map { ("InternalIP", $0) },
      zone: random.chance(80) ? "zone-\(random.chance(50) ? "a" : "b")" : nil)
  }

  static func service(_ name: String, _ random: inout SeededGenerator) -> Service {
    let number = Int.random(in: 1...60, using: &random)
    var families = random.chance(50) ? ["10.96.0.\(number)"] : ["10.96.0.\(number)", "fd00::\(number)"]
    if random.chance(5) { families = ["None"] }
    let types: [Service.ServiceType] = [.clusterIP, .nodePort, .loadBalancer, .clusterIP, .loadBalancer]
    let type = random.chance(3) ? .externalName : types.randomElement(using: &random) ?? .clusterIP
    var ports: [Service.Port] = []
    for index in 0...Int.random(in: 0...1, using: &random) {
      ports.append(
        Service.Port(
          name: index == 0 ? "http" : "dns", protocol: index == 0 ? .tcp : random.chance(70) ? .udp : .sctp,
          port: Int32.random(in: 80...82, using: &random),
          nodePort: type == .clusterIP ? nil : Int32.random(in: 30000...30015, using: &random)))
    }
    var annotations: [String: String] = [:]
    if random.chance(20) {
      annotations[ServiceAnnotation.algorithm] = ["maglev", "least-load", "nonsense"].randomElement(using: &random)
    }
    if random.chance(10) {
      annotations[ServiceAnnotation.localRedirect] = "s\(Int.random(in: 0..<10, using: &random))"
    }
    let ingress = [
      Service.Ingress(
        ip: "203.0.113.\(Int.random(in: 1...8, using: &random))", ipMode: random.chance(80) ? .vip : .proxy)
    ]
    let created = random.chance(70) ? "2026-01-0\(Int.random(in: 1...4, using: &random))T00:00:00Z" : nil
    return Make.service(
      name, type: type, clusterIPs: families, ports: ports,
      labels: random.chance(3) ? [ServiceAnnotation.otherProxyLabel: "x"] : [:], annotations: annotations,
      created: created, ingress: type == .loadBalancer ? ingress : []
    ) {
      if random.chance(20) { $0.externalIPs = ["198.51.100.\(Int.random(in: 1...4, using: &random))"] }
      $0.internalTrafficPolicy = random.chance(20) ? .local : .cluster
      $0.externalTrafficPolicy = random.chance(30) ? .local : .cluster
      $0.sessionAffinity = random.chance(20) ? .clientIP : .none
      if type == .loadBalancer, random.chance(50) { $0.healthCheckNodePort = 31000 }
      if random.chance(20) { $0.loadBalancerSourceRanges = ["10.0.0.0/8"] }
    }
  }

  static func slice(of service: String, suffix: String, _ random: inout SeededGenerator) -> EndpointSlice {
    let isIPv6 = random.chance(30)
    let states = ["ready", "ready", "ready", "serving", "not-ready", "ended"]
    let hasHints = random.chance(40)
    let endpoints = (0..<Int.random(in: 0...6, using: &random)).map { _ in
      let host = Int.random(in: 1...12, using: &random)
      return Make.endpoint(
        isIPv6 ? "fd01::\(host)" : "10.0.0.\(host)", states.randomElement(using: &random) ?? "ready",
        node: random.chance(40) ? "here" : "there",
        zones: hasHints && random.chance(90) ? [random.chance(50) ? "zone-a" : "zone-b"] : [],
        nodes: hasHints && random.chance(30) ? [random.chance(50) ? "here" : "there"] : [])
    }
    return Make.slice(
      endpoints, of: service, suffix: suffix, type: isIPv6 ? .ipv6 : .ipv4,
      ports: [
        EndpointSlice.Port(name: "http", port: 8080),
        EndpointSlice.Port(name: "dns", protocol: random.chance(70) ? .udp : .sctp, port: 81),
      ], annotations: random.chance(10) ? [ServiceAnnotation.weights: "3"] : [:])
  }

  static func pod(_ name: String, _ random: inout SeededGenerator) -> Pod {
    Make.pod(
      name, node: random.chance(80) ? "here" : "there", phase: random.chance(80) ? "Running" : "Succeeded",
      ports: [
        Pod.ContainerPort(
          containerPort: 8080, hostPort: Int32.random(in: 80...84, using: &random),
          hostIP: random.chance(20) ? "192.168.0.2" : nil)
      ], addresses: random.chance(50) ? ["10.0.0.5"] : ["10.0.0.5", "fd01::5"])
  }
}
