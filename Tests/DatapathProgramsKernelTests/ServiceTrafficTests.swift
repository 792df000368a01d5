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
  static func services() throws -> TestServices {
    let services = try TestServices()
    for (family, kind) in TestSockets.ways {
      try services.add(family.vip, 80, kind.ipProtocol, to: [.init(address: family.peer, port: 8080)])
      try services.add(family.otherVIP, 80, kind.ipProtocol, to: [.init(address: family.pod, port: 8080)])
      try services.add(family.otherVIP, 81, kind.ipProtocol, to: [.init(address: family.peer, port: 8080)])
      try services.add(family.vip, 99, kind.ipProtocol, to: [])
    }
    return services
  }

  static func exchange(
    _ kind: TestSockets.Kind, from client: NetworkNamespace, to server: NetworkNamespace, at address: IPAddress,
    port: UInt16 = 80, source: UInt16 = 0, size: Int = 32
  ) async throws -> TestSockets.Answer {
    let listener = try await server.run {
      try TestSocket.listening(kind, port: 8080, milliseconds: TrafficTests.patience)
    }
    async let served = server.run { listener.echo() }
    let answer = try await client.run {
      TestSockets.ask(
        kind, address, port: port, from: source, size: size, milliseconds: TrafficTests.patience)
    }
    _ = try await served
    listener.end()
    return answer
  }

  /// Routes to the services by way of the peer, which never hears of them.
  static func route(_ pod: NetworkNamespace) async throws {
    try await ip("route add default via \(PodFixture.peer)", in: pod)
    try await ip("-6 route add default via \(Family.v6.peer)", in: pod)
  }

  @Test(arguments: Side.allCases)
  func `TCP and UDP reach a backend by the service's address`(side: Side) async throws {
    let services = try Self.services()
    try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, peer in
      try await Self.route(pod)
      try fixture.publish(ingress: [], egress: [.init(classID: 4)])
      for (family, kind) in TestSockets.ways {
        // Of TCP so much that segments are cut by the device, with checksums that are yet to be computed; of UDP also a
        // datagram in fragments.
        for size in kind == .tcp ? [300_000] : [1000, 4000] {
          let answer = try await Self.exchange(kind, from: pod, to: peer, at: family.vip, size: size)
          #expect(answer == .echoed, "\(kind) in \(family), \(size) bytes")
        }
      }
      #expect(try fixture.datapath.readDropCounters().isEmpty)
    }
  }

  @Test(arguments: Side.allCases)
  func `a pod reaches itself by its service's address`(side: Side) async throws {
    let services = try Self.services()
    try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
      try await Self.route(pod)
      try fixture.publish(ingress: [], egress: [])
      for (family, kind) in TestSockets.ways {
        let size = kind == .tcp ? 300_000 : 1000
        let answer = try await Self.exchange(kind, from: pod, to: pod, at: family.otherVIP, size: size)
        #expect(answer == .echoed, "\(kind) in \(family)")
        // Nobody listens any more: the pod tells itself.
        let after = try await Self.ask(kind, family.otherVIP, 80, in: pod)
        #expect(after == .refused, "\(kind) in \(family)")
      }
    }
  }

  @Test(arguments: Side.allCases)
  func `a service without a backend refuses at once`(side: Side) async throws {
    let services = try Self.services()
    try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
      try await Self.route(pod)
      try fixture.publish(ingress: [], egress: [])
      for (number, (family, kind)) in TestSockets.ways.enumerated() {
        let answer = try await Self.ask(kind, family.vip, 99, in: pod)
        #expect(answer == .refused, "\(kind) in \(family)")
        // By the first SYN, not when TCP tries again a second later.
        #expect(try fixture.datapath.readDropCounters()[.noService]?.packets == UInt64(number + 1))
      }
    }
  }

  @Test func `two services of one backend answer one port at the same time`() async throws {
    let services = try Self.services()
    try await TrafficTests.withPod(at: .pod, services: services.maps) { fixture, pod, peer in
      try await Self.route(pod)
      for (number, family) in Family.allCases.enumerated() {
        for (address, port) in [(family.vip, UInt16(80)), (family.otherVIP, 81), (family.vip, 80)] {
          #expect(
            try await Self.exchange(.udp, from: pod, to: peer, at: address, port: port, source: 4444) == .echoed)
        }
        let flows = try fixture.datapath.flows.entries().filter { $0.0.protocol == IPProtocol.udp.rawValue }
        #expect(flows.count == 4 * (number + 1), "\(family)")
      }
    }
  }

  @Test(arguments: Side.allCases)
  func `a port nobody listens on refuses by way of the service`(side: Side) async throws {
    let services = try Self.services()
    try await TrafficTests.withPod(at: side, services: services.maps) { fixture, pod, _ in
      try await Self.route(pod)
      try fixture.publish(ingress: [], egress: [.init(classID: 4)])
      for (family, kind) in TestSockets.ways {
        let answer = try await Self.ask(kind, family.vip, 80, in: pod)
        #expect(answer == .refused, "\(kind) in \(family)")
      }
    }
  }

  static func ask(
    _ kind: TestSockets.Kind, _ address: IPAddress, _ port: UInt16, in pod: NetworkNamespace
  ) async throws -> TestSockets.Answer {
    try await pod.run { TestSockets.ask(kind, address, port: port, milliseconds: TrafficTests.patience) }
  }
}
