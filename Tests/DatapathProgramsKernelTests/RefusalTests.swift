// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Services without a backend", .serialized, .requires(.root))
struct RefusalTests {
  static func fixture(_ family: Family, _ ipProtocol: IPProtocol, flags: UInt32 = 0) throws -> ServiceFixture {
    let services = try TestServices()
    let written = try services.add(family.vip, 80, ipProtocol, to: [], flags: flags)
    let fixture = try PodFixture(services: services.maps)
    try fixture.publish(ingress: [], egress: [])
    return ServiceFixture(pod: fixture, services: services, written: written)
  }

  /// What tells the pod that nobody is there.
  static func refusal(of packet: Packet, _ family: Family, quoting bytes: Int) -> Packet {
    var error = ICMPTests.error(
      family == .v4 ? 3 : 1, family == .v4 ? 3 : 4, packet, from: family.vip, to: family.pod, transportBytes: bytes)
    if var header = error.ipv4 {
      (header.identification, header.isUnfragmentable, header.trafficClass) = (0, true, 0xc0)
      error.ipv4 = header
    }
    error.ethernet = EthernetHeader(from: .receiver, to: .sender, type: nil)
    return Packet(parsing: error.bytes)
  }

  @Test(arguments: [(0, 20), (1, 8), (2, 12)], Family.allCases)
  func `the pod is told at once that the port is unreachable, and believes it`(
    kind: (number: Int, bytes: Int), family: Family
  ) throws {
    let (ipProtocol, message, _) = ServiceTests.protocols[kind.number]
    let made = try Self.fixture(family, ipProtocol)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let request = message(1000, 80).packet(
      from: family.pod, to: family.vip, payload: [UInt8](repeating: 7, count: 100))
    let refusal = try fixture.returned(request)
    #expect(refusal == Self.refusal(of: request, family, quoting: kind.bytes))
    #expect(
      try fixture.datapath.readDropCounters() == [.noService: DropCount(packets: 1, bytes: UInt64(request.bytes.count))]
    )
    #expect(try services.maps.counters.values(at: written.index)?.reduce(0) { $0 + $1.refused } == 1)
    #expect(try fixture.datapath.flows.entries().isEmpty)
    // The isolated pod's own gate lets it in, because it can be checked.
    #expect(try fixture.run(refusal, .ingress) == .passes(refusal))
    // Once there is a backend it is a lie.
    try services.removeFrontend(family.vip, 80, ipProtocol)
    try services.add(family.vip, 80, ipProtocol, to: [.init(address: family.peer, port: 80)])
    #expect(try fixture.run(refusal, .ingress) == .drops(.policy))
  }

  /// What ends the connection that a client asks for.
  static func reset(of packet: Packet, _ family: Family, for client: IPAddress) -> Packet {
    guard let request = packet.tcp else { return packet }
    var reset = Message.tcp(from: request.destinationPort, to: request.sourcePort, flags: [.rst, .ack])
      .packet(from: family.vip, to: client)
    reset.tcp?.acknowledgement = request.sequence &+ 1
    reset.tcp?.window = 0
    if var header = reset.ipv4 {
      (header.identification, header.isUnfragmentable) = (0, true)
      reset.ipv4 = header
    }
    reset.ethernet = EthernetHeader(from: .receiver, to: .sender, type: nil)
    return Packet(parsing: reset.bytes)
  }

  @Test(arguments: Family.allCases, [0, 4, 20, 40])
  func `a connection that is asked for is reset, whatever its options, and the pod believes it`(
    family: Family, optionBytes: Int
  ) throws {
    let made = try Self.fixture(family, .tcp)
    let services = made.services
    let fixture = made.pod
    var request = Message.tcp(from: 1000, to: 80, flags: [.syn, .ece, .cwr]).packet(from: family.pod, to: family.vip)
    request.tcp?.sequence = 0xffff_ffff
    request.tcp?.options = optionBytes == 0 ? [] : [.maximumSegmentSize(1460)]
    request.tcp?.options += Array(repeating: .noOperation, count: max(optionBytes - 4, 0))
    #expect(request.bytes.count == family.transportOffset + 20 + optionBytes)
    let reset = try fixture.returned(request)
    #expect(reset == Self.reset(of: request, family, for: family.pod))
    #expect(try fixture.datapath.flows.entries().isEmpty)
    #expect(try fixture.run(reset, .ingress) == .passes(reset))
    // What says anything else than a reset is policy's business, and so is a reset once there is a backend.
    var lie = reset
    lie.tcp?.flags = [.syn, .ack]
    lie.tcp?.checksum = .correct
    #expect(try fixture.run(lie, .ingress) == .drops(.policy))
    try services.removeFrontend(family.vip, 80, .tcp)
    try services.add(family.vip, 80, .tcp, to: [.init(address: family.peer, port: 80)])
    #expect(try fixture.run(reset, .ingress) == .drops(.policy))
  }

  @Test(arguments: Family.allCases)
  func `long headers are quoted as they are`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let fixture = made.pod
    var request = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    if family == .v4 { request.ipv4?.options = [UInt8](repeating: 1, count: 40) }
    if family == .v6 { request.layers.insert(.destinationOptions([]), at: 2) }
    #expect(
      try fixture.returned(request) == Self.refusal(of: request, family, quoting: family == .v4 ? 8 : 16))
  }

  @Test(arguments: Family.allCases)
  func `too many are dropped without a word`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let fixture = made.pod
    let request = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    var (told, silent) = (0, 0)
    for _ in 0..<20_000 {
      switch try fixture.run(request, .egress) {
      case .returns: told += 1
      case .drops(.noService): silent += 1
      case let other: Issue.record("\(other)")
      }
      if silent > 10 { break }
    }
    #expect(silent > 10 && told >= 100, "\(told) told, \(silent) silent")
  }

  @Test(arguments: Family.allCases)
  func `a policy of Local without a backend here drops without a word`(family: Family) throws {
    let services = try TestServices()
    let written = try services.add(
      family.vip, 80, to: [.init(address: family.peer, port: 8080)], flags: UInt32(FRONTEND_INTERNAL_LOCAL))
    let fixture = try PodFixture(services: services.maps)
    let request = Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    #expect(try fixture.run(request, .egress) == .drops(.notLocal))
    #expect(try services.maps.counters.values(at: written.index)?.reduce(0) { $0 + $1.not_local } == 1)
    // Without one anywhere the policy does not matter: the pod is told, and believes it.
    try services.add(family.vip, 81, to: [], flags: UInt32(FRONTEND_INTERNAL_LOCAL))
    let other = Message.tcp(from: 1000, to: 81, flags: .syn).packet(from: family.pod, to: family.vip)
    let reset = try fixture.returned(other)
    #expect(reset == Self.reset(of: other, family, for: family.pod))
    #expect(try fixture.run(reset, .ingress) == .passes(reset))
    // One that is here is used, the others are not.
    try services.add(
      family.otherVIP, 80,
      to: [.init(address: family.peer, port: 8080), .init(address: family.stranger, port: 8080, isLocal: true)],
      flags: UInt32(FRONTEND_INTERNAL_LOCAL))
    for port in UInt16(1000)..<1016 {
      let packet = Message.tcp(from: port, to: 80, flags: .syn).packet(from: family.pod, to: family.otherVIP)
      #expect(try fixture.pass(packet, .egress).destination.address == family.stranger)
    }
  }

  @Test(arguments: Family.allCases)
  func `a service that gets a backend serves the next packet`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let services = made.services
    let fixture = made.pod
    try fixture.publish(generation: 2)
    let request = Message.udp(from: 1000, to: 80).packet(from: family.pod, to: family.vip)
    _ = try fixture.returned(request)
    try services.removeFrontend(family.vip, 80, .udp)
    try services.add(family.vip, 80, .udp, to: [.init(address: family.peer, port: 8080)])
    #expect(try fixture.pass(request, .egress).destination == (family.peer, 8080))
  }
}
