// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What this module makes and reads is what `tc -j -s -d qdisc` prints, field by field.
@Suite("Qdiscs beside tc", .serialized, .requires(.root))
struct QdiscKernelTests {
  private let one = TrafficHandle(major: 1)

  /// Adds a qdisc at the root of a link that is down, so that nothing passes; returns what we read and what `tc` does.
  private func with(
    _ settings: QdiscSettings, _ body: (Qdisc, _ options: [String: Any]) async throws -> Void
  ) async throws {
    try await withVeth { socket, link in
      try await socket.links.change(link.index, LinkChanges(isUp: false))
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: settings))
      let ours = try #require(try await socket.qdiscs.all(on: link.index).first { $0.parent == .root })
      // One by its place is the same, and so is one of the list of all links. Some count the time, too.
      var timeless = ours
      timeless.statistics = nil
      func isSame(_ other: Qdisc?) -> Bool {
        var other = other
        other?.statistics = nil
        return other == timeless
      }
      #expect(isSame(try await socket.qdiscs.qdisc(on: link.index, at: .root)))
      #expect(try await socket.qdiscs.all().contains { isSame($0) })
      let theirs = try #require(try await rows(socket, "tc -j -s -d qdisc show dev v0").first)
      #expect(ours.kind == theirs["kind"] as? String)
      #expect(ours.kind == settings.name)
      #expect(ours.handle.description == theirs["handle"] as? String)
      #expect(ours.handle == one)
      #expect(theirs["root"] as? Bool == true)
      #expect(Int(ours.referenceCount) == theirs["refcnt"] as? Int)
      let statistics = try #require(ours.statistics)
      let counters: [(String, UInt64?)] = [
        ("bytes", statistics.traffic.bytes), ("packets", statistics.traffic.packets),
        ("drops", statistics.queue.map { UInt64($0.dropped) }),
        ("overlimits", statistics.queue.map { UInt64($0.overlimits) }),
        ("requeues", statistics.queue.map { UInt64($0.requeues) }),
        ("backlog", statistics.queue.map { UInt64($0.backlog) }), ("qlen", statistics.queue.map { UInt64($0.length) }),
      ]
      for (name, value) in counters { #expect(value.map(Int.init) == theirs[name] as? Int, "\(name)") }
      try await body(ours, try #require(theirs["options"] as? [String: Any]))
    }
  }

  private func microseconds(_ duration: Duration?) -> Int? {
    duration.map { Int($0 / .microseconds(1)) }
  }

  @Test(.requires(.fqQdisc)) func `all settings of fq agree`() async throws {
    var settings = QdiscSettings.FQ()
    settings.limit = 5000
    settings.flowLimit = 50
    settings.quantum = 3000
    settings.initialQuantum = 20000
    settings.isPacing = false
    settings.maximumRate = .megabits(100)
    settings.bucketsLogarithm = 8
    settings.refillDelay = .milliseconds(52)
    settings.orphanMask = 511
    settings.lowRateThreshold = .megabits(1)
    settings.markThreshold = .milliseconds(4)
    settings.timerSlack = .microseconds(20)
    settings.horizon = .seconds(5)
    settings.dropsBeyondHorizon = false
    try await with(.fq(settings)) { ours, theirs in
      guard case .fq(let fq) = ours.settings else { return #expect(Bool(false), "\(ours.settings)") }
      // What was set is read back into the same value.
      #expect(fq == settings)
      #expect(fq.limit.map(Int.init) == theirs["limit"] as? Int)
      #expect(fq.flowLimit.map(Int.init) == theirs["flow_limit"] as? Int)
      #expect(fq.bucketsLogarithm.map { 1 << $0 } == theirs["buckets"] as? Int)
      #expect(fq.orphanMask.map(Int.init) == theirs["orphan_mask"] as? Int)
      #expect(fq.isPacing == theirs["pacing"] as? Bool)
      #expect(fq.quantum.map(Int.init) == theirs["quantum"] as? Int)
      #expect(fq.initialQuantum.map(Int.init) == theirs["initial_quantum"] as? Int)
      #expect(fq.maximumRate.map { Int($0.bytesPerSecond) } == theirs["maxrate"] as? Int)
      #expect(fq.lowRateThreshold.map { Int($0.bytesPerSecond) } == theirs["low_rate_threshold"] as? Int)
      #expect(microseconds(fq.refillDelay) == theirs["refill_delay"] as? Int)
      #expect(microseconds(fq.markThreshold) == theirs["ce_threshold"] as? Int)
      #expect(fq.timerSlack.map { Int($0 / .nanoseconds(1)) } == theirs["timer_slack"] as? Int)
      #expect(microseconds(fq.horizon) == theirs["horizon"] as? Int)
      #expect(theirs.keys.contains("horizon_cap"))
    }
  }

  @Test(.requires(.fqCodelQdisc)) func `all settings of fq_codel agree`() async throws {
    var settings = QdiscSettings.FQCodel()
    settings.limit = 2000
    settings.flows = 512
    settings.target = .milliseconds(7)
    settings.interval = .milliseconds(90)
    settings.quantum = 600
    settings.marksCongestion = true
    settings.markThreshold = .milliseconds(3)
    settings.memoryLimit = 8 << 20
    settings.dropBatchSize = 32
    settings.markSelector = 1
    settings.markMask = 3
    try await with(.fqCodel(settings)) { ours, theirs in
      guard case .fqCodel(var codel) = ours.settings else { return #expect(Bool(false), "\(ours.settings)") }
      #expect(codel.limit.map(Int.init) == theirs["limit"] as? Int)
      #expect(codel.flows.map(Int.init) == theirs["flows"] as? Int)
      #expect(codel.quantum.map(Int.init) == theirs["quantum"] as? Int)
      #expect(microseconds(codel.target) == theirs["target"] as? Int)
      #expect(microseconds(codel.interval) == theirs["interval"] as? Int)
      #expect(microseconds(codel.markThreshold) == theirs["ce_threshold"] as? Int)
      #expect(codel.memoryLimit.map(Int.init) == theirs["memory_limit"] as? Int)
      #expect(codel.dropBatchSize.map(Int.init) == theirs["drop_batch"] as? Int)
      #expect(codel.marksCongestion == theirs["ecn"] as? Bool)
      // The kernel counts in 1024 ns.
      for time in [\QdiscSettings.FQCodel.target, \.interval, \.markThreshold] {
        let lost = try #require(settings[keyPath: time]) - #require(codel[keyPath: time])
        #expect((.zero ... .microseconds(1)).contains(lost))
        codel[keyPath: time] = settings[keyPath: time]
      }
      #expect(codel == settings)
    }
  }

  /// A burst in bytes as `tc` prints it: by way of whole microseconds.
  private func text(_ burst: TrafficBurst, at rate: TrafficRate) -> String {
    let microseconds = UInt64(Double(burst.ticks(at: rate)) / 15.625)
    return "\(Double(rate.bytesPerSecond) * Double(microseconds) / 1e6)".split(separator: ".")[0] + "b/1"
  }

  @Test(
    .requires(.tbfQdisc),
    arguments: [
      QdiscSettings.TBF(rate: RateLimit(.megabits(1)), burst: .bytes(5000), latency: .milliseconds(70)),
      QdiscSettings.TBF(rate: RateLimit(.gigabits(40)), burst: .bytes(100_000), limit: 300_000),
      QdiscSettings.TBF(
        rate: RateLimit(.megabits(10), overhead: 20, minimumPacketSize: 64), burst: .bytes(10000), limit: 20000,
        peak: .init(RateLimit(.megabits(20)), burst: .bytes(1600))),
    ]) func `all settings of tbf agree`(settings: QdiscSettings.TBF) async throws
  {
    try await with(.tbf(settings)) { ours, theirs in
      guard case .tbf(let tbf) = ours.settings else { return #expect(Bool(false), "\(ours.settings)") }
      #expect(tbf.rate == settings.rate)
      #expect(tbf.limit == settings.limit)
      #expect(tbf.peak?.rate == settings.peak?.rate)
      let rate = tbf.rate.rate
      #expect(Int(rate.bytesPerSecond) == theirs["rate"] as? Int)
      #expect(text(tbf.burst, at: rate) == theirs["burst"] as? String)
      #expect(Int(tbf.rate.overhead) == theirs["overhead"] as? Int ?? 0)
      // Bytes that were set come back up to a tick's worth, and with the overhead of a packet.
      let slack = rate.bytesPerSecond * 64 / 1_000_000_000 + 1 + UInt64(tbf.rate.overhead)
      let wanted = UInt64(settings.burst.bytes(at: rate))
      #expect((wanted - slack...wanted + slack).contains(UInt64(tbf.burst.bytes(at: rate))))
    }
  }

  @Test(.requires(.tbfQdisc)) func `a tbf that was read is made again exactly`() async throws {
    try await withVeth { socket, link in
      let settings = QdiscSettings.TBF(rate: RateLimit(.megabits(33)), burst: .bytes(7777), limit: 55555)
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .tbf(settings)))
      let first = try #require(try await socket.qdiscs.qdisc(on: link.index, at: .root))
      try await socket.qdiscs.remove(first)
      try await socket.qdiscs.add(first)
      #expect(try await socket.qdiscs.qdisc(on: link.index, at: .root)?.settings == first.settings)
    }
  }

  @Test(.requires(.htbQdisc)) func `all settings of htb agree`() async throws {
    let settings = QdiscSettings.HTB(defaultClass: 0x20, rateToQuantum: 7, directQueueLength: 500)
    try await with(.htb(settings)) { ours, theirs in
      guard case .htb(let htb) = ours.settings else { return #expect(Bool(false), "\(ours.settings)") }
      #expect("0x\(String(htb.defaultClass, radix: 16))" == theirs["default"] as? String)
      #expect(Int(htb.rateToQuantum) == theirs["r2q"] as? Int)
      #expect(htb.directQueueLength.map(Int.init) == theirs["direct_qlen"] as? Int)
      #expect(Int(htb.directPackets) == theirs["direct_packets_stat"] as? Int)
      #expect(htb.version.map { "\($0 >> 16).\($0 & 0xffff)" } == theirs["ver"] as? String)
      var comparable = htb
      comparable.version = nil
      #expect(comparable == settings)
    }
  }

  @Test(.requires(.prioQdisc)) func `all settings of prio agree`() async throws {
    let bands = QdiscSettings.Bands(count: 5, priorities: .init([4, 3, 2, 1, 0, 1, 2, 3]))
    try await with(.prio(bands)) { ours, theirs in
      #expect(ours.settings == .prio(bands))
      #expect(theirs["bands"] as? Int == 5)
      #expect(theirs["priomap"] as? [Int] == bands.priorities.bands.map(Int.init))
    }
  }

  @Test(arguments: [QdiscSettings.pfifo(limit: 77), .bfifo(limit: 77777)])
  func `the limit of a fifo agrees`(settings: QdiscSettings) async throws {
    try await with(settings) { ours, theirs in
      #expect(ours.settings == settings)
      #expect(theirs["limit"] as? Int == (settings == .pfifo(limit: 77) ? 77 : 77777))
    }
  }

  @Test func `a fifo without a limit takes the device's`() async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.replace(Qdisc(interface: link.index, settings: .pfifo()))
      #expect(
        try await socket.qdiscs.qdisc(on: link.index, at: .root)?.settings
          == .pfifo(limit: link.transmitQueueLength ?? 0))
    }
  }

  @Test func `mq has a child for each queue`() async throws {
    try await withScratchNamespace { namespace in
      let socket = try await NetlinkSocket(in: namespace)
      let link = try await socket.links.add(
        NewLink(name: "w0", kind: .veth(peer: VethPeer(name: "w1")), transmitQueueCount: 3))
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .mq))
      let all = try await socket.qdiscs.all(on: link.index)
      #expect(all.first?.settings == .mq)
      #expect(Set(all.dropFirst().map(\.parent.description)) == ["1:1", "1:2", "1:3"])
      #expect(Set(try await socket.classes.all(on: link.index).map(\.handle.description)) == ["1:1", "1:2", "1:3"])
      try await socket.qdiscs.remove(all[0])
      #expect(try await socket.qdiscs.all(on: link.index).map(\.kind) != all.map(\.kind))
    }
  }

  @Test(.requires(.fqCodelQdisc)) func `a change leaves alone what it does not name`() async throws {
    try await withVeth { socket, link in
      var settings = QdiscSettings.FQCodel()
      settings.limit = 2000
      settings.quantum = 600
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .fqCodel(settings)))
      var change = QdiscSettings.FQCodel()
      change.limit = 300
      try await socket.qdiscs.change(Qdisc(interface: link.index, handle: one, settings: .fqCodel(change)))
      guard case .fqCodel(let codel)? = try await socket.qdiscs.qdisc(on: link.index, at: .root)?.settings else {
        return #expect(Bool(false))
      }
      #expect(codel.limit == 300)
      #expect(codel.quantum == 600)
    }
  }

  @Test(.requires(.htbQdisc)) func `a refusal names what stood in the way`() async throws {
    try await withVeth { socket, link in
      func code(_ body: () async throws -> Void) async -> (NetlinkError.Code?, String) {
        let error = await #expect(throws: NetlinkError.self) { try await body() }
        return (error?.code, error?.message ?? "")
      }
      let htb = Qdisc(interface: link.index, handle: one, settings: .htb())
      let early = await code { try await socket.qdiscs.remove(htb) }
      #expect(early.0 == .notFound)
      try await socket.qdiscs.add(htb)
      let twice = await code { try await socket.qdiscs.add(htb) }
      #expect(twice.0 == .exists)
      let changed = await code { try await socket.qdiscs.replace(htb) }
      #expect(changed.0 == .notSupported)
      #expect(changed.1.contains("remove it and add another"))
      let other = await code {
        try await socket.qdiscs.remove(Qdisc(interface: link.index, handle: one, settings: .pfifo()))
      }
      #expect(other.0 == .notFound)
      let unknown = await code {
        try await socket.qdiscs.replace(Qdisc(interface: link.index, settings: .other("nosuchkind")))
      }
      #expect(unknown.0 == .notFound)
      #expect(unknown.1.contains("\"nosuchkind\" is not in this kernel"))
      let absent = await code {
        try await socket.qdiscs.add(Qdisc(interface: InterfaceIndex(rawValue: 9999) ?? .loopback, settings: .htb()))
      }
      #expect(absent.0 == .notFound)
      #expect(absent.1.contains("link 9999 not found"))
      try await socket.qdiscs.remove(htb)
      #expect(try await socket.qdiscs.qdisc(on: InterfaceIndex(rawValue: 9999) ?? .loopback, at: .root) == nil)
      #expect(try await socket.qdiscs.qdisc(on: link.index, at: .clsact) == nil)
      #expect(try await socket.qdiscs.qdisc(on: link.index, at: TrafficHandle(major: 7, minor: 7)) == nil)
    }
  }

  @Test(.requires(.htbQdisc)) func `what the kernel makes inside others is listed only when asked for`() async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .htb()))
      try await socket.classes.add(
        TrafficClass(
          interface: link.index, parent: one, handle: TrafficHandle(major: 1, minor: 1),
          settings: .htb(.init(rate: RateLimit(.megabits(1))))))
      #expect(try await socket.qdiscs.all(on: link.index).map(\.kind) == ["htb"])
      let all = try await socket.qdiscs.all(on: link.index, includesInvisible: true)
      #expect(all.map(\.kind) == ["htb", "pfifo"])
      #expect(all.last?.parent == TrafficHandle(major: 1, minor: 1))
    }
  }

  @Test func `a tick is 64 ns, as the kernel says`() throws {
    let words = try String(contentsOfFile: "/proc/net/psched", encoding: .utf8).split(whereSeparator: \.isWhitespace)
    #expect(words.prefix(3) == ["000003e8", "00000040", "000f4240"])
  }

  @Test func `the kernel lists the qdiscs of all links, also when it is asked for one under strict checking`()
    async throws
  {
    try await withVeth { _, link in
      let namespace = try #require(Scratch.namespace)
      let indices = try await namespace.run { () throws -> Set<Int32> in try QdiscDump.indices(asking: link.index) }
      #expect(indices.count == 3)
    }
  }
}

/// A dump by hand, to see what the kernel does with an index in it.
private enum QdiscDump {
  static func indices(asking index: InterfaceIndex) throws -> Set<Int32> {
    let descriptor = OwnedFileDescriptor(taking: socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | 0o2000000, 0))
    var on: CInt = 1
    // SOL_NETLINK, NETLINK_GET_STRICT_CHK
    try #require(unsafe setsockopt(descriptor.rawValue, 270, 12, &on, 4) == 0)
    // RTM_GETQDISC, NLM_F_REQUEST | NLM_F_DUMP, then struct tcmsg.
    var request: [UInt32] = [36, 38 | 0x301 << 16, 1, 0, 0, index.rawValue, 0, 0, 0]
    let sent = unsafe send(descriptor.rawValue, &request, 36, 0)
    try #require(sent == 36)
    var found: Set<Int32> = []
    var buffer = [UInt32](repeating: 0, count: 8192)
    for _ in 0..<100 {
      let count = unsafe recv(descriptor.rawValue, &buffer, buffer.count * 4, 0)
      var place = 0
      while place * 4 + 20 <= count {
        let type = buffer[place + 1] & 0xffff
        if type == 2 || type == 3 {
          #expect(Int32(bitPattern: buffer[place + 4]) == 0)
          return found
        }
        found.insert(Int32(bitPattern: buffer[place + 5]))
        place += Int(buffer[place] + 3) / 4
      }
    }
    return found
  }
}
