// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Fragments", .serialized, .requires(.root))
struct FragmentTests {
  typealias Rule = PodFixture.Rule
  static let payload = [UInt8](repeating: 7, count: 100)

  static func fixture() throws -> PodFixture {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4, ipProtocol: .udp, ports: .exact(80))])
    return fixture
  }

  /// The pieces of a message, `data` bytes each, or behind options of 8 bytes that are cut with it.
  static func fragments(
    _ message: Message, from source: IPAddress, to destination: IPAddress, of data: Int = 32,
    identification: UInt32 = 1, behindOptions: Bool = false
  ) throws -> [Packet] {
    var packet = message.packet(from: source, to: destination, payload: payload)
    packet.ipv4?.identification = UInt16(identification)
    if behindOptions { packet.layers.insert(.destinationOptions([]), at: 2) }
    let headers = packet.ipv4 == nil ? 48 : 20
    return try packet.fragments(mtu: headers + data, identification: identification)
  }

  /// One fragment with the given bytes: what no honest sender would cut.
  static func fragment(_ family: Family, _ number: UInt8, at offset: Int, hasMore: Bool, bytes: [UInt8]) -> Packet {
    if family == .v4 {
      return Packet(
        .ethernet(),
        .ipv4(from: family.pod.v4, to: family.peer.v4) {
          $0.protocolNumber = number
          $0.fragmentOffset = UInt16(offset)
          $0.hasMoreFragments = hasMore
        }, payload: bytes)
    }
    return Packet(
      .ethernet(), .ipv6(from: family.pod.v6, to: family.peer.v6),
      .ipv6Fragment(offset: UInt16(offset), hasMore: hasMore, identification: 1, nextHeader: number), payload: bytes)
  }

  @Test(arguments: Family.allCases, [false, true])
  func `later fragments have the first one's ports, in both directions`(family: Family, options: Bool) throws {
    guard family == .v6 || !options else { return }
    let fixture = try Self.fixture()
    let request = try Self.fragments(
      .udp(from: 1000, to: 80), from: family.pod, to: family.peer, behindOptions: options)
    #expect(request.count == (options ? 4 : 4))
    for fragment in request { #expect(try fixture.send(fragment, .egress) == .passes) }
    let reply = try Self.fragments(
      .udp(from: 80, to: 1000), from: family.peer, to: family.pod, behindOptions: options)
    for fragment in reply { #expect(try fixture.send(fragment, .ingress) == .passes) }
    #expect(try fixture.datapath.flows.entries().count == 1)
  }

  @Test(arguments: Family.allCases)
  func `fragments of a denied packet are denied one by one`(family: Family) throws {
    let fixture = try Self.fixture()
    let fragments = try Self.fragments(.udp(from: 1000, to: 81), from: family.pod, to: family.peer)
    for fragment in fragments { #expect(try fixture.send(fragment, .egress) == .drops(.policy)) }
  }

  @Test(arguments: Family.allCases)
  func `a fragment without its first matches only rules without ports`(family: Family) throws {
    let fixture = try Self.fixture()
    func fragment(_ index: Int, _ identification: UInt32 = 1) throws -> Packet {
      try Self.fragments(
        .udp(from: 1000, to: 80), from: family.pod, to: family.peer, identification: identification)[index]
    }
    #expect(try fixture.send(fragment(1), .egress) == .drops(.policy))
    #expect(try fixture.send(fragment(0), .egress) == .passes)
    #expect(try fixture.send(fragment(1), .egress) == .passes)
    #expect(try fixture.send(fragment(1, 2), .egress) == .drops(.policy))
    // All ports of a protocol are ports too: a rule without any is one of all protocols.
    try fixture.publish(generation: 2, egress: [Rule(classID: 4, ipProtocol: .udp)])
    #expect(try fixture.send(fragment(1, 2), .egress) == .drops(.policy))
    try fixture.publish(generation: 3, egress: [Rule(classID: 4)])
    #expect(try fixture.send(fragment(1, 2), .egress) == .passes)
  }

  @Test(arguments: Family.allCases)
  func `what one direction learnt is not known in the other`(family: Family) throws {
    let fixture = try Self.fixture()
    let sent = try Self.fragments(.udp(from: 1000, to: 80), from: family.pod, to: family.peer)
    #expect(try fixture.send(sent[0], .egress) == .passes)
    let received = try Self.fragments(.udp(from: 80, to: 1000), from: family.peer, to: family.pod)
    #expect(try fixture.send(received[1], .ingress) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `fragments of a large ping pass both ways`(family: Family) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [Rule(classID: 4)])
    let request = try Self.fragments(.echoRequest(identifier: 9), from: family.pod, to: family.peer, of: 48)
    let reply = try Self.fragments(.echoReply(identifier: 9), from: family.peer, to: family.pod, of: 48)
    for fragment in request { #expect(try fixture.send(fragment, .egress) == .passes) }
    for fragment in reply { #expect(try fixture.send(fragment, .ingress) == .passes) }
  }

  @Test(arguments: Family.allCases)
  func `a first fragment without a whole transport header is invalid`(family: Family) throws {
    let fixture = try Self.fixture()
    for number in [UInt8(6), 17, 132, family.icmp.rawValue] {
      let fragment = Self.fragment(family, number, at: 0, hasMore: true, bytes: [0, 1, 0, 80, 0, 0, 0])
      #expect(try fixture.send(fragment, .egress) == .drops(.invalid))
    }
  }

  @Test(
    arguments: [
      (UInt8(6), 8, true), (6, 16, true), (6, 24, false), (132, 8, true), (132, 16, false), (17, 8, false),
    ], Family.allCases)
  func `a later fragment may not reach into the transport header`(
    kind: (number: UInt8, offset: Int, isInvalid: Bool), family: Family
  ) throws {
    let fixture = try PodFixture()
    let fragment = Self.fragment(
      family, kind.number, at: kind.offset, hasMore: false, bytes: [UInt8](repeating: 2, count: 16))
    #expect(try fixture.send(fragment, .egress) == (kind.isInvalid ? .drops(.invalid) : .passes))
  }

  @Test func `an IPv6 packet that is its only fragment is whole`() throws {
    let fixture = try Self.fixture()
    let whole = Message.udp(from: 1000, to: 80).packet(from: Family.v6.pod, to: Family.v6.peer, payload: Self.payload)
    var atomic = whole
    atomic.layers.insert(.ipv6Fragment(offset: 0, hasMore: false, identification: 1), at: 2)
    #expect(try fixture.send(atomic, .egress) == .passes)
    let later = try Self.fragments(.udp(from: 1000, to: 80), from: Family.v6.pod, to: Family.v6.peer)[1]
    #expect(try fixture.send(later, .egress) == .drops(.policy))
  }
}
