// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Services at pods", .serialized, .requires(.root))
struct ServiceTests {
  typealias Rule = PodFixture.Rule
  typealias Backend = TestServices.Backend

  /// Port 80 of the service's address goes to port 8080 of the peer; SCTP keeps its port.
  static func fixture(_ family: Family, _ ipProtocol: IPProtocol = .tcp, flags: UInt32 = 0) throws -> ServiceFixture {
    let services = try TestServices()
    let port: UInt16 = ipProtocol == .sctp ? 80 : 8080
    let written = try services.add(
      family.vip, 80, ipProtocol, to: [Backend(address: family.peer, port: port)], flags: flags)
    return ServiceFixture(pod: try PodFixture(services: services.maps), services: services, written: written)
  }

  static let payload: [UInt8] = [1, 2, 3, 4, 5, 6, 7]

  static let protocols: [(IPProtocol, @Sendable (UInt16, UInt16) -> Message, UInt16)] = [
    (.tcp, { .tcp(from: $0, to: $1, flags: $0 == 1000 ? .syn : [.syn, .ack]) }, 8080),
    (.udp, { .udp(from: $0, to: $1) }, 8080), (.sctp, { .sctp(from: $0, to: $1) }, 80),
  ]

  @Test(arguments: 0..<3, Family.allCases)
  func `a packet to a service goes to its backend, the reply comes from the service`(
    number: Int, family: Family
  ) throws {
    let (ipProtocol, message, port) = Self.protocols[number]
    let made = try Self.fixture(family, ipProtocol)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let request = message(1000, 80).packet(from: family.pod, to: family.vip, payload: Self.payload)
    let sent = message(1000, port).packet(from: family.pod, to: family.peer, payload: Self.payload)
    for _ in 0..<3 { #expect(try fixture.run(request, .egress) == .passes(Packet(parsing: sent.bytes))) }
    let reply = message(port, 1000).packet(from: family.peer, to: family.pod, payload: Self.payload)
    let received = message(80, 1000).packet(from: family.vip, to: family.pod, payload: Self.payload)
    for _ in 0..<3 { #expect(try fixture.run(reply, .ingress) == .passes(Packet(parsing: received.bytes))) }
    let flows = try fixture.datapath.flows.entries()
    #expect(flows.count == 2)
    let choice = try #require(flows.first { $0.1.flags & UInt32(FLOW_SERVICE) != 0 })
    #expect(choice.0.peer_address.address == family.vip && choice.1.decision == written.backends[0])
    let flow = try #require(flows.first { $0.1.flags & UInt32(FLOW_SERVICE) == 0 })
    #expect(flow.0.peer_address.address == family.peer && flow.1.translation == written.vip)
    #expect(flow.1.flags == UInt32(FLOW_FROM_POD | FLOW_REPLIED))
    #expect(try services.maps.counters.values(at: written.index)?.reduce(0) { $0 + $1.translated } == 1)
  }

  @Test(arguments: Family.allCases)
  func `headers behind options and extensions are rewritten too`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    func packet(_ destination: IPAddress, _ port: UInt16) -> Packet {
      var packet = Message.tcp(from: 1000, to: port, flags: .syn).packet(from: family.pod, to: destination)
      if family == .v4 { packet.ipv4?.options = [1, 1, 1, 0] }
      if family == .v6 { packet.layers.insert(.destinationOptions([]), at: 2) }
      return packet
    }
    #expect(
      try fixture.run(packet(family.vip, 80), .egress) == .passes(Packet(parsing: packet(family.peer, 8080).bytes)))
  }

  @Test func `a UDP checksum of none stays none`() throws {
    let made = try Self.fixture(.v4, .udp)
    let fixture = made.pod
    var packet = Message.udp(from: 1000, to: 80).packet(from: Family.v4.pod, to: Family.v4.vip, payload: Self.payload)
    packet.udp?.checksum = .exactly(0)
    let sent = try fixture.pass(packet, .egress)
    #expect(sent.udp?.checksum == .exactly(0) && sent.udp?.destinationPort == 8080)
    #expect(sent.ipv4?.checksum == .correct)
  }

  @Test(arguments: Family.allCases)
  func `a UDP checksum that comes out as zero is sent as its complement`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let fixture = made.pod
    // The checksum with a payload of zeros, as payload, makes the sum complete.
    func sum(_ packet: Packet) -> UInt16 {
      let bytes = packet.bytes
      return UInt16(bytes[family.transportOffset + 6]) << 8 | UInt16(bytes[family.transportOffset + 7])
    }
    let bare = Message.udp(from: 1000, to: 8080).packet(from: family.pod, to: family.peer, payload: [0, 0])
    let filler = [UInt8(sum(bare) >> 8), UInt8(sum(bare) & 0xff)]
    let request = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip, payload: filler)
    let sent = try fixture.pass(request, .egress)
    #expect(sum(sent) == 0xffff)
  }

  @Test(arguments: Family.allCases)
  func `policy sees the backend, and the drop is one of the backend`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    try fixture.publish(ingress: [], egress: [Rule(classID: 4, ipProtocol: .tcp, ports: .exact(8080))])
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(request, .egress).destination == (family.peer, 8080))
    let reply = Message.tcp(from: 8080, to: 1000, flags: [.syn, .ack]).packet(from: family.peer, to: family.pod)
    #expect(try fixture.pass(reply, .ingress).source == (family.vip, 80))
    // What the service's own port would be is not asked.
    try fixture.publish(generation: 2, ingress: [], egress: [Rule(classID: 4, ipProtocol: .tcp, ports: .exact(80))])
    #expect(try fixture.run(request, .egress) == .drops(.policy))
    // Nor may the backend begin a flow by the back door.
    #expect(
      try fixture.run(
        Message.tcp(from: 8080, to: 1001, flags: .syn).packet(from: family.peer, to: family.pod), .ingress)
        == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `a spoofed source is refused before any service is looked up`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    let packet = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
    #expect(try fixture.run(packet, .egress) == .drops(.invalidSource))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `other ports, protocols and what others send to the service's address are left alone`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    for message in [
      Message.tcp(from: 1000, to: 81, flags: .syn), .udp(from: 1000, to: 80), .echoRequest(identifier: 1),
    ] {
      let packet = message.packet(from: family.pod, to: family.vip)
      #expect(try fixture.run(packet, .egress) == .passes(Packet(parsing: packet.bytes)))
    }
    let incoming = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.peer, to: family.pod)
    #expect(try fixture.run(incoming, .ingress) == .passes(Packet(parsing: incoming.bytes)))
  }

  @Test(arguments: Family.allCases)
  func `a flow that nobody answered is asked again when a service appears`(family: Family) throws {
    let services = try TestServices()
    let fixture = try PodFixture(services: services.maps)
    let packet = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(packet, .egress).destination == (family.vip, 80))
    let written = try services.add(family.vip, 80, .udp, to: [Backend(address: family.peer, port: 8080)])
    #expect(try fixture.pass(packet, .egress).destination == (family.peer, 8080))
    // And a flow whose service is gone is its own again.
    try services.removeFrontend(family.vip, 80, .udp)
    services.setState(BACKEND_GONE, ofBackend: written.backends[0], of: written)
    #expect(try fixture.pass(packet, .egress).destination == (family.vip, 80))
  }

  @Test(arguments: Family.allCases)
  func `an address of another node's is left alone`(family: Family) throws {
    let made = try Self.fixture(family, flags: UInt32(FRONTEND_EXTERNAL | FRONTEND_NOT_INTERNAL))
    let fixture = made.pod
    let packet = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    #expect(try fixture.pass(packet, .egress).destination == (family.vip, 80))
  }

  @Test(arguments: Family.allCases)
  func `without services packets pass as they are`(family: Family) throws {
    let fixture = try PodFixture()
    #expect(fixture.datapath.services == nil)
    let packet = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    #expect(try fixture.run(packet, .egress) == .passes(Packet(parsing: packet.bytes)))
  }

  @Test(arguments: Family.allCases)
  func `SCTP to a backend with another port is dropped: its checksum cannot be mended`(family: Family) throws {
    let services = try TestServices()
    try services.add(family.vip, 80, .sctp, to: [Backend(address: family.peer, port: 8080)])
    let fixture = try PodFixture(services: services.maps)
    let packet = Message.sctp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    #expect(try fixture.run(packet, .egress) == .drops(.checksumL4))
  }

  @Test(arguments: Family.allCases)
  func `a frame to a sibling has the pod's own station as receiver, others keep the gateway's`(family: Family) throws {
    let made = try Self.fixture(family)
    let services = made.services
    let fixture = made.pod
    try services.add(family.otherVIP, 80, to: [Backend(address: family.stranger, port: 8080)])
    for (address, parent) in [(family.pod, UInt32(3)), (family.peer, 3), (family.stranger, 4)] {
      try fixture.datapath.localPods.updateValue(parent, forKey: ip_address(address))
    }
    try fixture.setFlag(UInt32(ENDPOINT_SIBLINGS))
    let message = Message.tcp(from: 1000, to: 80, flags: .syn)
    for _ in 0..<2 {
      let toSibling = try fixture.pass(message.packet(from: family.pod, to: family.vip), .egress)
      #expect(toSibling.ethernet?.destination == .sender && toSibling.ethernet?.source == .sender)
      let away = try fixture.pass(message.packet(from: family.pod, to: family.otherVIP), .egress)
      #expect(away.ethernet?.destination == .receiver && away.ethernet?.source == .sender)
    }
  }
}
