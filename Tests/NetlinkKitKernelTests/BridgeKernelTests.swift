// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

@Suite("Bridges in the kernel", .serialized, .requires(.root))
struct BridgeKernelTests {
  /// Every setting, at another value than the kernel would choose.
  private static var settings: BridgeSettings {
    var settings = BridgeSettings(
      forwardDelay: 1400, ageingTime: 20_000, spanningTree: .off, priority: 4096, isVLANFiltering: true,
      vlanProtocol: .dot1ad, defaultVLAN: 7, groupForwardMask: 0x4008, isMulticastSnooping: false,
      isMulticastQuerier: true, options: MaskedFlags(on: .noLinkLocalLearning))
    settings.helloTime = 300
    settings.maximumAge = 1900
    settings.countsVLANs = true
    settings.countsVLANsPerPort = true
    settings.groupAddress = MACAddress("01:80:c2:00:00:0f")
    settings.multicastRouter = .always
    settings.queriesFromOwnAddress = true
    settings.maximumGroups = 512
    settings.lastMemberQueryCount = 3
    settings.startupQueryCount = 4
    settings.lastMemberInterval = 150
    settings.membershipInterval = 25_000
    settings.querierInterval = 24_000
    settings.queryInterval = 12_000
    settings.queryResponseInterval = 900
    settings.startupQueryInterval = 3000
    settings.countsMulticast = true
    settings.igmpVersion = 3
    settings.mldVersion = 2
    return settings
  }

  private func expect(_ our: BridgeSettings, _ their: [String: Any]) {
    func number(_ our: (some FixedWidthInteger)?, _ key: String) {
      #expect(our.map { Int($0) } == their[key] as? Int, "\(key)")
    }
    func bit(_ our: Bool?, _ key: String) { number(our.map { $0 ? 1 : 0 }, key) }
    number(our.forwardDelay, "forward_delay")
    number(our.helloTime, "hello_time")
    number(our.maximumAge, "max_age")
    number(our.ageingTime, "ageing_time")
    number(our.spanningTree?.rawValue, "stp_state")
    number(our.priority, "priority")
    bit(our.isVLANFiltering, "vlan_filtering")
    #expect(our.vlanProtocol?.description == their["vlan_protocol"] as? String)
    number(our.defaultVLAN, "vlan_default_pvid")
    bit(our.countsVLANs, "vlan_stats_enabled")
    bit(our.countsVLANsPerPort, "vlan_stats_per_port")
    #expect(
      our.groupForwardMask.map { $0 == 0 ? "0" : "0x" + String($0, radix: 16) } == their["group_fwd_mask"] as? String)
    #expect(our.groupAddress?.description == their["group_addr"] as? String)
    number(our.multicastRouter?.rawValue, "mcast_router")
    bit(our.isMulticastSnooping, "mcast_snooping")
    bit(our.queriesFromOwnAddress, "mcast_query_use_ifaddr")
    bit(our.isMulticastQuerier, "mcast_querier")
    number(our.maximumGroups, "mcast_hash_max")
    number(our.lastMemberQueryCount, "mcast_last_member_cnt")
    number(our.startupQueryCount, "mcast_startup_query_cnt")
    number(our.lastMemberInterval, "mcast_last_member_intvl")
    number(our.membershipInterval, "mcast_membership_intvl")
    number(our.querierInterval, "mcast_querier_intvl")
    number(our.queryInterval, "mcast_query_intvl")
    number(our.queryResponseInterval, "mcast_query_response_intvl")
    number(our.startupQueryInterval, "mcast_startup_query_intvl")
    bit(our.countsMulticast, "mcast_stats_enabled")
    number(our.igmpVersion, "mcast_igmp_version")
    number(our.mldVersion, "mcast_mld_version")
    bit(our.callsIPTables, "nf_call_iptables")
    bit(our.callsIP6Tables, "nf_call_ip6tables")
    bit(our.callsARPTables, "nf_call_arptables")
    bit(our.options[.noLinkLocalLearning], "no_linklocal_learn")
    bit(our.options[.multicastVLANSnooping], "mcast_vlan_snooping")
  }

  @Test func `a bridge is what was asked for, and what ip says`() async throws {
    let hasVLANs = await KernelFeature.bridgeVLANs.availability() == .available
    try await withVeth { socket, _ in
      let second = hasVLANs ? BridgeKernelTests.settings : BridgeKernelTests.settings.withoutVLANs
      for (name, kind) in [("br0", LinkKind.bridge), ("br1", .bridge(second))] {
        let link = try await socket.links.add(
          NewLink(name: try #require(InterfaceName(name)), kind: kind))
        let read = try #require(link.kind)
        #expect(kind.isMet(by: read), "\(read)")
        guard case .bridge(let settings) = read else { continue }
        try await expect(settings, information(socket, name))
        let status = try #require(link.bridgeStatus)
        #expect(status.id == status.root)
        #expect(status.id?.priority == settings.priority)
        #expect(status.rootPathCost == 0)
        // What was read can be sent again; without VLANs the kernel refuses to hear of them.
        try await socket.links.change(
          link.index, LinkChanges(settings: .bridge(hasVLANs ? settings : settings.withoutVLANs)))
        #expect(try await socket.links.link(at: link.index)?.kind == read)
      }
    }
  }

  @Test func `a bridge keeps VLANs apart, or the kernel's refusal is put into words`() async throws {
    let hasVLANs = await KernelFeature.bridgeVLANs.availability() == .available
    try await withVeth { socket, _ in
      let wanted = NewLink(name: "br0", kind: .bridge(BridgeSettings(isVLANFiltering: true)))
      do throws(NetlinkError) {
        let link = try await socket.links.add(wanted)
        guard case .bridge(let settings)? = link.kind else { Issue.record("no bridge: \(link)"); return }
        #expect(hasVLANs)
        #expect(settings.isVLANFiltering == true)
      } catch {
        #expect(!hasVLANs)
        #expect(error.code == .notSupported)
        #expect(error.description.contains("know no VLANs"))
      }
    }
  }

  @Test(.requires(.bridgeVLANs))
  func `the settings of a bridge change, and those that are not named stay`() async throws {
    try await withVeth { socket, _ in
      let link = try await socket.links.add(NewLink(name: "br0", kind: .bridge(BridgeKernelTests.settings)))
      guard case .bridge(var expected)? = link.kind else { return }
      try await socket.links.change(
        link.index, LinkChanges(settings: .bridge(BridgeSettings(ageingTime: 6000, isVLANFiltering: false))))
      expected.ageingTime = 6000
      expected.isVLANFiltering = false
      #expect(try await socket.links.link(at: link.index)?.kind == .bridge(expected))
      try await socket.links.change(
        link.index, LinkChanges(mtu: 1400, settings: .bridge(BridgeSettings(priority: 1))))
      expected.priority = 1
      let both = try await socket.links.link(at: link.index)
      #expect(both?.kind == .bridge(expected))
      #expect(both?.mtu == 1400)
      let refused = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .bridge(BridgeSettings(groupForwardMask: 1))))
      }
      #expect(refused?.code == .invalidArgument)
    }
  }

  @Test func `a change of settings is one of a batch`() async throws {
    try await withVeth { socket, port in
      let link = try await socket.links.add(NewLink(name: "br0", kind: .bridge))
      let outcome = await socket.perform([
        .change(link.index, LinkChanges(settings: .bridge(BridgeSettings(priority: 5)))),
        .change(port.index, LinkChanges(master: link.index)),
        .change(port.index, LinkChanges(port: .bridge(BridgePortSettings(isHairpin: true)))),
      ])
      #expect(outcome.failures.isEmpty)
      guard case .bridge(let settings)? = try await socket.links.link(at: link.index)?.kind,
        case .bridge(let its)? = try await socket.links.link(at: port.index)?.port
      else {
        Issue.record("no bridge, or no port")
        return
      }
      #expect(settings.priority == 5)
      #expect(its.isHairpin == true)
    }
  }

  @Test func `a port of a bridge is told all that it can be, and says it`() async throws {
    try await withVeth { socket, port in
      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge, isUp: true))
      #expect(port.port == nil)
      try await socket.links.change(port.index, LinkChanges(master: bridge.index))
      let backup = try await socket.links.add(NewLink(name: "w0", kind: .veth(), master: bridge.index))
      var settings = BridgePortSettings(
        state: .learning, priority: 9, cost: 42, isHairpin: true, isGuarded: true, isLearning: false,
        floodsUnicast: false, floodsMulticast: false, floodsBroadcast: false, isIsolated: true, proxiesARP: true,
        suppressesNeighbours: true, hasVLANTunnel: true, isLocked: true)
      settings.isRootBlocked = true
      settings.leavesFast = true
      settings.proxiesARPForWireless = true
      settings.multicastRouter = .always
      settings.sendsMulticastAsUnicast = true
      settings.maximumTrackedHosts = 100
      settings.groupForwardMask = 8
      settings.backupPort = backup.index
      try await socket.links.change(port.index, LinkChanges(port: .bridge(settings)))
      let link = try #require(try await socket.links.link(at: port.index))
      let read = try #require(link.port)
      #expect(LinkPort.bridge(settings).isMet(by: read), "\(read)")
      #expect(link.kind == .veth(peer: nil))
      let row = try await information(socket, "v0", ofPort: true)
      for (key, value) in [
        "hairpin": true, "guard": true, "root_block": true, "fastleave": true, "learning": false, "flood": false,
        "mcast_flood": false, "bcast_flood": false, "isolated": true, "proxy_arp": true, "proxy_arp_wifi": true,
        "neigh_suppress": true, "vlan_tunnel": true, "mcast_to_unicast": true, "locked": true,
      ] { #expect(row[key] as? Bool == value, "\(key)") }
      #expect(row["state"] as? String == "learning")
      #expect(row["priority"] as? Int == 9)
      #expect(row["cost"] as? Int == 42)
      #expect(row["multicast_router"] as? Int == 2)
      #expect(row["group_fwd_mask_str"] as? String == "0x8")
      #expect(row["backup_port"] as? String == "w0")
      let status = try #require(link.bridgePortStatus)
      #expect(status.id.map { "0x" + String($0, radix: 16) } == row["id"] as? String)
      #expect(status.number.map { "0x" + String($0, radix: 16) } == row["no"] as? String)
      #expect(status.designatedPort.map(Int.init) == row["designated_port"] as? Int)
      #expect(status.designatedCost == 0)
      #expect(status.root?.priority == 0x8000)

      var free = BridgePortSettings(isHairpin: false)
      free.backupPort = .some(nil)
      try await socket.links.change(port.index, LinkChanges(port: .bridge(free)))
      guard case .bridge(let after)? = try await socket.links.link(at: port.index)?.port else { return }
      #expect(after.isHairpin == false)
      #expect(after.backupPort == nil)
      #expect(after.isIsolated == true)
    }
  }

  @Test func `a link that is no port has no port's settings`() async throws {
    try await withVeth { socket, link in
      let error = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(port: .bridge(BridgePortSettings(isHairpin: true))))
      }
      #expect(error?.code == .notSupported)
      #expect(error?.message.contains("it is no port of a bridge") == true)
      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge))
      let both = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(
          link.index, LinkChanges(master: bridge.index, port: .bridge(BridgePortSettings(isHairpin: true))))
      }
      #expect(both?.code == .invalidArgument)
    }
  }
}

extension BridgeSettings {
  fileprivate var withoutVLANs: BridgeSettings {
    var settings = self
    (settings.isVLANFiltering, settings.vlanProtocol, settings.defaultVLAN) = (nil, nil, nil)
    (settings.countsVLANs, settings.countsVLANsPerPort) = (nil, nil)
    for option in [BridgeOptions.multicastVLANSnooping, .multipleSpanningTrees, .localAddressesOnce] {
      settings.options[option] = nil
    }
    return settings
  }
}
