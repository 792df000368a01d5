// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Neighbour and listener discovery of a pod that is isolated both ways.
@Suite("IPv6 discovery", .serialized, .requires(.root))
struct DiscoveryTests {
  static let pod = Family.v6.pod.v6
  static let peer = Family.v6.peer.v6
  static let local = IPv6Address.linkLocal(5)
  static let router = IPv6Address.linkLocal(1)
  static let alert: [UInt8] = [5, 2, 0, 0]

  static func neighbor(
    _ type: UInt8, from source: IPv6Address, target: IPv6Address = peer, hopLimit: UInt8 = 255, code: UInt8 = 0
  ) -> Packet {
    let body: [UInt8] =
      switch type {
      case 133: []
      case 134: [UInt8](repeating: 0, count: 8)
      case 137: target.bytes + peer.bytes
      default: target.bytes
      }
    return Packet(
      .ethernet(), .ipv6(from: source, to: .allNodes) { $0.hopLimit = hopLimit },
      .icmpv6(ICMPHeader(type: type, code: code)), payload: body)
  }

  static func listener(
    _ type: UInt8, from source: IPv6Address, hopLimit: UInt8 = 1, options: [UInt8]? = alert
  ) -> Packet {
    let body = type == 143 ? [] : IPv6Address.allNodes.bytes
    let extensions = options.map { [Layer.hopByHop(options: $0)] } ?? []
    return Packet(
      layers: [.ethernet(), .ipv6(from: source, to: .allNodes) { $0.hopLimit = hopLimit }] + extensions + [
        .icmpv6(ICMPHeader(type: type))
      ], payload: body)
  }

  static func isolated() throws -> PodFixture {
    let fixture = try PodFixture(isPolicyRequired: true)
    try fixture.publish(ingress: [], egress: [])
    return fixture
  }

  @Test(arguments: [
    ("router solicitation", neighbor(133, from: local)),
    ("the same without an address", neighbor(133, from: .unspecified)),
    ("neighbour solicitation", neighbor(135, from: pod)),
    ("the same from the link", neighbor(135, from: local)),
    ("duplicate address detection", neighbor(135, from: .unspecified, target: pod)),
    ("the same for the link's address", neighbor(135, from: .unspecified, target: local)),
    ("neighbour advertisement", neighbor(136, from: pod, target: pod)),
    ("the same of the link's address", neighbor(136, from: local, target: local)),
    ("listener query", listener(130, from: router)),
    ("listener report", listener(131, from: local)), ("listener done", listener(132, from: local)),
    ("version 2 report", listener(143, from: local)),
    ("the same before there is an address", listener(143, from: .unspecified)),
    ("the same with its padding first", listener(143, from: local, options: [1, 0, 5, 2, 0, 0])),
  ])
  func `what a receiver may take passes both ways, whatever the policies say`(what: String, packet: Packet) throws {
    let fixture = try Self.isolated()
    #expect(try fixture.send(packet, .egress) == .passes)
    #expect(try fixture.send(packet, .ingress) == .passes)
    let unready = try PodFixture(isPolicyRequired: true)
    #expect(try unready.send(packet, .egress) == .passes)
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: [134, 137] as [UInt8], [true, false])
  func `a pod hears routers, and is none`(type: UInt8, isIsolated: Bool) throws {
    let fixture = isIsolated ? try Self.isolated() : try PodFixture()
    for source in [Self.router, Self.local] {
      let packet = Self.neighbor(type, from: source)
      #expect(try fixture.send(packet, .ingress) == .passes)
      #expect(try fixture.send(packet, .egress) == .drops(.invalidSource))
    }
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test func `a pod that routes says so`() throws {
    let fixture = try PodFixture()
    let flags = UInt32(ENDPOINT_PRESENT | ENDPOINT_ROUTER)
    try fixture.datapath.endpoints.setValue(
      endpoint(ipv4: PodFixture.pod, ipv6: Self.pod, flags: flags), at: PodFixture.endpointID)
    for type in [134, 137] as [UInt8] {
      #expect(try fixture.send(Self.neighbor(type, from: Self.local), .egress) == .passes)
      #expect(try fixture.send(Self.neighbor(type, from: Self.pod), .egress) == .drops(.invalid))
    }
  }

  @Test(arguments: [
    ("hop limit 254", neighbor(135, from: pod, hopLimit: 254)),
    ("hop limit 1", neighbor(134, from: router, hopLimit: 1)),
    ("code 1", neighbor(136, from: pod, target: pod, code: 1)),
    ("advertised by nobody", neighbor(136, from: .unspecified, target: pod)),
    ("a router's from a global address", neighbor(134, from: pod)),
    ("redirect from a global address", neighbor(137, from: pod)),
    ("query from a global address", listener(130, from: pod)), ("query of nobody", listener(130, from: .unspecified)),
    ("report from a global address", listener(143, from: pod)),
    ("report with hop limit 255", listener(143, from: local, hopLimit: 255)),
    ("report without options", listener(143, from: local, options: nil)),
    ("report without a router alert", listener(143, from: local, options: [1, 2, 0, 0])),
    ("report with another alert", listener(143, from: local, options: [5, 2, 0, 1])),
    ("report with longer options", listener(143, from: local, options: alert + [UInt8](repeating: 0, count: 10))),
  ])
  func `what a receiver has to discard does not pass`(what: String, packet: Packet) throws {
    let fixture = try PodFixture()
    #expect(try fixture.send(packet, .egress) == .drops(.invalid))
    #expect(try fixture.send(packet, .ingress) == .drops(.invalid))
  }

  @Test(arguments: [133, 134, 135, 136, 137, 130, 131, 132, 143] as [UInt8])
  func `messages cut at any byte are invalid`(type: UInt8) throws {
    let fixture = try PodFixture()
    let whole =
      type < 133 || type > 137
      ? Self.listener(type, from: Self.router) : Self.neighbor(type, from: Self.router, target: Self.local)
    #expect(try fixture.send(whole, .ingress) == .passes)
    var short = whole
    let length = whole.bytes.count - 54
    for cut in 0..<length {
      short.ipv6?.payloadLength = UInt16(cut)
      #expect(try fixture.send(short, .egress) == .drops(.invalid), "\(cut) bytes promised")
      #expect(try fixture.send(Array(whole.bytes.prefix(54 + cut)), .ingress) == .drops(.invalid), "\(cut) bytes sent")
    }
  }

  @Test(arguments: [
    ("solicits from another's address", neighbor(135, from: peer)),
    ("asks for routers from another's address", neighbor(133, from: peer)),
    ("answers for another", neighbor(136, from: pod, target: peer)),
    ("answers for another from its own link-local address", neighbor(136, from: local, target: peer)),
    ("wants another's address", neighbor(135, from: .unspecified, target: peer)),
  ])
  func `a pod that speaks for another is dropped, and its peer's words pass`(what: String, packet: Packet) throws {
    let fixture = try PodFixture()
    #expect(try fixture.send(packet, .egress) == .drops(.invalidSource))
    #expect(try fixture.send(packet, .ingress) == .passes)
  }

  @Test func `fragments of discovery do not pass`() throws {
    let fixture = try PodFixture()
    let whole = Self.neighbor(135, from: Self.pod)
    let first = Packet(
      layers: Array(whole.layers.prefix(2)) + [.ipv6Fragment(offset: 0, hasMore: true, identification: 9)]
        + whole.layers.dropFirst(2), payload: whole.payload)
    #expect(try fixture.send(first, .egress) == .drops(.invalid))
    #expect(try fixture.send(first, .ingress) == .drops(.invalid))
  }

  @Test(arguments: [Message.udp(from: 546, to: 547), .echoRequest(identifier: 1), .icmp(type: 1, code: 0), .other(59)])
  func `link-local and unspecified sources serve discovery alone`(message: Message) throws {
    let fixture = try PodFixture()
    for source in [Self.local, .unspecified] {
      let packet = message.packet(from: .v6(source), to: Family.v6.peer)
      #expect(try fixture.send(packet, .egress) == .drops(.invalidSource))
    }
  }
}
