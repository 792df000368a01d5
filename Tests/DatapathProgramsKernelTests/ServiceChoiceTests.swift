// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

@Suite("Choice of a backend at pods", .serialized, .requires(.root))
struct ServiceChoiceTests {
  typealias Backend = TestServices.Backend

  /// A service with two backends.
  static func fixture(
    _ family: Family, _ ipProtocol: IPProtocol = .tcp, flags: UInt32 = 0,
    configuration: service_config = service_config()
  ) throws -> ServiceFixture {
    let services = try TestServices()
    let written = try services.add(
      family.vip, 80, ipProtocol,
      to: [Backend(address: family.peer, port: 8080), Backend(address: family.stranger, port: 8080)],
      flags: flags, configuration: configuration)
    return ServiceFixture(pod: try PodFixture(services: services.maps), services: services, written: written)
  }

  static func send(
    _ fixture: borrowing PodFixture, _ message: Message, _ family: Family, to address: IPAddress? = nil
  ) throws -> (address: IPAddress, port: UInt16) {
    try fixture.pass(message.packet(from: family.pod, to: address ?? family.vip), .egress).destination
  }

  /// The number of the backend with this address.
  static func number(of address: IPAddress, in family: Family, _ written: TestServices.Service) -> UInt32 {
    written.backends[address == family.peer ? 0 : 1]
  }

  @Test(arguments: Family.allCases)
  func `new flows use all backends, a flow keeps its own`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    var seen: Set<IPAddress> = []
    for port in UInt16(1000)..<1064 {
      let first = try Self.send(fixture, .tcp(from: port, to: 80, flags: .syn), family)
      #expect(try Self.send(fixture, .tcp(from: port, to: 80, flags: .syn), family) == first)
      #expect(try Self.send(fixture, .tcp(from: port, to: 80), family) == first)
      seen.insert(first.address)
    }
    #expect(seen == [family.peer, family.stranger])
  }

  @Test(arguments: [BACKEND_TERMINATING, BACKEND_GONE], Family.allCases)
  func `a TCP connection stays with a backend that ends, a new one goes elsewhere`(
    state: Int32, family: Family
  ) throws {
    let made = try Self.fixture(family)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let first = try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family)
    services.setState(state, ofBackend: Self.number(of: first.address, in: family, written), of: written)
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80), family) == first)
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80, flags: [.fin, .ack]), family) == first)
    let next = try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family)
    #expect(next.address != first.address)
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80), family) == next)
  }

  @Test(arguments: Family.allCases)
  func `a UDP flow stays with a backend that terminates, and moves at once when it is gone`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let first = try Self.send(fixture, .udp(from: 1000, to: 80), family)
    let number = Self.number(of: first.address, in: family, written)
    services.setState(BACKEND_TERMINATING, ofBackend: number, of: written)
    #expect(try Self.send(fixture, .udp(from: 1000, to: 80), family) == first)
    services.setState(BACKEND_GONE, ofBackend: number, of: written)
    #expect(try Self.send(fixture, .udp(from: 1000, to: 80), family).address != first.address)
  }

  @Test(arguments: Family.allCases)
  func `an index that was used again is not taken for the old backend`(family: Family) throws {
    let made = try Self.fixture(family, .udp)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let first = try Self.send(fixture, .udp(from: 1000, to: 80), family)
    let number = Self.number(of: first.address, in: family, written)
    services.setState(BACKEND_GONE, ofBackend: number, of: written)
    var record = services.maps.backends[number]
    (record.epoch, record.state, record.port) = (record.epoch + 1, UInt8(BACKEND_ACTIVE), UInt16(9999).bigEndian)
    services.maps.backends[number] = record
    let next = try Self.send(fixture, .udp(from: 1000, to: 80), family)
    #expect(next.port == 8080 && next.address != first.address)
  }

  @Test(arguments: Family.allCases)
  func `another connection from the port of a closed one chooses anew`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    var seen: Set<IPAddress> = []
    for _ in 0..<64 where seen.count < 2 {
      let destination = try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family)
      let reset = Message.tcp(from: 8080, to: 1000, flags: [.rst, .ack])
      #expect(
        try fixture.pass(reset.packet(from: destination.address, to: family.pod), .ingress).source == (family.vip, 80))
      seen.insert(destination.address)
    }
    #expect(seen == [family.peer, family.stranger])
  }

  @Test(arguments: Family.allCases)
  func `a reset without a connection reaches no backend`(family: Family) throws {
    let made = try Self.fixture(family)
    let fixture = made.pod
    for flags in [TCPHeader.Flags.rst, [.fin, .ack], [.syn, .ack]] {
      let packet = Message.tcp(from: 1000, to: 80, flags: flags).packet(from: family.pod, to: family.vip)
      #expect(try fixture.run(packet, .egress) == .drops(.noMapping))
    }
    #expect(try fixture.datapath.flows.entries().isEmpty)
  }

  @Test(arguments: Family.allCases)
  func `with session affinity a client keeps its backend while it may`(family: Family) throws {
    var configuration = service_config()
    configuration.affinity_seconds = 600
    let made = try Self.fixture(
      family, flags: UInt32(FRONTEND_CONFIGURED), configuration: configuration)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let first = try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family)
    for port in UInt16(1001)..<1032 {
      #expect(try Self.send(fixture, .tcp(from: port, to: 80, flags: .syn), family) == first)
    }
    services.setState(
      BACKEND_TERMINATING, ofBackend: Self.number(of: first.address, in: family, written), of: written)
    let next = try Self.send(fixture, .tcp(from: 2000, to: 80, flags: .syn), family)
    #expect(next.address != first.address)
    // The older connection is not affinity's business.
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80), family) == first)
  }

  @Test(arguments: Family.allCases)
  func `least load counts connections up when they begin and down when they end`(family: Family) throws {
    var configuration = service_config()
    configuration.algorithm = UInt8(SERVICE_LEAST_LOAD)
    let made = try Self.fixture(
      family, flags: UInt32(FRONTEND_CONFIGURED), configuration: configuration)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    func load() -> [UInt32] { written.backends.map { services.maps.backends[$0].load } }
    var ends: [(UInt16, IPAddress)] = []
    for port in UInt16(1000)..<1020 {
      ends.append((port, try Self.send(fixture, .tcp(from: port, to: 80, flags: .syn), family).address))
    }
    #expect(load().reduce(0, +) == 20 && load().allSatisfy { $0 > 4 }, "\(load())")
    for (port, address) in ends.prefix(10) {
      let reset = Message.tcp(from: 8080, to: port, flags: .rst).packet(from: address, to: family.pod)
      _ = try fixture.pass(reset, .ingress)
      _ = try fixture.pass(reset, .ingress)
    }
    for (port, _) in ends.suffix(10) { _ = try Self.send(fixture, .tcp(from: port, to: 80, flags: .rst), family) }
    #expect(load() == [0, 0])
    // What policy refuses never began.
    try fixture.publish(ingress: [], egress: [])
    let refused = Message.tcp(from: 3000, to: 80, flags: .syn).packet(from: family.pod, to: family.vip)
    for _ in 0..<3 { #expect(try fixture.run(refused, .egress) == .drops(.policy)) }
    #expect(load() == [0, 0])
  }

  @Test(arguments: Family.allCases)
  func `a service that was made again at the same address is another one`(family: Family) throws {
    let made = try Self.fixture(family)
    let services = made.services
    let written = made.written
    let fixture = made.pod
    let first = try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family)
    try services.removeFrontend(family.vip, 80)
    for number in written.backends { services.setState(BACKEND_GONE, ofBackend: number, of: written) }
    // Nothing is there: the pod's next connection is to the address itself.
    #expect(try Self.send(fixture, .tcp(from: 1001, to: 80, flags: .syn), family) == (family.vip, 80))
    try services.add(family.vip, 80, to: [Backend(address: family.router, port: 9090)])
    // The old connection goes on, both ways.
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80), family) == first)
    let reply = Message.tcp(from: 8080, to: 1000).packet(from: first.address, to: family.pod)
    #expect(try fixture.pass(reply, .ingress).source == (family.vip, 80))
    #expect(try Self.send(fixture, .tcp(from: 1001, to: 80, flags: .syn), family) == (family.router, 9090))
    #expect(try Self.send(fixture, .tcp(from: 1000, to: 80, flags: .syn), family) == (family.router, 9090))
    // An index used again is no answer to what the old one asked.
    _ = try Self.send(fixture, .tcp(from: 1003, to: 80, flags: .syn), family)
    var record = services.maps.vips[written.vip + 1]
    record.epoch += 1
    services.maps.vips[written.vip + 1] = record
    let late = Message.tcp(from: 9090, to: 1003, flags: [.syn, .ack]).packet(from: family.router, to: family.pod)
    #expect(try fixture.run(late, .ingress) == .drops(.noMapping))
  }
}
