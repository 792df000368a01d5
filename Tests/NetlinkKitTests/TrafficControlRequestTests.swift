// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

/// Requests of ours are what `tc` sends for the same thing.
@Suite("Traffic control requests beside tc's")
struct TrafficControlRequestTests {
  private let link = InterfaceIndex(rawValue: 3)
  private let peer = InterfaceIndex(rawValue: 2)

  private func expect(_ request: some NetlinkRequest, like name: String) throws {
    let fixture = try Fixture("tc-request-" + name)
    try fixture.expectRoundTrip(headerSize: TrafficControl.headerSize) { message, span, writer in
      #expect(Int(message.type) == request.type)
      // All but "acknowledge", which the socket adds.
      #expect(Int(message.flags) & ~4 == request.flags | 1)
      #expect(request.objection == nil)
      request.encode(into: writer)
    }
  }

  private static var settings: [(String, QdiscSettings)] {
    var fq = QdiscSettings.FQ()
    fq.limit = 5000
    fq.flowLimit = 50
    fq.quantum = 3000
    fq.initialQuantum = 20000
    fq.isPacing = false
    fq.maximumRate = .megabits(100)
    fq.bucketsLogarithm = 8
    fq.refillDelay = .milliseconds(50)
    fq.orphanMask = 511
    fq.lowRateThreshold = .megabits(1)
    fq.markThreshold = .milliseconds(4)
    fq.timerSlack = .microseconds(20)
    fq.horizon = .seconds(5)
    fq.dropsBeyondHorizon = false
    var codel = QdiscSettings.FQCodel()
    codel.limit = 2000
    codel.flows = 512
    codel.target = .milliseconds(7)
    codel.interval = .milliseconds(90)
    codel.quantum = 600
    codel.marksCongestion = false
    codel.markThreshold = .milliseconds(3)
    codel.memoryLimit = 8 << 20
    codel.dropBatchSize = 32
    func atm(_ rate: TrafficRate) -> RateLimit {
      RateLimit(rate, overhead: 20, minimumPacketSize: 64, linkLayer: .atm)
    }
    return [
      ("fq", .fq(fq)), ("fq-default", .fq()), ("fqcodel", .fqCodel(codel)), ("fqcodel-default", .fqCodel()),
      (
        "tbf",
        .tbf(
          .init(
            rate: atm(.megabits(10)), burst: .bytes(10000), limit: 20000,
            peak: .init(atm(.megabits(20)), burst: .bytes(1600))))
      ),
      (
        "tbf-latency",
        .tbf(.init(rate: RateLimit(.megabits(1)), burst: .bytes(5 << 10), latency: .milliseconds(70)))
      ),
      ("tbf-fast", .tbf(.init(rate: RateLimit(.gigabits(40)), burst: .bytes(100 << 10), limit: 300 << 10))),
      ("htb", .htb(.init(defaultClass: 0x20, rateToQuantum: 7, directQueueLength: 500))), ("htb-default", .htb()),
      ("mq", .mq), ("pfifo", .pfifo(limit: 77)), ("bfifo", .bfifo(limit: 77777)),
      ("noqueue", .noqueue),
    ]
  }

  @Test(arguments: settings) func `a qdisc is added as tc does`(name: String, settings: QdiscSettings) throws {
    let qdisc = Qdisc(interface: try #require(link), handle: TrafficHandle(major: 1), settings: settings)
    try expect(ChangeQdisc(change: .add, qdisc: qdisc), like: "qdisc-" + name)
  }

  @Test(arguments: [
    ("prio", QdiscSettings.Bands(count: 4, priorities: .init([1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 3]))),
    ("prio-default", QdiscSettings.Bands()),
  ]) func `bands are what tc sends, but for four bytes that no kernel reads`(
    name: String, bands: QdiscSettings.Bands
  ) throws {
    let theirs = try Fixture("tc-request-qdisc-" + name).bytes
    let writer = MessageWriter()
    writer.begin(type: 0, flags: 0, sequence: 0)
    ChangeQdisc(
      change: .add,
      qdisc: Qdisc(interface: try #require(link), handle: TrafficHandle(major: 1), settings: .prio(bands))
    ).encode(into: writer)
    // tc puts an empty attribute behind the struct, for bands that the device has itself.
    let place = try #require(theirs.indices.first { theirs[$0...].starts(with: [28, 0, 2, 0]) })
    let ours = writer.bytes
    #expect(Array(ours[16..<place]) == Array(theirs[16..<place]))
    #expect(ours[place] == 24)
    #expect(Array(ours[(place + 4)...]) == Array(theirs[(place + 4)..<(place + 24)]))
    #expect(Array(theirs[(place + 24)...]) == [4, 0, 2, 0])
  }

  @Test func `clsact and ingress are added and removed as tc does`() throws {
    let link = try #require(link)
    try expect(ChangeQdisc(change: .add, qdisc: Qdisc(interface: link, settings: .clsact)), like: "qdisc-clsact")
    try expect(ChangeQdisc(change: .add, qdisc: Qdisc(interface: link, settings: .ingress)), like: "qdisc-ingress")
    try expect(
      ChangeQdisc(
        change: .add, qdisc: Qdisc(interface: link, settings: .clsact, ingressBlock: 21, egressBlock: 22)),
      like: "qdisc-clsact-blocks")
    try expect(
      ChangeQdisc(change: .remove, qdisc: Qdisc(interface: link, settings: .clsact)), like: "qdisc-remove-clsact")
  }

  @Test func `a qdisc is changed and replaced as tc does`() throws {
    var codel = QdiscSettings.FQCodel()
    codel.limit = 300
    let link = try #require(link)
    let handle = TrafficHandle(major: 1)
    try expect(
      ChangeQdisc(change: .change, qdisc: Qdisc(interface: link, handle: handle, settings: .fqCodel(codel))),
      like: "qdisc-change")
    codel.limit = 400
    try expect(
      ChangeQdisc(change: .replace, qdisc: Qdisc(interface: link, handle: handle, settings: .fqCodel(codel))),
      like: "qdisc-replace")
  }

  private func htbClass(
    _ parent: UInt16, _ minor: UInt16, _ settings: ClassSettings.HTB
  ) throws -> TrafficClass {
    TrafficClass(
      interface: try #require(link), parent: TrafficHandle(major: 1, minor: parent),
      handle: TrafficHandle(major: 1, minor: minor), settings: .htb(settings))
  }

  @Test func `classes are added, changed and removed as tc does`() throws {
    let full = ClassSettings.HTB(
      rate: RateLimit(.megabits(100)), ceiling: RateLimit(.megabits(200)), burst: .bytes(20 << 10),
      ceilingBurst: .bytes(30 << 10), priority: 3, quantum: 5000)
    try expect(ChangeClass(change: .add, class: htbClass(0, 1, full)), like: "class-htb")
    try expect(
      ChangeClass(change: .add, class: htbClass(1, 0x10, .init(rate: RateLimit(.megabits(5))))),
      like: "class-htb-defaults")
    let fast = ClassSettings.HTB(
      rate: RateLimit(.gigabits(40)), ceiling: RateLimit(.gigabits(80)), burst: .bytes(1 << 20),
      ceilingBurst: .bytes(2 << 20), quantum: 60000)
    try expect(ChangeClass(change: .add, class: htbClass(0, 2, fast)), like: "class-htb-fast")
    func atm(_ rate: TrafficRate) -> RateLimit {
      RateLimit(rate, overhead: 12, minimumPacketSize: 70, linkLayer: .atm)
    }
    try expect(
      ChangeClass(change: .add, class: htbClass(1, 0x11, .init(rate: atm(.megabits(2)), ceiling: atm(.megabits(3))))),
      like: "class-htb-atm")
    try expect(
      ChangeClass(change: .change, class: htbClass(1, 0x10, .init(rate: RateLimit(.megabits(6))))), like: "class-change"
    )
    try expect(
      ChangeClass(change: .replace, class: htbClass(1, 0x10, .init(rate: RateLimit(.megabits(7))))),
      like: "class-replace")
    try expect(
      ChangeClass(change: .remove, class: htbClass(1, 0x10, .init(rate: RateLimit(.megabits(7))))),
      like: "class-remove")
  }

  private func filter(
    _ settings: FilterSettings, at parent: TrafficHandle = .clsactEgress, priority: UInt16 = 7, chain: UInt32 = 0,
    handle: UInt32 = 0, classID: TrafficHandle? = nil, offload: FilterOffload? = nil,
    _ actions: TrafficAction...
  ) throws -> TrafficFilter {
    TrafficFilter(
      on: try #require(link), at: parent, priority: priority, etherType: 0x0800, chain: chain, handle: handle,
      settings: settings, classID: classID, offload: offload, actions: actions)
  }

  private func expect(_ filter: TrafficFilter, like name: String) throws {
    try expect(ChangeFilter(change: .add, filter: filter), like: "filter-" + name)
  }

  @Test func `u32 filters are added and removed as tc does`() throws {
    let peer = try #require(peer)
    let one = TrafficHandle(major: 1)
    let block = try #require(IPv4Address("10.1.0.0"))
    let host = try #require(IPv4Address("10.2.3.4"))
    try expect(
      try filter(
        .u32(.init([.destination(block, prefixLength: 16), .init(80, mask: 0xffff, at: 20)])), at: one, priority: 10,
        classID: TrafficHandle(major: 1, minor: 1)), like: "u32")
    try expect(
      try filter(
        .u32(.init()), at: TrafficHandle(major: 1, minor: 1), priority: 11, classID: TrafficHandle(major: 1, minor: 2)),
      like: "class")
    try expect(try filter(.u32(.init()), .redirect(to: peer, .ingress)), like: "u32-redirect")
    try expect(
      try filter(
        .u32(
          .init([
            .source(host), .init(0x0050_0000, mask: 0xffff_0000, at: 20),
            .init(0x0010_0000, mask: 0x00f0_0000, at: 0, offsetMask: -1),
          ])), offload: .skipHardware, .mirror(to: peer), .redirect(to: peer)), like: "u32-many")
    try expect(
      ChangeFilter(
        change: .remove, filter: try filter(.u32(.init()), at: one, priority: 10, handle: 0x8000_0800)),
      like: "filter-remove")
  }

  @Test func `matchall filters and their actions are added as tc does`() throws {
    let peer = try #require(peer)
    try expect(try filter(.matchall, offload: .skipHardware, .mirror(to: peer)), like: "matchall")
    try expect(
      try filter(.matchall, chain: 3, classID: TrafficHandle(major: 1, minor: 2), .verdict(.pass)),
      like: "matchall-chain")
    let actions: [(String, [TrafficAction])] = [
      (
        "skbedit",
        [
          TrafficAction(
            .skbedit(
              .init(
                priority: TrafficHandle(major: 1, minor: 2), mark: 7, markMask: 0xff, queueMapping: 1, packetType: 0)))
        ]
      ),
      ("skbedit-one", [TrafficAction(.skbedit(.init(mark: 9)))]),
      (
        "tunnel-set",
        [
          TrafficAction(
            .tunnelKey(
              .set(
                .init(
                  source: try #require(IPAddress("10.0.0.1")), destination: try #require(IPAddress("10.0.0.2")),
                  keyID: 77, destinationPort: 4789, hasChecksum: false, tos: 8, ttl: 63)))), .verdict(.drop),
        ]
      ),
      (
        "tunnel-set6",
        [
          TrafficAction(
            .tunnelKey(
              .set(
                .init(
                  source: try #require(IPAddress("fd00::1")), destination: try #require(IPAddress("fd00::2")),
                  keyID: 78, hasChecksum: true))))
        ]
      ),
      ("vlan-push", [TrafficAction(.vlan(.push(.init(id: 5, etherType: 0x88a8, priority: 3))))]),
      ("vlan-pop", [TrafficAction(.vlan(.pop))]), ("vlan-popeth", [TrafficAction(.vlan(.popEthernet))]),
      ("vlan-modify", [TrafficAction(.vlan(.modify(.init(id: 6, priority: 2))))]),
      (
        "vlan-pusheth",
        [
          TrafficAction(
            .vlan(
              .pushEthernet(
                destination: try #require(MACAddress("02:00:00:00:00:01")),
                source: try #require(MACAddress("02:00:00:00:00:02")))))
        ]
      ),
      ("gact-drop", [TrafficAction(.gact(), then: .drop, index: 5)]),
      ("gact-goto", [.verdict(.goToChain(4))]),
      ("gact-random", [TrafficAction(.gact(.init(probability: [2, 0, 10, 0, 2, 0, 0, 0])))]),
      ("gact-trap", [.verdict(.trap)]), ("gact-jump", [.mirror(to: peer), .verdict(.reclassify)]),
    ]
    for (name, actions) in actions {
      var filter = try filter(.matchall)
      filter.actions = actions
      try expect(filter, like: name)
    }
  }

  @Test func `a program is attached, and a filter replaced and removed, as tc does`() throws {
    let link = try #require(link)
    let fixture = try Fixture("tc-request-filter-bpf")
    // The descriptor is whatever `tc` had.
    let place = try #require(fixture.bytes.indices.first { fixture.bytes[$0...].starts(with: [8, 0, 6, 0]) })
    var program = BPFFilter(
      interface: link, direction: .egress, priority: 7, handle: 3,
      programDescriptor: CInt(fixture.bytes[place + 4]), name: "verdict.o:[tc]")
    try expect(ChangeFilter(change: .add, filter: TrafficFilter(program)), like: "filter-bpf")
    program.name = String(repeating: "x", count: 256)
    #expect(ChangeFilter(change: .add, filter: TrafficFilter(program)).objection != nil)
    let filter = TrafficFilter(
      on: link, at: .clsactEgress, priority: 9, etherType: 0x0800, handle: 0x8000_0800, settings: .u32(.init()),
      actions: [.verdict(.pass)])
    try expect(ChangeFilter(change: .replace, filter: filter), like: "filter-replace")
    // Told no protocol, tc says none.
    let other = TrafficFilter(
      on: link, at: .clsactEgress, priority: 7, etherType: 0, handle: 3, settings: .matchall)
    try expect(ChangeFilter(change: .remove, filter: other), like: "filter-remove-matchall")
  }
}
