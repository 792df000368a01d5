// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What this module makes and reads is what `tc -j -s -d filter` prints, field by field.
@Suite("Filters and actions beside tc", .serialized, .requires(.root), .requires(.clsactQdisc))
struct TrafficFilterKernelTests {
  /// Adds a filter at the egress of `v0`, and gives what we and what `tc` say of it.
  private func with(
    _ settings: FilterSettings, classID: TrafficHandle? = nil, chain: UInt32 = 0, offload: FilterOffload? = nil,
    _ actions: (Link) -> [TrafficAction] = { _ in [] },
    _ body: (_ asked: TrafficFilter, _ ours: TrafficFilter, _ theirs: [String: Any]) async throws -> Void
  ) async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.ensureClsact(on: link.index)
      let peer = try #require(try await socket.links.link(named: "v1"))
      let asked = TrafficFilter(
        on: link.index, at: .clsactEgress, priority: 7, etherType: 0x0800, chain: chain, settings: settings,
        classID: classID, offload: offload, actions: actions(peer))
      try await socket.filters.add(asked)
      let all = try await socket.filters.all(on: link.index, direction: .egress)
      let ours = try #require(all.last)
      #expect(try await socket.filters.all(on: link.index, direction: .ingress).isEmpty)
      #expect(try await socket.filters.all(at: asked.place, chain: chain + 1).isEmpty)
      let theirs = try #require(try await rows(socket, "tc -j -s -d filter show dev v0 egress").last)
      #expect(ours.kind == theirs["kind"] as? String)
      #expect(ours.place == asked.place)
      #expect(Int(ours.priority) == theirs["pref"] as? Int)
      #expect(Int(ours.chain) == theirs["chain"] as? Int)
      #expect(theirs["protocol"] as? String == "ip")
      #expect(ours.etherType == 0x0800)
      #expect(ours.offload == (offload ?? []).union(.notInHardware))
      let options = try #require(theirs["options"] as? [String: Any])
      #expect((options["skip_hw"] as? Bool ?? false) == ours.offload?.contains(.skipHardware))
      #expect(options["not_in_hw"] as? Bool == ours.offload?.contains(.notInHardware))
      #expect(ours.classID?.description == options["flowid"] as? String)
      #expect(ours.classID == classID)
      let their = options["actions"] as? [[String: Any]] ?? []
      #expect(ours.actions.count == their.count)
      #expect(ours.actions.count == asked.actions.count)
      for (our, (their, asked)) in zip(ours.actions, zip(their, asked.actions)) { compare(our, their, asked) }
      try await body(asked, ours, options)
      try await socket.filters.remove(ours)
      #expect(try await socket.filters.all(on: link.index, direction: .egress).count < all.count)
    }
  }

  private func compare(_ our: TrafficAction, _ their: [String: Any], _ asked: TrafficAction) {
    #expect(our.settings.name == their["kind"] as? String)
    #expect(our.verdict == asked.verdict)
    let control = their["control_action"] as? [String: Any]
    #expect(our.verdict.targetChain.map(Int.init) == control?["chain"] as? Int)
    #expect(our.verdict.skippedActions.map(Int.init) == control?["jump"] as? Int)
    let word = our.verdict.targetChain == nil ? our.verdict.description : "goto"
    #expect(word.split(separator: " ").first.map(String.init) == control?["type"] as? String)
    #expect(Int(our.index) == their["index"] as? Int)
    #expect(our.index > 0)
    #expect(Int(our.referenceCount) == their["ref"] as? Int)
    #expect(Int(our.bindCount) == their["bind"] as? Int)
    #expect(our.cookie == asked.cookie)
    let counters = their["stats"] as? [String: Any]
    // IPv6 may have said hello meanwhile, but these filters see only IPv4.
    #expect(our.statistics.map { Int($0.traffic.bytes) } == counters?["bytes"] as? Int)
    #expect(our.statistics.map { Int($0.traffic.packets) } == counters?["packets"] as? Int)
    #expect(our.statistics?.queue.map { Int($0.dropped) } == counters?["drops"] as? Int)
    #expect(our.statistics?.queue.map { Int($0.overlimits) } == counters?["overlimits"] as? Int)
    #expect(our.statistics?.queue.map { Int($0.requeues) } == counters?["requeues"] as? Int)
  }

  @Test(.requires(.u32Filter)) func `the keys of u32 agree`() async throws {
    let source = try #require(IPv4Address("10.2.3.4"))
    let keys: [FilterSettings.U32.Key] = [
      .source(source, prefixLength: 24), .init(0x0050_0000, mask: 0xffff_0000, at: 20),
      .init(0x0010_0000, mask: 0x00f0_0000, at: 0, offsetMask: -1),
    ]
    try await withVeth { socket, link in
      try await socket.qdiscs.ensureClsact(on: link.index)
      try await socket.filters.add(
        TrafficFilter(
          on: link.index, at: .clsactIngress, priority: 7, etherType: 0x0800, settings: .u32(.init(keys)),
          classID: TrafficHandle(major: 1, minor: 2)))
      let all = try await socket.filters.all(on: link.index)
      // The hash table, and the filter in it.
      #expect(all.map(\.handle) == [0x8000_0000, 0x8000_0800])
      guard case .u32(let table) = all[0].settings, case .u32(let u32) = all[1].settings else {
        return #expect(Bool(false))
      }
      #expect(table.divisor == 1)
      #expect(u32.keys == keys)
      #expect(u32.table == 0x8000_0000)
      let text = try await inNamespaceOf(socket, "tc -d filter show dev v0 ingress")
      func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
      }
      for key in u32.keys ?? [] {
        let place = key.offsetMask == -1 ? "nexthdr+\(key.offset)" : "\(key.offset)"
        #expect(text.contains("match \(hexadecimal(key.value))/\(hexadecimal(key.mask)) at \(place)"))
      }
      #expect(text.contains("fh 800::800 "))
      #expect(text.contains("flowid 1:2"))
      // What was read can be attached again.
      try await socket.filters.remove(all[1])
      try await socket.filters.add(all[1])
      #expect(try await socket.filters.all(on: link.index)[1].settings == all[1].settings)
    }
  }

  @Test(.requires(.u32Filter), .requires(.mirredAction), arguments: TrafficDirection.allCases)
  func `mirred agrees, in a chain of actions`(direction: TrafficDirection) async throws {
    try await with(
      .u32(.init()), offload: .skipHardware,
      { [.mirror(to: $0.index, direction), TrafficAction(.mirred(.init(.redirect, to: $0.index, direction)))] },
      { asked, ours, theirs in
        #expect(ours.actions.map(\.settings) == asked.actions.map(\.settings))
        #expect(ours.actions.map(\.verdict) == [.pipe, .stolen])
        let actions = try #require(theirs["actions"] as? [[String: Any]])
        #expect(actions.map { $0["mirred_action"] as? String } == ["mirror", "redirect"])
        #expect(actions.map { $0["direction"] as? String } == ["\(direction)", "\(direction)"])
        #expect(actions.map { $0["to_dev"] as? String } == ["v1", "v1"])
      })
  }

  @Test(.requires(.matchallFilter), .requires(.gactAction)) func `matchall and every verdict of gact agree`()
    async throws
  {
    let verdicts: [TrafficVerdict] = [
      .pass, .drop, .reclassify, .pipe, .stolen, .trap, .continue, .goToChain(5),
    ]
    for verdict in verdicts {
      try await with(
        .matchall, classID: TrafficHandle(major: 1, minor: 2), chain: 3,
        { _ in [TrafficAction(.gact(), then: verdict, index: 5, cookie: [1, 2, 3])] },
        { asked, ours, theirs in
          #expect(ours.settings == .matchall)
          #expect(Int(ours.handle) == theirs["handle"] as? Int)
          #expect(ours.actions.map(\.index) == [5])
          #expect(ours.actions.map(\.settings) == asked.actions.map(\.settings).map { _ in .gact() })
        })
    }
    try await with(
      .matchall, { _ in [.verdict(.jump(1)), .verdict(.drop), .verdict(.pass)] },
      { _, ours, _ in #expect(ours.actions.map(\.verdict) == [.jump(1), .drop, .pass]) })
  }

  @Test(.requires(.matchallFilter)) func `matchall is not replaced, and the refusal says so`() async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.ensureClsact(on: link.index)
      let filter = TrafficFilter(on: link.index, at: .clsactEgress, priority: 1, handle: 3, settings: .matchall)
      try await socket.filters.replace(filter)
      let error = await #expect(throws: NetlinkError.self) { try await socket.filters.replace(filter) }
      #expect(error?.code == .exists)
      #expect(error?.message.contains("matchall filter is not replaced; remove it") == true)
    }
  }

  @Test(.requires(.matchallFilter), .requires(.gactAction)) func `a verdict by chance agrees`() async throws {
    try await with(
      .matchall, { _ in [TrafficAction(.gact(.init(probability: [2, 0, 10, 0, 2, 0, 0, 0])))] },
      { asked, ours, theirs in
        #expect(ours.actions.map(\.settings) == asked.actions.map(\.settings))
        let chance = (theirs["actions"] as? [[String: Any]])?.first?["prob"] as? [String: Any]
        #expect(chance?["random_type"] as? String == "determ")
        #expect(chance?["val"] as? Int == 10)
      })
  }

  @Test(.requires(.matchallFilter), .requires(.skbeditAction)) func `skbedit agrees`() async throws {
    let edit = ActionSettings.SkbEdit(
      priority: TrafficHandle(major: 1, minor: 2), mark: 7, markMask: 0xff, queueMapping: 0, packetType: 0)
    try await with(
      .matchall, { _ in [TrafficAction(.skbedit(edit))] },
      { _, ours, theirs in
        #expect(ours.actions.map(\.settings) == [.skbedit(edit)])
        let action = try #require((theirs["actions"] as? [[String: Any]])?.first)
        #expect(action["priority"] as? String == "1:2")
        #expect(action["mark"] as? Int == 7)
        #expect(action["mask"] as? String == "ff")
        #expect(action["queue_mapping"] as? Int == 0)
        #expect(action["ptype"] as? String == "host")
      })
    try await with(
      .matchall, { _ in [TrafficAction(.skbedit(.init(mark: 9)))] },
      { _, ours, _ in #expect(ours.actions.map(\.settings) == [.skbedit(.init(mark: 9))]) })
  }

  @Test(
    .requires(.matchallFilter), .requires(.tunnelKeyAction),
    arguments: [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
  func `tunnel_key agrees`(source: String, destination: String) async throws {
    let tunnel = ActionSettings.TunnelKey.Tunnel(
      source: try #require(IPAddress(source)), destination: try #require(IPAddress(destination)), keyID: 77,
      destinationPort: 4789, hasChecksum: false, tos: 8, ttl: 63)
    try await with(
      .matchall, { _ in [TrafficAction(.tunnelKey(.set(tunnel)))] },
      { _, ours, theirs in
        #expect(ours.actions.map(\.settings) == [.tunnelKey(.set(tunnel))])
        let action = try #require((theirs["actions"] as? [[String: Any]])?.first)
        #expect(action["mode"] as? String == "set")
        #expect(action["src_ip"] as? String == source)
        #expect(action["dst_ip"] as? String == destination)
        #expect(action["key_id"] as? Int == 77)
        #expect(action["dst_port"] as? Int == 4789)
        #expect(action["flag"] as? String == "nocsum")
        #expect(action["tos"] as? Int == 8)
        #expect(action["ttl"] as? Int == 63)
      })
    try await with(
      .matchall, { _ in [TrafficAction(.tunnelKey(.unset))] },
      { _, ours, theirs in
        #expect(ours.actions.map(\.settings) == [.tunnelKey(.unset)])
        #expect((theirs["actions"] as? [[String: Any]])?.first?["mode"] as? String == "unset")
      })
  }

  @Test(.requires(.matchallFilter), .requires(.vlanAction)) func `vlan agrees`() async throws {
    let there = try #require(MACAddress("02:00:00:00:00:01"))
    let here = try #require(MACAddress("02:00:00:00:00:02"))
    let cases: [(ActionSettings.VLAN, [String: AnyHashable])] = [
      (.pop, ["vlan_action": "pop"]),
      (
        .push(.init(id: 5, etherType: 0x88a8, priority: 3)),
        ["vlan_action": "push", "id": 5, "protocol": "802.1ad", "priority": 3]
      ),
      (
        .modify(.init(id: 6, etherType: 0x8100, priority: 2)),
        ["vlan_action": "modify", "id": 6, "protocol": "802.1Q", "priority": 2]
      ),
      (.popEthernet, ["vlan_action": "pop_eth"]),
      (
        .pushEthernet(destination: there, source: here),
        ["vlan_action": "push_eth", "dst_mac": "02:00:00:00:00:01", "src_mac": "02:00:00:00:00:02"]
      ),
    ]
    for (vlan, words) in cases {
      try await with(
        .matchall, { _ in [TrafficAction(.vlan(vlan))] },
        { _, ours, theirs in
          #expect(ours.actions.map(\.settings) == [.vlan(vlan)])
          let action = try #require((theirs["actions"] as? [[String: Any]])?.first)
          for (name, value) in words {
            #expect(action[name] as? String == value as? String, "\(vlan) \(name)")
            #expect(action[name] as? Int == value as? Int, "\(vlan) \(name)")
          }
        })
    }
  }

  @Test(.requires(.u32Filter), .requires(.gactAction))
  func `an action of a kind without settings is kept, and made again`()
    async throws
  {
    try await withVeth { socket, link in
      try await socket.qdiscs.ensureClsact(on: link.index)
      try await inNamespaceOf(
        socket, "tc filter add dev v0 egress prio 7 protocol ip u32 match u32 0 0 action police rate 1mbit burst 10k")
      let first = try #require(try await socket.filters.all(on: link.index).last)
      guard case .other("police", let options)? = first.actions.first?.settings else { return #expect(Bool(false)) }
      #expect(options[1].first?.count == 56)
      // An index of 0 lets the kernel number it afresh; this one is gone with its filter, so it may come back.
      try await socket.filters.remove(first)
      try await socket.filters.add(first)
      let text = try await inNamespaceOf(socket, "tc filter show dev v0 egress")
      #expect(text.contains("rate 1Mbit burst 10Kb"))
    }
  }

  @Test(.requires(.u32Filter)) func `filters of a shared block are listed there, and named so`() async throws {
    try await withVeth { socket, link in
      try await socket.qdiscs.add(
        Qdisc(interface: link.index, settings: .clsact, ingressBlock: 21, egressBlock: 22))
      let read = try #require(try await socket.qdiscs.qdisc(on: link.index, at: .clsact))
      #expect(read.ingressBlock == 21)
      #expect(read.egressBlock == 22)
      try await socket.filters.add(TrafficFilter(at: .block(21), priority: 5, settings: .u32(.init())))
      let ours = try #require(try await socket.filters.all(at: .block(21)).last)
      #expect(ours.block == 21)
      #expect(ours.interface == nil)
      #expect(ours.direction == nil)
      // By the link it is the same, and says so.
      var byLink = try #require(try await socket.filters.all(on: link.index, direction: .ingress).last)
      // The kernel sends packets of its own meanwhile, and u32 counts them there.
      byLink.otherOptions = ours.otherOptions
      #expect(byLink.place == ours.place)
      #expect(byLink == ours, "\(byLink) \(ours)")
      #expect(try await inNamespaceOf(socket, "tc filter show block 21").contains("pref 5 u32"))
      try await socket.filters.removeAll(at: .block(21))
      #expect(try await socket.filters.all(at: .block(21)).isEmpty)
      #expect(try await socket.filters.all(at: .block(77)).isEmpty)
    }
  }

  @Test(.requires(.u32Filter), .requires(.htbQdisc))
  func `filters hang on qdiscs and classes, and go by priority`()
    async throws
  {
    try await withVeth { socket, link in
      let root = TrafficHandle(major: 1)
      let inner = TrafficHandle(major: 1, minor: 1)
      try await socket.qdiscs.add(Qdisc(interface: link.index, handle: root, settings: .htb()))
      try await socket.classes.add(
        TrafficClass(
          interface: link.index, parent: root, handle: inner, settings: .htb(.init(rate: RateLimit(.megabits(1))))))
      func filter(_ parent: TrafficHandle, _ priority: UInt16) -> TrafficFilter {
        TrafficFilter(on: link.index, at: parent, priority: priority, settings: .u32(.init()), classID: inner)
      }
      for each in [filter(root, 20), filter(root, 10), filter(inner, 5)] { try await socket.filters.add(each) }
      let there = TrafficFilter.Place.link(link.index, parent: root)
      func priorities(_ place: TrafficFilter.Place) async throws -> [UInt16] {
        try await socket.filters.all(at: place).filter { $0.classID != nil }.map(\.priority)
      }
      #expect(try await priorities(there) == [10, 20])
      #expect(try await priorities(.link(link.index, parent: inner)) == [5])
      try await socket.filters.removeAll(at: there, priority: 10)
      #expect(try await priorities(there) == [20])
      let gone = await #expect(throws: NetlinkError.self) {
        try await socket.filters.removeAll(at: there, priority: 10)
      }
      #expect(gone?.code == .notFound)
      try await socket.filters.removeAll(at: there)
      #expect(try await priorities(there) == [])
      // Priority 0 lets the kernel choose.
      try await socket.filters.add(filter(root, 0))
      #expect(try await priorities(there) == [49152])
      // One by its number is replaced, but for its keys.
      var again = try #require(try await socket.filters.all(at: there).last)
      let keys = again.settings
      again.settings = .u32(.init([.init(1, at: 12)]))
      again.classID = root
      try await socket.filters.replace(again)
      let replaced = try await socket.filters.all(at: there).filter { $0.classID != nil }
      #expect(replaced.map(\.classID) == [root])
      #expect(replaced.map(\.settings) == [keys])
      again.classID = inner
      try await socket.filters.replace(again)
      let busy = await #expect(throws: NetlinkError.self) {
        try await socket.classes.remove(
          TrafficClass(interface: link.index, parent: root, handle: inner, settings: .other("htb")))
      }
      #expect(busy?.code == .busy)
      let twice = await #expect(throws: NetlinkError.self) { try await socket.filters.add(again) }
      #expect(twice?.code == .exists)
      again.place = .link(link.index, parent: TrafficHandle(major: 9))
      let early = await #expect(throws: NetlinkError.self) { try await socket.filters.add(again) }
      #expect(early?.code == .invalidArgument)
      #expect(early?.message.contains("there is no qdisc 9:") == true)
      let unknown = TrafficFilter(on: link.index, at: root, priority: 3, settings: .other("nosuchkind"))
      let missing = await #expect(throws: NetlinkError.self) { try await socket.filters.add(unknown) }
      #expect(missing?.code == .notFound)
      #expect(missing?.message.contains("cls_nosuchkind") == true)
    }
  }
}
