// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

@Suite("Traffic control values")
struct TrafficControlTests {
  @Test(
    arguments: [
      ("root", 0xffff_ffff), ("none", 0), ("1:", 0x10000), ("1:10", 0x10010), (":10", 0x10), ("ffff:fff1", 0xffff_fff1),
    ] as [(String, UInt32)]) func `a handle is written as tc does, and read`(text: String, number: UInt32)
  {
    #expect(TrafficHandle(rawValue: number).description == text)
    #expect(TrafficHandle(text)?.rawValue == number)
  }

  @Test(arguments: ["", ":", "1", "1:2:3", "10000:", "1:g", "+1:", "1:-2", "root "])
  func `what is no handle is nil`(text: String) { #expect(TrafficHandle(text) == nil) }

  @Test func `handles have names`() {
    #expect(TrafficHandle("clsact") == .clsact)
    #expect(TrafficHandle(major: 1, minor: 0x10).minor == 16)
    #expect(TrafficHandle(major: 0x8001).major == 0x8001)
    #expect(TrafficHandle.clsact(.ingress) == .clsactIngress)
    #expect(TrafficHandle(major: 1) < TrafficHandle(major: 1, minor: 1))
  }

  @Test func `verdicts are written as tc does`() {
    let verdicts: [TrafficVerdict] = [
      .continue, .pass, .reclassify, .drop, .pipe, .stolen, .queued, .repeat, .redirect, .trap, .jump(2), .goToChain(7),
    ]
    #expect(
      verdicts.map(\.description) == [
        "continue", "pass", "reclassify", "drop", "pipe", "stolen", "queued", "repeat", "redirect", "trap", "jump 2",
        "goto chain 7",
      ])
    #expect(TrafficVerdict.goToChain(7).rawValue == 0x2000_0007)
    #expect(TrafficVerdict.jump(.max).skippedActions == 0x0fff_ffff)
    #expect(TrafficVerdict(rawValue: Int32.min).description == "-2147483648")
    #expect(TrafficVerdict.pass.targetChain == nil)
  }

  @Test func `rates are bytes, and never overflow`() {
    #expect(TrafficRate.megabits(10).bytesPerSecond == 1_250_000)
    #expect(TrafficRate(bitsPerSecond: 15).bytesPerSecond == 1)
    #expect(TrafficRate.gigabits(.max).bytesPerSecond == .max)
    #expect(TrafficRate.kilobits(8).description == "8000bit")
    #expect(TrafficRate(bytesPerSecond: .max).description == "18446744073709551615bps")
  }

  @Test func `a burst is bytes or ticks`() {
    // tc: 20 KiB at 100 Mbit/s are 1638 whole microseconds of 15.625 ticks.
    #expect(TrafficBurst.bytes(20 << 10).ticks(at: .megabits(100)) == 25593)
    #expect(TrafficBurst.ticks(25593).bytes(at: .megabits(100)) == 20474)
    #expect(TrafficBurst.ticks(7).ticks(at: .megabits(1)) == 7)
    // Less than a microsecond is not nothing.
    #expect(TrafficBurst.bytes(1600).ticks(at: .gigabits(40)) == 5)
    #expect(TrafficBurst.bytes(0).ticks(at: .gigabits(40)) == 0)
    #expect(TrafficBurst.bytes(1).ticks(at: TrafficRate(bytesPerSecond: 0)) == .max)
    #expect(TrafficBurst.ticks(.max).bytes(at: TrafficRate(bytesPerSecond: .max)) == .max)
    #expect(TrafficBurst.bytes(.max).ticks(at: TrafficRate(bytesPerSecond: 1)) == .max)
  }

  @Test func `a rate table grows with its cells, however large the packets`() {
    let table = TrafficClock.table(of: RateLimit(.megabits(1)), largest: .max)
    #expect(table.logarithm == 24)
    #expect(table.entries.count == 256)
    #expect(table.entries == table.entries.sorted())
    #expect(TrafficClock.table(of: RateLimit(TrafficRate(bytesPerSecond: 0)), largest: 0).entries.last == .max)
  }

  @Test func `the map of priorities is 16 bands`() {
    var map = QdiscSettings.PriorityMap()
    #expect(map.bands == [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    map[15] = 9
    map[0] = 3
    #expect(map.bands.first == 3)
    #expect(map.bands.last == 9)
    #expect(QdiscSettings.PriorityMap(map.bands) == map)
    #expect(QdiscSettings.PriorityMap([1]).bands == [1] + [UInt8](repeating: 0, count: 15))
  }

  private func statistics(_ attributes: [UInt8]) throws -> TrafficStatistics {
    let wire = Bytes.attribute(7, attributes)
    let span = unsafe wire.span.bytes
    var cursor = AttributeCursor(0..<wire.count)
    let attribute = try #require(try cursor.next(in: span))
    return try TrafficStatistics(attribute, in: span)
  }

  @Test func `counters of 64 bits and estimates are read`() throws {
    let basic = Bytes.attribute(1, Bytes.of(UInt64(5)) + Bytes.of(UInt32(6)) + Bytes.of(UInt32(0)))
    let hardware = Bytes.attribute(7, Bytes.of(UInt64(1)) + Bytes.of(UInt32(2)))
    let queue = Bytes.attribute(3, (1...5).flatMap { Bytes.of(UInt32($0)) })
    let packets = Bytes.attribute(8, Bytes.of(UInt64(1) << 32 + 6))
    let narrow = Bytes.attribute(2, Bytes.of(UInt32.max) + Bytes.of(UInt32(8)))
    let wide = Bytes.attribute(5, Bytes.of(UInt64(1) << 40) + Bytes.of(UInt64(8)))
    let all = try statistics(basic + hardware + queue + packets + narrow + wide)
    #expect(all.traffic == .init(bytes: 5, packets: 1 << 32 + 6))
    #expect(all.hardwareTraffic == .init(bytes: 1, packets: 2))
    #expect(all.queue?.length == 1)
    #expect(all.queue?.backlog == 2)
    #expect(all.queue?.dropped == 3)
    #expect(all.queue?.requeues == 4)
    #expect(all.queue?.overlimits == 5)
    #expect(all.rateEstimate == .init(bytesPerSecond: 1 << 40, packetsPerSecond: 8))
    #expect(try statistics(basic + narrow).rateEstimate?.bytesPerSecond == UInt64(UInt32.max))
    #expect(try statistics(basic).queue == nil)
    #expect(throws: WireError.self) { try statistics(Bytes.attribute(1, Bytes.of(UInt64(5)))) }
    #expect(throws: WireError.self) { try statistics(Bytes.attribute(3, Bytes.of(UInt64(5)))) }
  }

  @Test func `the counters of htb are read, and nothing else taken for them`() throws {
    var statistics = TrafficStatistics()
    #expect(statistics.htb == nil)
    let words: [UInt32] = [1, 2, 3, UInt32(bitPattern: -4), 5]
    statistics.otherAttributes.append(4, bytes: words.flatMap { Bytes.of($0) })
    #expect(
      statistics.htb == TrafficStatistics.HTB(lends: 1, borrows: 2, giants: 3, tokens: -4, ceilingTokens: 5))
    var short = TrafficStatistics()
    short.otherAttributes.append(4, bytes: [1, 2, 3])
    #expect(short.htb == nil)
    #expect(short.application == [1, 2, 3])
  }

  @Test func `attributes that were put together are as those that were read`() {
    var raw = RawAttributes()
    raw.append(7, bytes: [1, 2, 3])
    raw.append(300, bytes: [])
    #expect(raw.map(\.type) == [7, 300])
    #expect(raw[7] == [[1, 2, 3]])
  }
}

@Suite("Traffic control requests that are not sent")
struct TrafficControlObjectionTests {
  private let link = InterfaceIndex.loopback

  private func objection(_ settings: QdiscSettings, handle: TrafficHandle = .unspecified) -> String? {
    ChangeQdisc(change: .add, qdisc: Qdisc(interface: link, handle: handle, settings: settings)).objection
  }

  @Test func `a qdisc that the kernel would take for something else is refused`() throws {
    #expect(objection(.htb()) == nil)
    #expect(objection(.htb(), handle: TrafficHandle(major: 1, minor: 1))?.contains("1:1") == true)
    let far = try #require(InterfaceIndex(rawValue: .max))
    // The largest index means "a block".
    #expect(ChangeQdisc(change: .add, qdisc: Qdisc(interface: far, settings: .mq)).objection != nil)
    #expect(FindQdisc(interface: far, parent: .root).objection != nil)
    #expect(
      ChangeQdisc(change: .add, qdisc: Qdisc(interface: link, parent: .unspecified, settings: .mq)).objection != nil)
    #expect(objection(.other("")) != nil)
    #expect(objection(.other(String(repeating: "q", count: 16))) != nil)
    #expect(objection(.other("netem")) == nil)
    #expect(
      objection(.tbf(.init(rate: RateLimit(.megabits(0)), burst: .bytes(1), limit: 1))) == "a rate must be more than 0")
    var fq = QdiscSettings.FQ()
    fq.horizon = .seconds(4295)
    #expect(objection(.fq(fq))?.contains("horizon") == true)
    fq.horizon = .seconds(-1)
    #expect(objection(.fq(fq)) != nil)
    fq.horizon = .seconds(4294)
    fq.timerSlack = .seconds(5)
    #expect(objection(.fq(fq)) != nil)
    fq.timerSlack = nil
    fq.maximumRate = .gigabits(40)
    #expect(objection(.fq(fq)) != nil)
    var codel = QdiscSettings.FQCodel()
    codel.target = .seconds(5000)
    #expect(objection(.fqCodel(codel))?.contains("target") == true)
  }

  @Test func `a class without a number of its own is refused`() {
    func objection(
      _ handle: TrafficHandle, _ rate: TrafficRate = .megabits(1), _ change: TrafficChange = .add
    ) -> String? {
      ChangeClass(
        change: change,
        class: TrafficClass(
          interface: link, parent: TrafficHandle(major: 1), handle: handle,
          settings: .htb(.init(rate: RateLimit(rate))))
      ).objection
    }
    #expect(objection(TrafficHandle(major: 1, minor: 1)) == nil)
    #expect(objection(TrafficHandle(major: 1)) != nil)
    #expect(objection(TrafficHandle(major: 0, minor: 1)) != nil)
    #expect(objection(TrafficHandle(major: 1, minor: 1), .megabits(0)) == "a rate must be more than 0")
    #expect(objection(TrafficHandle(major: 1, minor: 1), .megabits(0), .remove) == nil)
  }

  private func objection(_ change: TrafficChange = .add, _ edit: (inout TrafficFilter) -> Void) -> String? {
    var filter = TrafficFilter(on: link, at: .clsactEgress, priority: 1, handle: 1, settings: .matchall)
    edit(&filter)
    return ChangeFilter(change: change, filter: filter).objection
  }

  @Test func `a filter that the kernel would take for others is refused`() {
    #expect(objection { _ in } == nil)
    #expect(objection(.remove) { $0.priority = 0 } == "priority and handle must not be 0")
    #expect(objection(.remove) { $0.handle = 0 } == "priority and handle must not be 0")
    #expect(objection { $0.handle = 0 } == nil)
    #expect(objection(.replace) { $0.priority = 0 } == "the priority must be 1...65535")
    #expect(objection { $0.place = .link(.loopback, parent: .root) }?.contains("1:") == true)
    #expect(objection { $0.place = .block(0) } != nil)
    #expect(objection { $0.place = .block(1) } == nil)
    #expect(objection { $0.settings = .other("a\0b") } != nil)
    #expect(objection { $0.settings = .bpf(.init()) }?.contains("descriptor") == true)
    #expect(objection { $0.settings = .bpf(.init(descriptor: 3, name: "a\0b")) } != nil)
    let key = FilterSettings.U32.Key(0, at: 0)
    #expect(objection { $0.settings = .u32(.init([FilterSettings.U32.Key](repeating: key, count: 256))) } != nil)
    #expect(objection { $0.actions = [TrafficAction](repeating: .verdict(.pipe), count: 33) } != nil)
  }

  @Test func `an action that the kernel would not take is refused`() throws {
    func objection(_ action: TrafficAction) -> String? { self.objection { $0.actions = [action] } }
    #expect(objection(.verdict(.pass)) == nil)
    #expect(objection(TrafficAction(.gact(), cookie: [UInt8](repeating: 0, count: 17))) != nil)
    #expect(objection(TrafficAction(.gact(.init(probability: [1])))) != nil)
    #expect(objection(TrafficAction(.vlan(.push(.init(id: 4095))))) != nil)
    #expect(objection(TrafficAction(.vlan(.modify(.init(id: 1, priority: 8))))) != nil)
    #expect(objection(TrafficAction(.other("", options: RawAttributes()))) != nil)
    var mirred = ActionSettings.Mirred(.mirror, to: link)
    mirred.interface = nil
    #expect(objection(TrafficAction(.mirred(mirred))) != nil)
    let tunnel = ActionSettings.TunnelKey.Tunnel(
      source: try #require(IPAddress("10.0.0.1")), destination: try #require(IPAddress("fd00::1")))
    #expect(objection(TrafficAction(.tunnelKey(.set(tunnel)))) != nil)
  }

  @Test func `what failed is named`() throws {
    let filter = TrafficFilter(
      on: link, at: .clsactIngress, priority: 7, chain: 2, handle: 0x8000_0800, settings: .u32(.init()))
    #expect(
      ChangeFilter(change: .add, filter: filter).operation
        == "add u32 filter with priority 7 and handle 0x80000800 in chain 2 at ingress of link 1")
    #expect(
      ChangeQdisc(change: .replace, qdisc: Qdisc(interface: link, handle: TrafficHandle(major: 1), settings: .htb()))
        .operation == "replace qdisc htb 1: at root of link 1")
    #expect(
      ChangeQdisc(change: .remove, qdisc: Qdisc(interface: link, settings: .clsact)).operation
        == "remove clsact of link 1")
    #expect(RemoveFilters(place: .block(3), priority: 0, chain: nil).operation == "remove all filters at block 3")
  }
}
