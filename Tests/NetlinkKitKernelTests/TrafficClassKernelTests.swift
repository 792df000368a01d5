// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Classes beside tc", .serialized, .requires(.root), .requires(.htbQdisc))
struct TrafficClassKernelTests {
  private let one = TrafficHandle(major: 1)

  private func handle(_ minor: UInt16) -> TrafficHandle { TrafficHandle(major: 1, minor: minor) }

  private func make(
    _ link: Link, _ minor: UInt16, in parent: TrafficHandle, _ settings: ClassSettings.HTB
  ) -> TrafficClass {
    TrafficClass(interface: link.index, parent: parent, handle: handle(minor), settings: .htb(settings))
  }

  /// A burst in bytes as `tc` prints it: by way of whole microseconds.
  private func text(_ burst: TrafficBurst, at rate: TrafficRate) -> String {
    let microseconds = UInt64(Double(burst.ticks(at: rate)) / 15.625)
    return "\(UInt64(Double(rate.bytesPerSecond) * Double(microseconds) / 1e6))b/1"
  }

  /// The words after `name` in `tc`'s lines about a class.
  private func word(_ lines: String, after name: String) -> String? {
    let words = lines.split(whereSeparator: \.isWhitespace)
    return words.firstIndex { $0 == name }.flatMap { $0 + 1 < words.count ? String(words[$0 + 1]) : nil }
  }

  @Test func `a tree of classes agrees with tc, field by field`() async throws {
    try await withVeth { socket, link in
      try await socket.links.change(link.index, LinkChanges(isUp: false))
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .htb(.init(defaultClass: 0x10))))
      let wanted = [
        make(
          link, 1, in: one,
          .init(
            rate: RateLimit(.megabits(100)), ceiling: RateLimit(.megabits(200)), burst: .bytes(20480),
            ceilingBurst: .bytes(30720), priority: 3, quantum: 5000)),
        make(link, 0x10, in: handle(1), .init(rate: RateLimit(.megabits(5)))),
        make(
          link, 0x11, in: handle(1),
          .init(
            rate: RateLimit(.megabits(2), overhead: 12, minimumPacketSize: 70),
            ceiling: RateLimit(.megabits(3), overhead: 12, minimumPacketSize: 70), quantum: 2000)),
        make(
          link, 2, in: one,
          .init(
            rate: RateLimit(.gigabits(40)), ceiling: RateLimit(.gigabits(80)), burst: .bytes(1 << 20),
            ceilingBurst: .bytes(2 << 20), quantum: 60000)),
      ]
      for each in wanted { try await socket.classes.add(each) }
      try await socket.qdiscs.add(
        Qdisc(
          interface: link.index, parent: handle(0x10), handle: TrafficHandle(major: 0x10), settings: .pfifo(limit: 5)))
      let all = try await socket.classes.all(on: link.index)
      #expect(all.count == 4)
      let text = try await inNamespaceOf(socket, "tc -s -d class show dev v0")
      let theirs = Dictionary(
        uniqueKeysWithValues: text.split(separator: "\nclass ").map { chunk in
          let lines = chunk.hasPrefix("class ") ? String(chunk.dropFirst(6)) : String(chunk)
          return (String(lines.split(separator: " ")[1]), lines)
        })
      for our in all {
        let lines = try #require(theirs[our.handle.description])
        guard case .htb(let htb) = our.settings else { return #expect(Bool(false)) }
        #expect(our.parent == .root ? lines.contains(" root ") : word(lines, after: "parent") == our.parent.description)
        #expect(word(lines, after: "leaf") == (our.leaf == .unspecified ? nil : our.leaf.description))
        if htb.level == 0 {
          #expect(word(lines, after: "prio") == "\(htb.priority)")
          #expect(word(lines, after: "quantum") == "\(htb.quantum)")
        }
        #expect(word(lines, after: "level") == "\(htb.level)")
        #expect(word(lines, after: "burst") == self.text(htb.burst, at: htb.rate.rate))
        #expect(word(lines, after: "cburst") == self.text(htb.ceilingBurst, at: htb.ceiling.rate))
        #expect((word(lines, after: "overhead") ?? "0") == "\(htb.rate.overhead)")
        #expect(word(lines, after: "mpu") == "\(htb.rate.minimumPacketSize)b")
        for (name, limit) in [("rate", htb.rate), ("ceil", htb.ceiling)] {
          let bits = limit.rate.bytesPerSecond * 8
          let text = bits >= 1_000_000_000 ? "\(bits / 1_000_000_000)Gbit" : "\(bits / 1_000_000)Mbit"
          #expect(word(lines, after: name) == text)
        }
        let statistics = try #require(our.statistics)
        #expect(word(lines, after: "Sent") == "\(statistics.traffic.bytes)")
        #expect(word(lines, after: "tokens:") == statistics.htb.map { "\($0.tokens)" })
        #expect(word(lines, after: "ctokens:") == statistics.htb.map { "\($0.ceilingTokens)" })
        #expect(word(lines, after: "lended:") == statistics.htb.map { "\($0.lends)" })
        // What was asked for is what is there.
        let asked = try #require(wanted.first { $0.handle == our.handle })
        guard case .htb(let askedHTB) = asked.settings else { return #expect(Bool(false)) }
        #expect(htb.rate == askedHTB.rate)
        #expect(htb.ceiling == askedHTB.ceiling)
        #expect(htb.burst.ticks(at: htb.rate.rate) == askedHTB.burst.ticks(at: htb.rate.rate))
        if askedHTB.quantum > 0 { #expect(htb.quantum == askedHTB.quantum) }
      }
      #expect(all.first { $0.handle == handle(0x10) }?.leaf == TrafficHandle(major: 0x10))
      #expect(all.first { $0.handle == handle(0x10) }?.parent == handle(1))
    }
  }

  @Test func `a class is changed, and removed when nothing hangs on it`() async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: one, settings: .htb()))
      let parent = make(link, 1, in: one, .init(rate: RateLimit(.megabits(5))))
      var child = make(link, 2, in: handle(1), .init(rate: RateLimit(.megabits(1))))
      // A parent that is not there is no error: the class is in no other then.
      try await socket.classes.add(child)
      #expect(try await socket.classes.all(on: link.index).map(\.parent) == [.root])
      try await socket.classes.remove(child)
      let early = await #expect(throws: NetlinkError.self) { try await socket.classes.change(parent) }
      #expect(early?.code == .notFound)
      try await socket.classes.add(parent)
      let twice = await #expect(throws: NetlinkError.self) { try await socket.classes.add(parent) }
      #expect(twice?.code == .exists)
      try await socket.classes.replace(child)
      child.settings = .htb(.init(rate: RateLimit(.megabits(2))))
      try await socket.classes.change(child)
      let read = try #require(try await socket.classes.all(on: link.index).first { $0.handle == child.handle })
      guard case .htb(let htb) = read.settings else { return #expect(Bool(false)) }
      #expect(htb.rate.rate == .megabits(2))
      let busy = await #expect(throws: NetlinkError.self) { try await socket.classes.remove(parent) }
      #expect(busy?.code == .busy)
      try await socket.classes.remove(child)
      let gone = await #expect(throws: NetlinkError.self) { try await socket.classes.remove(child) }
      #expect(gone?.code == .notFound)
      // What was read of a class in no other can be made again: "root" is its queueing discipline.
      let again = try #require(try await socket.classes.all(on: link.index).first)
      #expect(again.parent == .root)
      try await socket.classes.remove(again)
      try await socket.classes.add(again)
      #expect(try await socket.classes.all(on: link.index).map(\.settings) == [again.settings])
      #expect(try await socket.classes.all(on: link.index, of: TrafficHandle(major: 2)).isEmpty)
      #expect(try await socket.classes.all(on: .loopback).isEmpty)
      #expect(try await socket.classes.all(on: InterfaceIndex(rawValue: 9999) ?? .loopback).isEmpty)
    }
  }

  @Test(.requires(.u32Filter)) func `the lines of the article make what they say`() async throws {
    try await withVeth { socket, link in
      let address = try #require(IPv4Address("10.1.2.0"))
      let root = TrafficHandle(major: 1)
      let slow = TrafficHandle(major: 1, minor: 0x10)
      try await socket.perform([
        .add(Qdisc(interface: link.index, handle: root, settings: .htb(.init(defaultClass: 0x10)))),
        .add(
          TrafficClass(
            interface: link.index, parent: root, handle: slow,
            settings: .htb(.init(rate: RateLimit(.megabits(10)), ceiling: RateLimit(.megabits(100)))))),
        .add(
          TrafficFilter(
            on: link.index, at: root, priority: 10, etherType: 0x0800,
            settings: .u32(.init([.destination(address, prefixLength: 24)])), classID: slow)),
      ]).get()
      let text = try await inNamespaceOf(socket, "tc filter show dev v0 parent 1:")
      #expect(text.contains("match 0a010200/ffffff00 at 16"))
      #expect(text.contains("flowid 1:10"))
    }
  }

  @Test func `a batch makes a tree with its filters, and takes it down`() async throws {
    try await withVeth { socket, link in
      let root = Qdisc(interface: link.index, handle: one, settings: .htb())
      let classes = (UInt16(1)...100).map { make(link, $0, in: one, .init(rate: RateLimit(.megabits(UInt64($0))))) }
      let filters = classes.map { each in
        TrafficFilter(
          on: link.index, at: one, priority: 5, etherType: 0x0800,
          settings: .u32(.init([.init(UInt32(each.handle.minor), at: 16)])), classID: each.handle)
      }
      try await socket.perform([.add(root)] + classes.map { .add($0) } + filters.map { .add($0) }).get()
      #expect(try await socket.classes.all(on: link.index).count == 100)
      let found = try await socket.filters.all(at: .link(link.index, parent: one)).filter { $0.classID != nil }
      #expect(found.map(\.classID) == classes.map(\.handle))
      let again = await socket.perform(classes.map { .add($0) })
      #expect(again.failures.map(\.error.code) == [NetlinkError.Code](repeating: .exists, count: 100))
      try await socket.perform(
        [.replace(classes[0])] + found.map { .remove($0) } + classes.map { .remove($0) } + [.remove(root)]
      ).get()
      #expect(try await socket.qdiscs.all(on: link.index).contains { $0.kind == "htb" } == false)
      let refused = await socket.perform([.remove(filters[0])])
      #expect(refused.failures.first?.error.code == .invalidArgument)
    }
  }
}
