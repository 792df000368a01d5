// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Features of kube-proxy at the node's devices, by their row in the article "Features of kube-proxy".
@Suite("Features at the node's devices", .serialized, .requires(.root))
struct NodeRowTests {
  typealias Backend = TestServices.Backend

  @Test(arguments: Family.allCases)
  func `21: an unknown port of a service's address passes, or is refused where that is asked for`(family: Family) throws
  {
    let request = Message.tcp(from: 1000, to: 81, flags: .syn).packet(from: family.stranger, to: family.vip)
    let toNode = Message.tcp(from: 1000, to: 22, flags: .syn).packet(from: family.stranger, to: family.node)
    let permissive = try NodeFixture()
    let strict = try NodeFixture(unserved: .init(refusesUnknownPorts: true))
    for services in [permissive.services, strict.services] {
      try services.add(family.vip, 80, to: [Backend(address: family.pod, port: 8080)], flags: NodeFixture.external)
    }
    try permissive.node.setServiceAddresses([family.vip])
    #expect(try permissive.pass(request, .ingress) == Packet(parsing: request.bytes))
    #expect(try strict.pass(request, .ingress) == Packet(parsing: request.bytes))
    try strict.node.setServiceAddresses([family.vip])
    let reset = try strict.sentOn(request)
    #expect(reset.source.address == family.vip && reset.destination.address == family.stranger)
    #expect(reset.tcp?.flags == [.rst, .ack])
    let datagram = Message.udp(from: 1000, to: 81).packet(from: family.stranger, to: family.vip)
    let refusal = try strict.sentOn(datagram)
    #expect(refusal.source.address == family.vip && refusal.destination.address == family.stranger)
    #expect(
      refusal.layers.contains { layer in
        switch layer {
        case .icmp(let header): header.type == 3 && header.code == 3
        case .icmpv6(let header): header.type == 1 && header.code == 4
        default: false
        }
      })
    #expect(try strict.pods.readDropCounters()[.noService]?.packets == 2)
    // Ports that are served, the node's own address, and what the node sends are as before.
    let served = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
    #expect(try strict.pass(served, .ingress).destination == (family.pod, 8080))
    #expect(try strict.pass(toNode, .ingress) == Packet(parsing: toNode.bytes))
    #expect(try strict.pass(request, .egress) == Packet(parsing: request.bytes))
    try strict.node.setServiceAddresses([])
    #expect(try strict.pass(request, .ingress) == Packet(parsing: request.bytes))
  }

  @Test(arguments: Family.allCases)
  func `41: an echo request to a service's address passes, or is answered where that is asked for`(
    family: Family
  ) throws {
    let fixture = try NodeFixture(unserved: .init(answersEcho: true))
    try fixture.node.setServiceAddresses([family.vip])
    for size in [0, 3, 56] {
      var request = Message.echoRequest(identifier: 7).packet(
        from: family.stranger, to: family.vip, payload: (0..<size).map { UInt8($0) })
      request.ipv4?.timeToLive = 3
      request.ipv6?.hopLimit = 3
      let answer = try fixture.sentOn(request)
      var expected = Message.echoReply(identifier: 7).packet(
        from: family.vip, to: family.stranger, payload: (0..<size).map { UInt8($0) })
      expected.ethernet?.destination = try #require(request.ethernet).source
      expected.ethernet?.source = try #require(request.ethernet).destination
      #expect(answer.bytes == expected.bytes)
    }
    let request = Message.echoRequest(identifier: 7).packet(from: family.stranger, to: family.vip)
    let others = [
      Message.echoRequest(identifier: 7).packet(from: family.stranger, to: family.node),
      Message.echoReply(identifier: 7).packet(from: family.stranger, to: family.vip),
      family.otherICMP.packet(from: family.stranger, to: family.vip),
    ]
    for packet in others { #expect(try fixture.pass(packet, .ingress) == Packet(parsing: packet.bytes)) }
    #expect(try fixture.pass(request, .egress) == Packet(parsing: request.bytes))
    let silent = try NodeFixture()
    try silent.node.setServiceAddresses([family.vip])
    #expect(try silent.pass(request, .ingress) == Packet(parsing: request.bytes))
  }

  @Test(arguments: Family.allCases)
  func `26: datagrams of a client move when their endpoint is gone, and not before`(family: Family) throws {
    let fixture = try NodeFixture()
    let written = try fixture.services.add(
      family.vip, 53, .udp, to: [5300, 5301].map { Backend(address: family.pod, port: $0) },
      flags: NodeFixture.external)
    func send() throws -> UInt16 {
      try fixture.pass(Message.udp(from: 1000, to: 53).packet(from: family.stranger, to: family.vip), .ingress)
        .destination.port
    }
    let port = try send()
    fixture.services.setState(BACKEND_TERMINATING, ofBackend: written.backends[Int(port - 5300)], of: written)
    #expect(try send() == port)
    fixture.services.setState(BACKEND_GONE, ofBackend: written.backends[Int(port - 5300)], of: written)
    #expect(try send() == 5300 + 5301 - port)
    let answer = Message.udp(from: 5300 + 5301 - port, to: 1000).packet(from: family.pod, to: family.stranger)
    #expect(try fixture.pass(answer, .egress).source == (family.vip, 53))
  }

  @Test(arguments: Family.allCases)
  func `27: the next datagram finds a service's first endpoint`(family: Family) throws {
    let fixture = try NodeFixture()
    let written = try fixture.services.add(family.vip, 53, .udp, to: [], flags: NodeFixture.external)
    let request = Message.udp(from: 1000, to: 53).packet(from: family.stranger, to: family.vip)
    for _ in 0..<2 {
      guard case .returns = try fixture.run(request, .ingress) else {
        Issue.record("not refused")
        return
      }
    }
    #expect(try fixture.node.flows.entries().isEmpty)
    let other = try fixture.services.add(family.otherVIP, 53, .udp, to: [Backend(address: family.pod, port: 5300)])
    fixture.services.move(other.backends, to: written)
    #expect(try fixture.pass(request, .ingress).destination == (family.pod, 5300))
  }

  @Test(arguments: Family.allCases)
  func `32: clients of endpoints elsewhere alone are masqueraded, with ports that are set aside`(family: Family) throws
  {
    let fixture = try NodeFixture(ports: 61_000...61_001)
    try fixture.services.add(
      family.vip, 80, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
    try fixture.services.add(
      family.otherVIP, 80, to: [Backend(address: family.pod, port: 8080)], flags: NodeFixture.external)
    func request(_ port: UInt16, _ flags: TCPHeader.Flags = .syn) -> Packet {
      Message.tcp(from: port, to: 80, flags: flags).packet(from: family.stranger, to: family.vip)
    }
    var ports: Set<UInt16> = []
    for port in [UInt16(1000), 1001] {
      let sent = try fixture.sentOn(request(port))
      #expect(sent.source.address == family.node)
      ports.insert(sent.source.port)
    }
    #expect(ports == [61_000, 61_001])
    // No third client at the same endpoint, until one of them has gone.
    #expect(try fixture.run(request(1002), .ingress) == .drops(.noMapping))
    _ = try fixture.sentOn(request(1000, .rst))
    #expect(try fixture.sentOn(request(1002)).source.address == family.node)
    // An endpoint here sees the client, and what pods and node send by themselves stays as it is.
    let here = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.otherVIP)
    #expect(try fixture.pass(here, .ingress).source == (family.stranger, 1000))
    for source in [family.pod, family.node] {
      let own = Message.tcp(from: 2000, to: 80, flags: .syn).packet(from: source, to: family.stranger)
      #expect(try fixture.pass(own, .egress) == Packet(parsing: own.bytes))
    }
  }

  @Test(arguments: Family.allCases)
  func `37: flows of clients outside live as long as those of pods`(family: Family) async throws {
    let fixture = try NodeFixture()
    for ipProtocol in [IPProtocol.tcp, .udp] {
      try fixture.services.add(
        family.vip, 80, ipProtocol, to: (0..<32).map { Backend(address: family.pod, port: 8080 + $0) },
        flags: NodeFixture.external)
    }
    /// Whether the flow is remembered after so long: 32 endpoints are not chosen alike by chance, eight times over.
    func isKept(_ message: Message, for seconds: UInt64) async throws -> Bool {
      let packet = message.packet(from: family.stranger, to: family.vip)
      let port = try fixture.pass(packet, .ingress).destination.port
      for _ in 0..<8 {
        // The programs' clock moves in ticks of 10 ms at most, and within one the same flow gets the same endpoint.
        try await Task.sleep(for: .milliseconds(12))
        try fixture.ageFlows(bySeconds: seconds)
        if try fixture.pass(packet, .ingress).destination.port != port { return false }
      }
      return true
    }
    #expect(try await isKept(.udp(from: 1000, to: 80), for: 25))
    #expect(try await !isKept(.udp(from: 1001, to: 80), for: 35))
    #expect(try await isKept(.tcp(from: 1000, to: 80), for: 55))
    #expect(try await !isKept(.tcp(from: 1001, to: 80), for: 65))
  }
}
