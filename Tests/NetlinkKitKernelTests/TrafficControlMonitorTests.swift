// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Monitoring traffic control", .serialized, .requires(.root), .requires(.clsactQdisc), .timeLimit(.minutes(2)))
struct TrafficControlMonitorTests {
  private func take(
    _ iterator: inout NetlinkMonitor.Iterator, upTo isLast: (NetlinkEvent) -> Bool
  ) async throws -> [NetlinkEvent] {
    var taken: [NetlinkEvent] = []
    while let event = try await iterator.next() {
      taken.append(event)
      if isLast(event) { return taken }
    }
    Issue.record("the sequence ended early")
    return taken
  }

  private let root = TrafficHandle(major: 1)
  private let inner = TrafficHandle(major: 1, minor: 1)

  private func words(_ events: [NetlinkEvent]) -> [String] {
    events.compactMap { event in
      switch event {
      case .qdisc(let change, let qdisc) where qdisc.kind != "noqueue": "\(change) qdisc \(qdisc.kind)"
      case .trafficClass(let change, let each): "\(change) class \(each.handle)"
      case .filter(let change, let filter):
        "\(change) filter \(filter.kind) \(filter.priority) 0x\(String(filter.handle, radix: 16)) \(filter.place)"
      default: nil
      }
    }
  }

  @Test(.requires(.htbQdisc), .requires(.u32Filter))
  func `it begins with every qdisc, class and filter, wherever it hangs`()
    async throws
  {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      let peer = try #require(try await socket.links.link(named: "v1"))
      let htb = ClassSettings.HTB(rate: RateLimit(.megabits(1)))
      func u32(_ parent: TrafficHandle, _ priority: UInt16) -> TrafficFilter {
        TrafficFilter(on: link.index, at: parent, priority: priority, settings: .u32(.init()), classID: inner)
      }
      try await socket.perform([
        .add(Qdisc(interface: link.index, handle: root, settings: .htb())),
        .add(TrafficClass(interface: link.index, parent: root, handle: inner, settings: .htb(htb))),
        .add(u32(root, 1)), .add(u32(inner, 2)), .add(Qdisc(interface: link.index, settings: .clsact)),
        .add(u32(.clsactIngress, 3)), .add(u32(.clsactEgress, 4)),
        .add(Qdisc(interface: peer.index, settings: .clsact, ingressBlock: 9)),
        .add(TrafficFilter(at: .block(9), priority: 5, settings: .u32(.init()))),
        .add(
          TrafficFilter(on: peer.index, at: .clsactEgress, priority: 6, settings: .u32(.init()))),
      ]).get()
      var iterator = NetlinkMonitor(in: namespace, of: .trafficControl).makeAsyncIterator()
      let listed = words(try await take(&iterator) { $0 == .synchronised })
      #expect(
        listed.filter { $0.contains(" qdisc ") }.sorted() == [
          "listed qdisc clsact", "listed qdisc clsact", "listed qdisc htb",
        ])
      #expect(listed.contains("listed class 1:1"))
      let filters = listed.filter { $0.contains(" filter u32 ") && $0.contains("800 ") }
      #expect(
        Set(filters.map { $0.split(separator: " ").dropFirst(5).joined(separator: " ") }) == [
          "1: of link \(link.index)", "1:1 of link \(link.index)", "ingress of link \(link.index)",
          "egress of link \(link.index)", "block 9", "egress of link \(peer.index)",
        ])
      #expect(filters.count == 6)
    }
  }

  @Test(.requires(.htbQdisc), .requires(.u32Filter)) func `every change is told, in order`() async throws {
    try await withVeth { socket, link in
      let namespace = try #require(Scratch.namespace)
      var iterator = NetlinkMonitor(in: namespace, of: [.trafficControl, .rules]).makeAsyncIterator()
      _ = try await take(&iterator) { $0 == .synchronised }
      let qdisc = Qdisc(interface: link.index, handle: root, settings: .htb())
      let each = TrafficClass(
        interface: link.index, parent: root, handle: inner, settings: .htb(.init(rate: RateLimit(.megabits(1)))))
      var filter = TrafficFilter(
        on: link.index, at: root, priority: 7, handle: 0x8000_0800, settings: .u32(.init()), classID: inner)
      try await socket.perform([.add(qdisc), .add(each)]).get()
      filter.handle = 0
      try await socket.filters.add(filter)
      filter.handle = 0x8000_0800
      try await socket.filters.remove(filter)
      filter.handle = 0
      try await socket.filters.add(filter)
      try await socket.filters.removeAll(at: filter.place, priority: 7)
      try await socket.perform([.remove(each), .remove(qdisc), .add(Rule(family: .ipv4, priority: 4711))]).get()
      let events = words(
        try await take(&iterator) { if case .rule(.updated, let rule) = $0 { rule.priority == 4711 } else { false } })
      let place = "1: of link \(link.index)"
      #expect(
        events == [
          "updated qdisc htb", "updated class 1:1", "updated filter u32 7 0x80000800 \(place)",
          "removed filter u32 7 0x80000800 \(place)", "updated filter u32 7 0x80000800 \(place)",
          "removed filter u32 7 0x0 \(place)", "removed class 1:1", "removed qdisc htb",
        ])
    }
  }
}
