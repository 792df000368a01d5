// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// A pod and a peer in namespaces of their own, the pod's services known to the datapath alone.
@Suite("Traffic to services through the pod datapath", .serialized, .requires(.root))
struct ServiceTrafficTests {
  typealias Side = TrafficTests.Side

  /// Port 80 of the service's address is port 8080 of the peer, of the other service's the pod's own.
  static func services(_ family: Family, _ ipProtocol: IPProtocol) throws -> TestServices {
    let services = try TestServices()
    try services.add(family.vip, 80, ipProtocol, to: [.init(address: family.peer, port: 8080)])
    try services.add(family.otherVIP, 80, ipProtocol, to: [.init(address: family.pod, port: 8080)])
    try services.add(family.otherVIP, 81, ipProtocol, to: [.init(address: family.peer, port: 8080)])
    try services.add(family.vip, 99, ipProtocol, to: [])
    return services
  }

  static func exchange(
    _ kind: TestSockets.Kind, from client: NetworkNamespace, to server: NetworkNamespace, at address: IPAddress,
    port: UInt16 = 80, source: UInt16 = 0, size: Int = 32
  ) async throws -> TestSockets.Answer {
    async let served = server.run { TestSockets.echo(kind, on: 8080, milliseconds: TrafficTests.patience) }
    try await Task.sleep(for: .milliseconds(150))
    let answer = try await client.run {
      TestSockets.ask(
        kind, address, port: port, from: source, size: size, milliseconds: TrafficTests.patience)
    }
    _ = try await served
    return answer
  }

  /// Routes to the services by way of the peer, which never hears of them.
  static func route(_ pod: NetworkNamespace) async throws {
    try await ip("route add default via \(PodFixture.peer)", in: pod)
    try await ip("-6 route add default via \(Family.v6.peer)", in: pod)
  }

  @Test(arguments: Side.allCases, Family.allCases)
  func `TCP and UDP reach a backend by the service's address`(side: Side, family: Family) async throws {
    for kind in [TestSockets.Kind.tcp, .udp] {
      let services = try Self.services(family, kind == .tcp ? .tcp : .udp)
      try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, peer in
        try await Self.route(pod)
        try fixture.publish(ingress: [], egress: [.init(classID: 4)])
        // Of TCP so much that segments are cut by the device, with checksums that are yet to be computed.
        let size = kind == .tcp ? 300_000 : 1000
        #expect(try await Self.exchange(kind, from: pod, to: peer, at: family.vip, size: size) == .echoed)
        if kind == .udp {
          #expect(try await Self.exchange(kind, from: pod, to: peer, at: family.vip, size: 4000) == .echoed)
        }
        #expect(try fixture.datapath.readDropCounters().isEmpty)
      }
    }
  }

  @Test(arguments: Side.allCases, Family.allCases)
  func `a pod reaches itself by its service's address`(side: Side, family: Family) async throws {
    for kind in [TestSockets.Kind.tcp, .udp] {
      let services = try Self.services(family, kind == .tcp ? .tcp : .udp)
      try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
        try await Self.route(pod)
        try fixture.publish(ingress: [], egress: [])
        let size = kind == .tcp ? 300_000 : 1000
        #expect(try await Self.exchange(kind, from: pod, to: pod, at: family.otherVIP, size: size) == .echoed)
        // Nobody listens any more: the pod tells itself.
        let answer = try await pod.run {
          TestSockets.ask(kind, family.otherVIP, port: 80, milliseconds: TrafficTests.patience)
        }
        #expect(answer == .refused)
      }
    }
  }

  @Test(arguments: Side.allCases, Family.allCases)
  func `a service without a backend refuses at once`(side: Side, family: Family) async throws {
    for kind in [TestSockets.Kind.tcp, .udp] {
      let services = try Self.services(family, kind == .tcp ? .tcp : .udp)
      try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
        try await Self.route(pod)
        try fixture.publish(ingress: [], egress: [])
        let answer = try await pod.run {
          TestSockets.ask(kind, family.vip, port: 99, milliseconds: TrafficTests.patience)
        }
        #expect(answer == .refused)
        // By the first SYN, not when TCP tries again a second later.
        #expect(try fixture.datapath.readDropCounters()[.noService]?.packets == 1)
      }
    }
  }

  @Test(arguments: Family.allCases)
  func `two services of one backend answer one port at the same time`(family: Family) async throws {
    let services = try Self.services(family, .udp)
    try await TrafficTests.withPod(at: .pod, services: services.maps) { fixture, pod, peer in
      try await Self.route(pod)
      for (address, port) in [(family.vip, UInt16(80)), (family.otherVIP, 81), (family.vip, 80)] {
        #expect(
          try await Self.exchange(.udp, from: pod, to: peer, at: address, port: port, source: 4444) == .echoed)
      }
      #expect(try fixture.datapath.flows.entries().filter { $0.0.protocol == 17 }.count == 4)
    }
  }

  @Test(arguments: Side.allCases, Family.allCases)
  func `a port nobody listens on refuses by way of the service`(side: Side, family: Family) async throws {
    for kind in [TestSockets.Kind.tcp, .udp] {
      let services = try Self.services(family, kind == .tcp ? .tcp : .udp)
      try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
        try await Self.route(pod)
        try fixture.publish(ingress: [], egress: [.init(classID: 4)])
        let answer = try await pod.run {
          TestSockets.ask(kind, family.vip, port: 80, milliseconds: TrafficTests.patience)
        }
        #expect(answer == .refused)
      }
    }
  }
}
