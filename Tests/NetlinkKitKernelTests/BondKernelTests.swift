// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Bonds in the kernel", .serialized, .requires(.root), .requires(.bond))
struct BondKernelTests {
  private static var kinds: [BondSettings] {
    var backup = BondSettings(mode: .activeBackup, arpInterval: 500, arpTargets: [IPv4Address(10, 0, 0, 1)])
    backup.neighbourTargets = [IPAddress("2001:db8::1")].compactMap {
      if case .v6(let address)? = $0 { address } else { nil }
    }
    backup.arpValidation = .all
    backup.requiresAllTargets = true
    backup.maximumMissed = 5
    backup.primaryReselection = .better
    backup.failOverAddress = .active
    backup.resentIGMPCount = 3
    backup.peerNotificationCount = 2
    backup.acceptsOnAllPorts = true
    var lacp = BondSettings(
      mode: .lacp, carrierInterval: 100, upDelay: 200, downDelay: 300, transmitHash: .encapsulated34, minimumLinks: 2,
      lacpRate: .fast)
    lacp.isLACPActive = false
    lacp.aggregatorSelection = .bandwidth
    lacp.actorPriority = 1000
    lacp.actorAddress = MACAddress("02:00:00:00:00:07")
    lacp.userPortKey = 77
    lacp.peerNotificationDelay = 400
    var roundRobin = BondSettings(mode: .roundRobin, carrierInterval: 100)
    roundRobin.packetsPerPort = 8
    roundRobin.learningInterval = 4
    return [backup, lacp, roundRobin, BondSettings()]
  }

  private func expect(_ our: BondSettings, _ their: [String: Any]) {
    func number(_ our: (some FixedWidthInteger)?, _ key: String) {
      #expect(our.map { Int($0) } == their[key] as? Int, "\(key)")
    }
    func word(_ our: (some CustomStringConvertible)?, _ key: String) {
      // ip prints "none" of ARP validation as null.
      #expect(our?.description == their[key] as? String ?? (their[key] == nil ? nil : "none"), "\(key)")
    }
    word(our.mode, "mode")
    number(our.carrierInterval, "miimon")
    number(our.upDelay, "updelay")
    number(our.downDelay, "downdelay")
    number(our.peerNotificationDelay, "peer_notify_delay")
    number(our.usesCarrier.map { $0 ? 1 : 0 }, "use_carrier")
    number(our.arpInterval, "arp_interval")
    number(our.maximumMissed, "arp_missed_max")
    #expect(our.arpTargets?.map(\.description) == their["arp_ip_target"] as? [String])
    #expect(our.neighbourTargets?.map(\.description) == their["ns_ip6_target"] as? [String])
    word(our.arpValidation, "arp_validate")
    #expect(our.requiresAllTargets.map { $0 ? "all" : "any" } == their["arp_all_targets"] as? String)
    word(our.primaryReselection, "primary_reselect")
    word(our.failOverAddress, "fail_over_mac")
    word(our.transmitHash, "xmit_hash_policy")
    number(our.resentIGMPCount, "resend_igmp")
    number(our.peerNotificationCount, "num_peer_notif")
    number(our.acceptsOnAllPorts.map { $0 ? 1 : 0 }, "all_slaves_active")
    number(our.minimumLinks, "min_links")
    number(our.learningInterval, "lp_interval")
    number(our.packetsPerPort, "packets_per_slave")
    #expect(our.isLACPActive.map { $0 ? "on" : "off" } == their["ad_lacp_active"] as? String)
    word(our.lacpRate, "ad_lacp_rate")
    word(our.aggregatorSelection, "ad_select")
    number(our.actorPriority, "ad_actor_sys_prio")
    number(our.userPortKey, "ad_user_port_key")
    #expect(our.actorAddress?.description == their["ad_actor_system"] as? String)
    number(our.balancesDynamically.map { $0 ? 1 : 0 }, "tlb_dynamic_lb")
  }

  @Test func `a bond is what was asked for, and what ip says`() async throws {
    try await withVeth { socket, _ in
      for settings in BondKernelTests.kinds {
        let link = try await socket.links.add(NewLink(name: "t0", kind: .bond(settings)))
        let read = try #require(link.kind)
        #expect(LinkKind.bond(settings).isMet(by: read), "\(read)")
        guard case .bond(let its) = read else { continue }
        try await expect(its, information(socket, "t0"))
        try await socket.links.remove(link.index)
      }
    }
  }

  @Test func `the settings of a bond change, and its primary goes`() async throws {
    try await withVeth { socket, port in
      let link = try await socket.links.add(
        NewLink(name: "t0", kind: .bond(BondSettings(mode: .activeBackup, carrierInterval: 100)), isUp: true))
      try await socket.links.change(port.index, LinkChanges(isUp: false))
      try await socket.links.change(port.index, LinkChanges(master: link.index))
      try await socket.links.change(
        link.index, LinkChanges(settings: .bond(BondSettings(upDelay: 200, primary: port.index))))
      guard case .bond(let settings)? = try await socket.links.link(at: link.index)?.kind else { return }
      #expect(settings.primary == port.index)
      #expect(settings.upDelay == 200)
      #expect(settings.mode == .activeBackup)
      try await socket.links.change(link.index, LinkChanges(settings: .bond(BondSettings(primary: .some(nil)))))
      guard case .bond(let after)? = try await socket.links.link(at: link.index)?.kind else { return }
      #expect(after.primary == nil)
      let refused = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .bond(BondSettings(mode: .lacp))))
      }
      #expect(refused?.code == .busy)
      #expect(refused?.message.contains("only while the link has no ports") == true)
    }
  }

  @Test func `ports of bonds say what they are, and are told`() async throws {
    try await withVeth { socket, port in
      let backup = try await socket.links.add(
        NewLink(name: "t0", kind: .bond(BondSettings(mode: .activeBackup, carrierInterval: 100)), isUp: true))
      try await socket.links.change(port.index, LinkChanges(isUp: false))
      try await socket.links.change(port.index, LinkChanges(master: backup.index))
      let settings = BondPortSettings(queue: 3, priority: -5)
      try await socket.links.change(port.index, LinkChanges(port: .bond(settings)))
      let link = try #require(try await socket.links.link(at: port.index))
      guard case .bond(let its)? = link.port else {
        Issue.record("no port of a bond")
        return
      }
      #expect(LinkPort.bond(settings).isMet(by: .bond(its)))
      let row = try await information(socket, "v0", ofPort: true)
      #expect(its.isActive.map { $0 ? "ACTIVE" : "BACKUP" } == row["state"] as? String)
      #expect(its.carrier?.description == row["mii_status"] as? String)
      #expect(its.failureCount.map(Int.init) == row["link_failure_count"] as? Int)
      #expect(its.permanentAddress?.description == row["perm_hwaddr"] as? String)
      #expect(row["queue_id"] as? Int == 3)
      #expect(row["prio"] as? Int == -5)
    }
  }

  @Test func `an aggregate says who is in it`() async throws {
    try await withVeth { socket, port in
      let lacp = try await socket.links.add(
        NewLink(name: "t0", kind: .bond(BondSettings(mode: .lacp, carrierInterval: 100)), isUp: true))
      try await socket.links.change(port.index, LinkChanges(isUp: false))
      try await socket.links.change(port.index, LinkChanges(master: lacp.index))
      // Ports find together a moment later.
      var found: BondAggregation?
      for _ in 0..<50 {
        found = try await socket.links.link(at: lacp.index)?.bondAggregation
        if found != nil { break }
        try await Task.sleep(for: .milliseconds(100))
      }
      let aggregation = try #require(found)
      let row = try #require(try await information(socket, "t0")["ad_info"] as? [String: Any])
      #expect(aggregation.aggregator.map(Int.init) == row["aggregator"] as? Int)
      #expect(aggregation.portCount.map(Int.init) == row["num_ports"] as? Int)
      #expect(aggregation.partner?.description == row["partner_mac"] as? String)
      guard case .bond(let its)? = try await socket.links.link(at: port.index)?.port else { return }
      let port = try await information(socket, "v0", ofPort: true)
      #expect(its.aggregator.map(Int.init) == port["ad_aggregator_id"] as? Int)
      #expect(its.actorState != nil)
      #expect(its.partnerState != nil)
    }
  }

  @Test func `the kernel does not tell a bridge port's settings from a bond port's`() async throws {
    try await withVeth { socket, port in
      let bond = try await socket.links.add(NewLink(name: "t0", kind: .bond(BondSettings(mode: .activeBackup))))
      try await socket.links.change(port.index, LinkChanges(isUp: false))
      try await socket.links.change(port.index, LinkChanges(master: bond.index))
      // The state of the one is the read-only state of the other, and is passed over.
      try await socket.links.change(port.index, LinkChanges(port: .bridge(BridgePortSettings(state: .disabled))))
    }
  }
}
