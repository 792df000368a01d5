// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

extension NodeFixture {
  /// What marks a service whose backends answer clients by themselves.
  static let direct = UInt32(FRONTEND_EXTERNAL | FRONTEND_CONFIGURED)
  static let directConfiguration = service_config(
    affinity_seconds: 0, algorithm: UInt8(SERVICE_RANDOM), flags: UInt8(SERVICE_DSR), padding: 0)

  /// Where the header of a backend's port begins in an encapsulated packet, and the client's packet behind it.
  static func geneveOffset(_ family: Family) -> Int { family.transportOffset + 8 }

  /// A client's packet as a node sends it to another one.
  static func encapsulate(
    _ packet: Packet, _ family: Family, from node: IPAddress, to backend: IPAddress, port: UInt16
  ) -> Packet {
    let type: [UInt8] = family == .v4 ? [0x08, 0x00] : [0x86, 0xdd]
    let header: [UInt8] = [0, 0] + type + [0x54, UInt8(port >> 8), UInt8(port & 0xff), 0]
    return Message.udp(from: 50_000, to: 6081).packet(
      from: node, to: backend, payload: header + packet.bytes.dropFirst(14))
  }
}

/// Backends that answer clients by themselves: one node sends packets on in others, the next one takes them out.
@Suite("Direct server return", .serialized, .requires(.root))
struct DirectReturnTests {
  typealias Backend = TestServices.Backend

  /// The node that clients reach; all backends are elsewhere.
  static func sender(_ family: Family, _ ipProtocol: IPProtocol = .tcp, backends: Int = 1) throws -> NodeFixture {
    let fixture = try NodeFixture(forwarding: .dsr())
    try add(
      family, ipProtocol, to: fixture,
      backends: (0..<backends).map { Backend(address: family.peer, port: 8080 + UInt16($0)) })
    return fixture
  }

  /// The backends' node, which knows the sender by the router's address.
  static func receiver(_ family: Family, _ ipProtocol: IPProtocol = .tcp, flags: UInt32 = 0) throws -> NodeFixture {
    let fixture = try NodeFixture(forwarding: .dsr())
    try fixture.node.setPeers([family.router])
    try add(family, ipProtocol, to: fixture, backends: [Backend(address: family.pod, port: 8080)], flags: flags)
    return fixture
  }

  static func add(
    _ family: Family, _ ipProtocol: IPProtocol, to fixture: borrowing NodeFixture, backends: [Backend],
    flags: UInt32 = 0
  ) throws {
    try fixture.services.add(
      family.vip, 80, ipProtocol, to: backends, flags: NodeFixture.direct | flags,
      configuration: NodeFixture.directConfiguration)
  }

  @Test(arguments: 0..<2, Family.allCases)
  func `a client's packets go to the backend's node as they are`(number: Int, family: Family) throws {
    let (ipProtocol, message, _) = ServiceTests.protocols[number]
    let fixture = try Self.sender(family, ipProtocol)
    for round in 1...3 {
      let request = message(1000, 80).packet(from: family.stranger, to: family.vip, payload: [1, 2, 3])
      let sent = try fixture.sentOn(request)
      let expected = NodeFixture.encapsulate(
        NodeFixture.hop(request), family, from: family.node, to: family.peer, port: 8080)
      #expect(sent.source.address == family.node && sent.source.port >= 49_152)
      #expect(sent.destination == (family.peer, 6081))
      #expect(sent.payload == Packet(parsing: expected.bytes).payload)
      #expect(sent.ipv4?.checksum ?? .correct == .correct)
      #expect(sent.ipv4?.timeToLive ?? sent.ipv6?.hopLimit == 64)
      #expect(try fixture.node.readCounters().encapsulated.packets == UInt64(round))
    }
    // Nothing is to come back here.
    let (key, flow) = try #require(try fixture.node.flows.entries().first)
    #expect(try fixture.node.flows.entries().count == 1)
    #expect(key.source.address == family.stranger && flow.source.address == family.stranger)
    #expect(flow.flags & UInt32(FLOW_REPLIED) == (ipProtocol == .udp ? UInt32(FLOW_REPLIED) : 0))
  }

  @Test(arguments: Family.allCases)
  func `services that do not ask for it, and nodes that are not told, stay with this node as the client`(
    family: Family
  ) throws {
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
    let told = try NodeFixture(forwarding: .dsr())
    try told.services.add(
      family.vip, 80, to: [Backend(address: family.peer, port: 8080)], flags: NodeFixture.external)
    #expect(try told.sentOn(request).destination == (family.peer, 8080))
    let untold = try NodeFixture()
    try Self.add(family, .tcp, to: untold, backends: [Backend(address: family.peer, port: 8080)])
    #expect(try untold.sentOn(request).destination == (family.peer, 8080))
    // A backend here needs no other node.
    let here = try NodeFixture(forwarding: .dsr())
    try Self.add(family, .tcp, to: here, backends: [Backend(address: family.pod, port: 8080)])
    #expect(try here.pass(request, .ingress).destination == (family.pod, 8080))
  }

  @Test(arguments: 0..<2, Family.allCases)
  func `the backend's node delivers them, and answers as the service`(number: Int, family: Family) throws {
    let (ipProtocol, message, _) = ServiceTests.protocols[number]
    let fixture = try Self.receiver(family, ipProtocol)
    for _ in 0..<2 {
      let request = message(1000, 80).packet(from: family.stranger, to: family.vip, payload: [1, 2, 3])
      let outer = NodeFixture.encapsulate(request, family, from: family.router, to: family.pod, port: 8080)
      let expected = message(1000, 8080).packet(from: family.stranger, to: family.pod, payload: [1, 2, 3])
      #expect(try fixture.pass(outer, .ingress) == Packet(parsing: expected.bytes))
      let reply = message(8080, 1000).packet(from: family.pod, to: family.stranger, payload: [4])
      let answer = message(80, 1000).packet(from: family.vip, to: family.stranger, payload: [4])
      #expect(try fixture.pass(reply, .egress) == Packet(parsing: answer.bytes))
    }
    #expect(try fixture.node.readCounters().decapsulated.packets == 2)
    #expect(try fixture.node.flows.entries().count == 2)
  }

  @Test(arguments: Family.allCases)
  func `what one node sends the other one takes, at a node port too`(family: Family) throws {
    let sender = try NodeFixture(forwarding: .dsr())
    let receiver = try NodeFixture(forwarding: .dsr())
    // The receiver's node is another one: the sender's address is none of its own.
    try receiver.services.maps.nodeAddresses.removeValue(forKey: ip_address(family.node))
    try receiver.pods.localPods.updateValue(0, forKey: ip_address(family.peer))
    try receiver.node.setPeers([family.node])
    for fixture in [sender.services, receiver.services] {
      try fixture.add(
        family.unspecified, 30_080, .udp, to: [Backend(address: family.peer, port: 53)],
        flags: NodeFixture.direct | UInt32(FRONTEND_NODE_PORT), configuration: NodeFixture.directConfiguration)
    }
    let request = Message.udp(from: 1000, to: 30_080).packet(
      from: family.stranger, to: family.node, payload: [UInt8](repeating: 7, count: 100))
    let received = try receiver.pass(try sender.sentOn(request), .ingress)
    #expect(received.source == (family.stranger, 1000) && received.destination == (family.peer, 53))
    #expect(received.udp?.checksum == .correct && received.payload == request.payload)
    let reply = Message.udp(from: 53, to: 1000).packet(from: family.peer, to: family.stranger)
    #expect(try receiver.pass(reply, .egress).source == (family.node, 30_080))
    // Without the node among its peers the address is no node's.
    try receiver.node.setPeers([])
    #expect(try receiver.run(try sender.sentOn(request), .ingress) == .drops(.unknownSender))
  }

  @Test(arguments: Family.allCases)
  func `another node that clients come to by chance sends them to the same backend`(family: Family) throws {
    let first = try Self.sender(family, backends: 8)
    let second = try Self.sender(family, backends: 8)
    var ports: Set<[UInt8]> = []
    for port in UInt16(1000)..<1016 {
      let opening = Message.tcp(from: port, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
      let later = Message.tcp(from: port, to: 80).packet(from: family.stranger, to: family.vip)
      let chosen = try first.sentOn(opening).payload.prefix(8)
      #expect(try second.sentOn(later).payload.prefix(8) == chosen)
      ports.insert(Array(chosen))
    }
    #expect(ports.count > 1)
  }

  @Test(arguments: Family.allCases)
  func `a connection keeps its backend, the next one from its port need not`(family: Family) throws {
    let fixture = try NodeFixture(forwarding: .dsr())
    let written = try fixture.services.add(
      family.vip, 80, to: [8080, 8081].map { Backend(address: family.peer, port: $0) }, flags: NodeFixture.direct,
      configuration: NodeFixture.directConfiguration)
    func send(_ flags: TCPHeader.Flags) throws -> UInt16 {
      let packet = Message.tcp(from: 1000, to: 80, flags: flags).packet(from: family.stranger, to: family.vip)
      let header = try fixture.sentOn(packet).payload.prefix(8)
      return UInt16(header[5]) << 8 | UInt16(header[6])
    }
    let port = try send(.syn)
    #expect(try send(.syn) == port)
    fixture.services.setState(BACKEND_TERMINATING, ofBackend: written.backends[Int(port - 8080)], of: written)
    #expect(try send(.ack) == port)
    #expect(try send([.fin, .ack]) == port)
    #expect(try send(.ack) == port)
    #expect(try send(.syn) == 8080 + 8081 - port)
    // After the client's last word its port is another connection's, which is young.
    func flags() throws -> UInt32 { try #require(try fixture.node.flows.entries().first).1.flags }
    #expect(try flags() & UInt32(FLOW_FORWARD_FIN | FLOW_REPLIED) == 0)
    _ = try send([.fin, .ack])
    #expect(try flags() & UInt32(FLOW_FORWARD_FIN) != 0)
    _ = try send(.syn)
    #expect(try flags() & UInt32(FLOW_FORWARD_FIN | FLOW_REPLIED) == 0)
  }

  @Test(arguments: Family.allCases)
  func `a client whose packets come to the backend's node of a sudden keeps its backend`(family: Family) throws {
    let fixture = try NodeFixture(forwarding: .dsr())
    try fixture.node.setPeers([family.router])
    try Self.add(
      family, .tcp, to: fixture, backends: (0..<8).map { Backend(address: family.pod, port: 8080 + UInt16($0)) })
    for port in UInt16(1000)..<1008 {
      let opening = Message.tcp(from: port, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
      let outer = NodeFixture.encapsulate(opening, family, from: family.router, to: family.pod, port: 8087)
      #expect(try fixture.pass(outer, .ingress).destination == (family.pod, 8087))
      let later = Message.tcp(from: port, to: 80).packet(from: family.stranger, to: family.vip)
      #expect(try fixture.pass(later, .ingress).destination == (family.pod, 8087))
    }
  }

  @Test(arguments: Family.allCases)
  func `the backend's node follows the other node's choice`(family: Family) throws {
    let fixture = try Self.receiver(family)
    for port in [UInt16(8080), 8081, 8080] {
      let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip)
      let outer = NodeFixture.encapsulate(request, family, from: family.router, to: family.pod, port: port)
      #expect(try fixture.pass(outer, .ingress).destination == (family.pod, port))
      let reply = Message.tcp(from: port, to: 1000, flags: [.syn, .ack]).packet(from: family.pod, to: family.stranger)
      #expect(try fixture.pass(reply, .egress).source == (family.vip, 80))
    }
  }

  @Test(arguments: Family.allCases)
  func `fragments and errors take the same way`(family: Family) throws {
    let sender = try NodeFixture(forwarding: .dsr())
    try Self.add(family, .udp, to: sender, backends: [Backend(address: family.pod, port: 8080)])
    try sender.pods.localPods.removeValue(forKey: ip_address(family.pod))
    let receiver = try Self.receiver(family, .udp)
    try receiver.node.setPeers([family.node])
    let sent = try FragmentTests.fragments(.udp(from: 1000, to: 80), from: family.stranger, to: family.vip)
    let expected = try FragmentTests.fragments(.udp(from: 1000, to: 8080), from: family.stranger, to: family.pod)
    for (fragment, whole) in zip(sent, expected) {
      let received = try receiver.pass(try sender.sentOn(fragment), .ingress)
      #expect(received.bytes == NodeFixture.hop(Packet(parsing: whole.bytes)).bytes)
    }
    // A router between client and backend has something to say about an answer.
    let reply = Message.udp(from: 8080, to: 1000).packet(from: family.pod, to: family.stranger, payload: [1, 2, 3, 4])
    let answer = try receiver.pass(reply, .egress)
    let (type, code): (UInt8, UInt8) = family == .v4 ? (3, 4) : (2, 0)
    let error = ICMPTests.error(type, code, answer, from: family.router, to: family.vip)
    let told = try receiver.pass(try sender.sentOn(error), .ingress)
    let meant = ICMPTests.error(type, code, reply, from: family.router, to: family.pod)
    #expect(told == NodeFixture.hop(meant))
  }
}
