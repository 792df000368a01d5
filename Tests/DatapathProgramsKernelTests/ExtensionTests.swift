// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("IPv6 extension headers", .serialized, .requires(.root))
struct ExtensionTests {
  static let pod = Family.v6.pod.v6
  static let peer = Family.v6.peer.v6

  static func packet(_ extensions: [Layer], _ transport: Layer = .udp(from: 1000, to: 53)) -> Packet {
    Packet(layers: [.ethernet(), .ipv6(from: pod, to: peer)] + extensions + [transport], payload: [1, 2, 3])
  }

  static func route(type: UInt8 = 2, segmentsLeft: UInt8) -> Layer {
    .ipv6Extension(.init(.routing(type: type, segmentsLeft: segmentsLeft, data: [UInt8](repeating: 0, count: 20))))
  }

  static let atomic = Layer.ipv6Fragment(offset: 0, hasMore: false, identification: 1)
  static let option = Layer.destinationOptions([])

  @Test(arguments: [
    [.hopByHop(options: [])], [option], [route(segmentsLeft: 0)], [atomic],
    [.hopByHop(options: []), option, route(segmentsLeft: 0), atomic, option],
    [.hopByHop(options: [UInt8](repeating: 0, count: 2046))], [option, option, option, option, option, option],
  ])
  func `ports are found behind extension headers`(extensions: [Layer]) throws {
    let fixture = try PodFixture()
    try fixture.publish(ingress: [], egress: [.init(classID: 4, ipProtocol: .udp, ports: .exact(53))])
    #expect(try fixture.send(Self.packet(extensions), .egress) == .passes)
    #expect(try fixture.send(Self.packet(extensions, .udp(from: 1000, to: 54)), .egress) == .drops(.policy))
    #expect(try fixture.send(Self.packet(extensions, .tcp(from: 1000, to: 53)), .egress) == .drops(.policy))
    #expect(try fixture.toPod(.udp(from: 53, to: 1000), .v6) == .passes)
    #expect(try fixture.datapath.flows.entries().count == 1)
  }

  @Test(arguments: [Layer.tcp(from: 1, to: 80, flags: .syn), .sctp(from: 1, to: 2), .echoRequestV6(identifier: 4)])
  func `every transport is read behind them`(transport: Layer) throws {
    let fixture = try PodFixture()
    let packet = Self.packet([Self.option], transport)
    #expect(try fixture.send(packet, .egress) == .passes)
    #expect(try fixture.datapath.flows.entries().count == 1)
    for cut in (62..<packet.bytes.count) {
      #expect(try fixture.send(Array(packet.bytes.prefix(cut)), .egress) == .drops(.invalid), "cut at byte \(cut)")
    }
  }

  @Test(arguments: [
    ("seven of them", [Layer](repeating: option, count: 7)),
    ("hop-by-hop options in the middle", [option, .hopByHop(options: [])]),
    ("a route with a segment left", [route(segmentsLeft: 1)]), ("route type 0", [route(type: 0, segmentsLeft: 1)]),
    ("two places of a fragment", [atomic, atomic]),
  ])
  func `what is too many, out of place or not at its end does not pass`(what: String, extensions: [Layer]) throws {
    let fixture = try PodFixture()
    let packet = Self.packet(extensions)
    #expect(try fixture.send(packet, .egress) == .drops(.invalidExtensionHeader))
    #expect(try fixture.send(packet, .ingress) == .drops(.invalidExtensionHeader))
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test func `an extension header beyond the packet is invalid`() throws {
    let fixture = try PodFixture()
    var frame = Self.packet([Self.option]).bytes
    for length in [UInt8(3), 4, 255] {
      frame[55] = length
      #expect(try fixture.send(frame, .egress) == .drops(.invalid), "\(length)")
    }
    // Bytes behind the payload are padding.
    var short = Self.packet([Self.option])
    for length in UInt16(0)..<16 {
      short.ipv6?.payloadLength = length
      #expect(try fixture.send(short, .egress) == .drops(.invalid), "\(length) bytes promised")
    }
  }

  @Test func `no next header is a protocol without ports`() throws {
    let fixture = try PodFixture()
    var packet = Self.packet([Self.option])
    packet.layers = Array(packet.layers.prefix(2)) + [.ipv6Extension(.init(.destination(options: []), nextHeader: 59))]
    #expect(try fixture.send(packet, .egress) == .passes)
    try fixture.publish(egress: [])
    #expect(try fixture.send(packet, .egress) == .drops(.unknownProtocol))
  }
}
