// SPDX-License-Identifier: Apache-2.0

import BPFMaps
import BPFTesting
import CDatapathABI
import DatapathPrograms
import KernelTestSupport
import LinuxSystem
import NetworkTypes
import Testing

/// Which backends flows name, so that the numbers of the others can be used again.
@Suite("Backends in use", .serialized, .requires(.root))
struct BackendsInUseTests {
  typealias Backend = TestServices.Backend

  private func ask(_ fixture: borrowing PodFixture, _ family: Family, from port: UInt16, _ flags: TCPHeader.Flags)
    throws
  {
    _ = try fixture.run(
      Message.tcp(from: port, to: 80, flags: flags).packet(from: family.pod, to: family.vip), .egress)
  }

  @Test(arguments: Family.allCases)
  func `a backend is in use from a connection's first packet until a while after its last`(family: Family) throws {
    let made = try ServiceTests.fixture(family)
    let number = made.written.backends[0]
    let services = made.services
    let fixture = made.pod
    let datapath = fixture.datapath
    func used() throws -> Set<UInt32> { try datapath.backendsInUse(among: [number, number + 1, 1 << 30]) }
    #expect(try used() == [])
    try ask(fixture, family, from: 1000, .syn)
    #expect(try used() == [number])
    let reply = Message.tcp(from: 8080, to: 1000, flags: [.syn, .ack]).packet(from: family.peer, to: family.pod)
    _ = try fixture.run(reply, .ingress)
    try fixture.ageFlows(bySeconds: 7900)
    #expect(try used() == [number], "a connection that is idle for two hours goes on")
    #expect(try fixture.datapath.backendsInUse(among: [number + 1]) == [])
    // The number's next use is not what the flow names.
    var record = services.maps.backends[number]
    record.epoch += 1
    services.maps.backends[number] = record
    #expect(try used() == [])
    record.epoch -= 1
    services.maps.backends[number] = record
    #expect(try used() == [number])

    try ask(fixture, family, from: 1000, .rst)
    #expect(try used() == [number], "packets that are under way still need it")
    try fixture.ageFlows(bySeconds: 11)
    #expect(try used() == [])
    // Another connection is enough.
    try ask(fixture, family, from: 1001, .syn)
    #expect(try used() == [number])
    try fixture.ageFlows(bySeconds: 61)
    #expect(try used() == [], "nobody answered")
  }

  @Test(arguments: Family.allCases)
  func `a connection with another port on the wire, and one to the pod itself, are found closed`(family: Family) throws
  {
    let services = try TestServices()
    let written = try services.add(family.vip, 80, to: [Backend(address: family.peer, port: 8080)])
    let own = try services.add(family.otherVIP, 80, to: [Backend(address: family.pod, port: 8080)])
    let fixture = try PodFixture(services: services.maps)
    let numbers = Set(written.backends + own.backends)
    // The pod talks to the backend itself from the same port, so that the service's connection gets another one.
    _ = try fixture.run(
      Message.tcp(from: 1000, to: 8080, flags: .syn).packet(from: family.pod, to: family.peer), .egress)
    for vip in [family.vip, family.otherVIP] {
      _ = try fixture.run(Message.tcp(from: 1000, to: 80, flags: .syn).packet(from: family.pod, to: vip), .egress)
    }
    let choices = try fixture.datapath.flows.entries().filter { $0.1.flags & UInt32(FLOW_SERVICE) != 0 }
    #expect(choices.count == 2 && choices.contains { $0.1.flags >> UInt32(FLOW_PORT_SHIFT) != 0 })
    #expect(try fixture.datapath.backendsInUse(among: numbers) == numbers)
    for vip in [family.vip, family.otherVIP] {
      _ = try fixture.run(Message.tcp(from: 1000, to: 80, flags: .rst).packet(from: family.pod, to: vip), .egress)
    }
    try fixture.ageFlows(bySeconds: 11)
    #expect(try fixture.datapath.backendsInUse(among: numbers) == [])
  }

  @Test func `of many flows each is looked at`() throws {
    let services = try TestServices()
    // More than a batch, on a backend that is not asked for; one at the end, wherever that is.
    let busy = try services.add(Family.v4.vip, 80, to: [Backend(address: Family.v4.peer, port: 8080)])
    let rare = try services.add(Family.v4.otherVIP, 80, to: [Backend(address: Family.v4.stranger, port: 8080)])
    let fixture = try PodFixture(
      try PodDatapath.load(pinDirectory: nil, limits: DatapathLimits(flows: 16_384), services: services.maps))
    for port in UInt16(1000)..<2200 { try ask(fixture, .v4, from: port, .syn) }
    _ = try fixture.run(
      Message.tcp(from: 999, to: 80, flags: .syn).packet(from: Family.v4.pod, to: Family.v4.otherVIP), .egress)
    #expect(try fixture.datapath.flows.entries().count == 2402)
    #expect(try fixture.datapath.backendsInUse(among: Set(rare.backends)) == Set(rare.backends))
    #expect(
      try fixture.datapath.backendsInUse(among: Set(busy.backends + rare.backends))
        == Set(busy.backends + rare.backends))
  }

  @Test func `programs that know no services name no backend`() throws {
    let fixture = try PodFixture()
    #expect(try fixture.fromPod(.udp(from: 1, to: 53)) == .passes)
    #expect(try fixture.datapath.backendsInUse(among: [1]) == [])
  }

  @Test func `clients outside keep a backend in use, wherever it is`() throws {
    let fixture = try NodeFixture()
    let family = Family.v4
    let written = try fixture.services.add(
      family.vip, 80, to: [Backend(address: family.pod, port: 8080), Backend(address: family.peer, port: 8080)],
      flags: NodeFixture.external)
    let numbers = Set(written.backends)
    let services = fixture.services.maps
    #expect(try fixture.node.backendsInUse(among: numbers, of: services) == [])
    for port in UInt16(1000)..<1064 {
      _ = try fixture.run(
        Message.tcp(from: port, to: 80, flags: .syn).packet(from: family.stranger, to: family.vip), .ingress)
    }
    #expect(try fixture.node.backendsInUse(among: numbers, of: services) == numbers)
    for (key, flow) in try fixture.node.flows.entries() where flow.backend == written.backends[0] {
      var older = flow
      older.last_seen &-= 61 * 1_000_000_000
      try fixture.node.flows.updateValue(older, forKey: key)
    }
    #expect(try fixture.node.backendsInUse(among: numbers, of: services) == [written.backends[1]])
  }
}
