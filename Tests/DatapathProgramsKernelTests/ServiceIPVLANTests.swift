// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import CDatapathABI
import DatapathPrograms
import Glibc
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Two slaves of one parent in IPVLAN L2, and a gateway on the wire that hears of nothing.
@Suite("Services between ipvlan slaves", .serialized, .requires(.root), .requires(.ipvlanSlaves))
struct ServiceIPVLANTests {
  /// The wire's end, which no packet of these tests should need.
  static let gateway = IPv4Address(10, 0, 0, 254)
  static let gateway6 = IPv6Address(high: 0xfd00 << 48, low: 0xfe)

  /// Adds a slave `eth0`, whose default routes go to a gateway with a station of its own.
  static func addSlave(
    _ host: NetworkNamespace, _ pod: NetworkNamespace, name: String, _ address: (Family) -> IPAddress
  ) async throws {
    try await ip("link add link eni0 name \(name) type ipvlan mode l2", in: host)
    try await ip("link set \(name) netns /proc/\(getpid())/fd/\(pod.descriptor)", in: host)
    try await ip("link set \(name) name eth0", in: pod)
    try await ip("address add \(address(.v4))/32 dev eth0", in: pod)
    try await ip("address add \(address(.v6))/128 dev eth0 nodad", in: pod)
    try await ip("link set eth0 up", in: pod)
    for (family, gateway) in [("-4", "\(gateway)"), ("-6", "\(gateway6)")] {
      try await ip("\(family) route add \(gateway) dev eth0", in: pod)
      try await ip("\(family) route add default via \(gateway)", in: pod)
      try await ip("\(family) neigh replace \(gateway) lladdr 02:00:00:00:00:fe dev eth0 nud permanent", in: pod)
    }
  }

  static func withSlaves(
    _ services: TestServices, isSibling: Bool = true,
    _ body: (borrowing PodFixture, _ pod: NetworkNamespace, _ peer: NetworkNamespace) async throws -> Void
  ) async throws {
    let fixture = try PodFixture(services: services.maps)
    for address in Family.allCases.flatMap({ [$0.pod, $0.peer] }) where isSibling {
      try fixture.datapath.localPods.updateValue(7, forKey: ip_address(address))
    }
    if isSibling { try fixture.setFlag(UInt32(ENDPOINT_SIBLINGS)) }
    try await withScratchNamespace { host in
      try await withScratchNamespace { pod in
        try await withScratchNamespace { peer in
          for namespace in [pod, peer] { try await skipDuplicateDetection(in: namespace) }
          try await ip("link add eni0 type veth peer name wire", in: host)
          try await ip("link set eni0 up", in: host)
          try await ip("link set wire up", in: host)
          try await addSlave(host, pod, name: "first") { $0.pod }
          try await addSlave(host, peer, name: "second") { $0.peer }
          // The peer's own way back: its sibling is on the link, by the station that both share.
          for family in Family.allCases {
            try await ip(
              family == .v4 ? "-4 route add \(family.pod) dev eth0" : "-6 route add \(family.pod) dev eth0", in: peer)
          }
          let index = try await pod.run { unsafe if_nametoindex("eth0") }
          let egress = try await fixture.dispatcher.egress.attach(toTrafficControl: .egress, of: index, in: pod)
          let ingress = try await fixture.dispatcher.ingress.attach(toTrafficControl: .ingress, of: index, in: pod)
          try await body(fixture, pod, peer)
          try await egress.detach()
          try await ingress.detach()
        }
      }
    }
  }

  @Test func `a service's backend on the same parent is reached without the gateway`() async throws {
    let services = try ServiceTrafficTests.services()
    try await Self.withSlaves(services) { fixture, pod, peer in
      for (family, kind) in TestSockets.ways {
        let answer = try await ServiceTrafficTests.exchange(
          kind, from: pod, to: peer, at: family.vip, size: kind == .tcp ? 100_000 : 1000)
        #expect(answer == .echoed, "\(kind) in \(family)")
      }
      #expect(try fixture.datapath.readDropCounters().isEmpty)
    }
  }

  @Test func `without the parent's number frames go to the gateway`() async throws {
    let services = try ServiceTrafficTests.services()
    try await Self.withSlaves(services, isSibling: false) { fixture, pod, peer in
      let listener = try await peer.run {
        try TestSocket.listening(.udp, port: 8080, milliseconds: TrafficTests.impatience)
      }
      async let served = peer.run { listener.echo() }
      let answer = try await pod.run {
        TestSockets.ask(.udp, Family.v4.vip, port: 80, milliseconds: TrafficTests.impatience)
      }
      #expect(try await served == nil)
      #expect(answer == .nothing)
    }
  }

  @Test func `a slave reaches itself, and is refused where nobody serves`() async throws {
    let services = try ServiceTrafficTests.services()
    try await Self.withSlaves(services) { fixture, pod, _ in
      try fixture.publish(ingress: [], egress: [])
      for (family, kind) in TestSockets.ways {
        let answer = try await ServiceTrafficTests.exchange(
          kind, from: pod, to: pod, at: family.otherVIP, size: kind == .tcp ? 100_000 : 1000)
        #expect(answer == .echoed, "\(kind) in \(family)")
        let refused = try await ServiceTrafficTests.ask(kind, family.vip, 99, in: pod)
        #expect(refused == .refused, "\(kind) in \(family)")
      }
    }
  }
}

extension KernelFeature {
  /// Links of kind `ipvlan`, tried with the command that the tests use.
  fileprivate static let ipvlanSlaves = KernelFeature("ipvlan", minimumKernel: KernelVersion(3, 19)) {
    do {
      try await withScratchNamespace { namespace in
        try await ip("link add eni0 type veth peer name wire", in: namespace)
        try await ip("link add link eni0 name slave type ipvlan mode l2", in: namespace)
      }
      return .available
    } catch {
      return .missing(reason: "\(error)")
    }
  }
}
