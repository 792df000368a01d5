// SPDX-License-Identifier: Apache-2.0

import KernelTestSupport
import LinuxSystem
import NetlinkKit
import NetworkTypes
import Testing

/// What `ip -j -d link` says of the settings of a link's kind, or of the port it is.
func information(_ socket: NetlinkSocket, _ name: String, ofPort: Bool = false) async throws -> [String: Any] {
  let row = try #require(try await rows(socket, "ip -j -d link show \(name)").first)
  let all = try #require(row["linkinfo"] as? [String: Any])
  return all[ofPort ? "info_slave_data" : "info_data"] as? [String: Any] ?? [:]
}

/// What is asked for is what is read back into the same type, and what `ip -j -d link` prints.
@Suite("Kinds of links in the kernel", .serialized, .requires(.root))
struct LinkKindKernelTests {
  @Test(.requires(.vlan)) func `a VLAN is what was asked for, and changes`() async throws {
    try await withVeth { socket, parent in
      let settings = VLANSettings(
        flags: MaskedFlags(on: [.gvrp, .looseBinding], off: .reorderHeader),
        ingressPriorities: [.init(from: 1, to: 2), .init(from: 3, to: 4)], egressPriorities: [.init(from: 5, to: 6)])
      let kind = LinkKind.vlan(parent: parent.index, id: 4094, protocol: .dot1ad, settings)
      let link = try await socket.links.add(NewLink(name: "t0", kind: kind))
      let read = try #require(link.kind)
      #expect(kind.isMet(by: read))
      #expect(link.parentIndex == parent.index)
      var row = try await information(socket, "t0")
      #expect(row["id"] as? Int == 4094)
      #expect(row["protocol"] as? String == "802.1ad")
      #expect((row["flags"] as? [String])?.sorted() == ["GVRP", "LOOSE_BINDING"])
      #expect((row["ingress_qos"] as? [[String: Int]])?.first == ["from": 1, "to": 2])

      let changes = VLANSettings(
        flags: MaskedFlags(on: .mvrp, off: .gvrp), ingressPriorities: [.init(from: 3, to: 0), .init(from: 7, to: 7)])
      try await socket.links.change(link.index, LinkChanges(settings: .vlan(changes)))
      guard case .vlan(_, 4094, .dot1ad, let after)? = try await socket.links.link(at: link.index)?.kind else {
        Issue.record("another kind")
        return
      }
      #expect(after.flags[.mvrp] == true)
      #expect(after.flags[.gvrp] == false)
      #expect(after.flags[.looseBinding] == true)
      #expect(after.flags[.reorderHeader] == false)
      #expect(after.ingressPriorities == [.init(from: 1, to: 2), .init(from: 7, to: 7)])
      #expect(after.egressPriorities == [.init(from: 5, to: 6)])
      row = try await information(socket, "t0")
      #expect((row["flags"] as? [String])?.sorted() == ["LOOSE_BINDING", "MVRP"])
      // What was read can be sent again.
      try await socket.links.change(link.index, LinkChanges(settings: .vlan(after)))
    }
  }

  @Test(.requires(.vlan)) func `a VLAN that cannot be is refused in the kernel's words`() async throws {
    try await withVeth { socket, parent in
      let tooFar = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "t0", kind: .vlan(parent: parent.index, id: 4095)))
      }
      #expect(tooFar?.code == .invalidArgument)
      #expect(tooFar?.kernelMessage?.hasSuffix("Invalid VLAN id") == true)
      try await socket.links.create(NewLink(name: "t0", kind: .vlan(parent: parent.index, id: 5)))
      let twice = await #expect(throws: NetlinkError.self) {
        try await socket.links.create(NewLink(name: "t1", kind: .vlan(parent: parent.index, id: 5)))
      }
      #expect(twice?.code == .exists)
      #expect(twice?.kernelMessage?.hasSuffix("VLAN device already exists") == true)
    }
  }

  static func tunnels(on parent: InterfaceIndex) -> [(InterfaceName, VXLANSettings)] {
    var four = VXLANSettings(
      id: 16_777_215, remote: IPAddress("10.0.0.2"), parent: parent, local: IPAddress("10.0.0.1"), port: 4789,
      sourcePorts: VXLANPortRange(low: 4000, high: 5000), ttl: 9, isLearning: false, carriesPolicy: true)
    four.tos = 4
    four.ageing = 77
    four.addressLimit = 1000
    four.fragmentation = .forbidden
    four.proxiesARP = true
    four.shortCircuitsRoutes = true
    four.reportsLinkLayerMisses = true
    four.reportsNeighbourMisses = true
    four.sendsChecksums = false
    var six = VXLANSettings(
      id: 0, remote: IPAddress("ff05::1"), parent: parent, local: IPAddress("2001:db8::1"), port: 4790)
    six.flowLabel = 0x12345
    six.inheritsTTL = true
    six.omitsIPv6Checksums = true
    six.acceptsNoIPv6Checksums = true
    six.offloadsChecksums = true
    six.acceptsOffloadedChecksums = true
    var external = VXLANSettings(port: 4791, isExternal: true)
    external.filtersNetworks = true
    var general = VXLANSettings(port: 4792, isExternal: true)
    general.carriesProtocol = true
    general.isLearning = false
    return [("vx4", four), ("vx6", six), ("vxe", external), ("vxg", general), ("vxp", VXLANSettings(id: 3))]
  }

  @Test(.requires(.vxlan)) func `VXLANs are what was asked for`() async throws {
    try await withVeth { socket, parent in
      for (name, settings) in LinkKindKernelTests.tunnels(on: parent.index) {
        let link = try await socket.links.add(NewLink(name: name, kind: .vxlan(settings)))
        let read = try #require(link.kind)
        #expect(LinkKind.vxlan(settings).isMet(by: read), "\(name): \(read)")
        guard case .vxlan(let our) = read else { continue }
        let their = try await information(socket, name.rawValue)
        #expect(our.id.map(Int.init) == their["id"] as? Int)
        #expect(our.port.map(Int.init) == their["port"] as? Int)
        #expect(our.ttl.map(Int.init) == their["ttl"] as? Int || our.inheritsTTL == true)
        #expect(our.ageing.map(Int.init) == their["ageing"] as? Int)
        #expect(our.addressLimit == 0 || our.addressLimit.map(Int.init) == their["limit"] as? Int)
        #expect(our.isLearning == their["learning"] as? Bool)
        #expect(our.fragmentation?.description == their["df"] as? String)
        #expect((our.isExternal ?? false) == their["external"] as? Bool ?? false)
        #expect((our.filtersNetworks ?? false) == their["vnifilter"] as? Bool ?? false)
        #expect((our.proxiesARP ?? false) == their["proxy"] as? Bool ?? false)
        #expect((our.shortCircuitsRoutes ?? false) == their["rsc"] as? Bool ?? false)
        #expect((our.reportsLinkLayerMisses ?? false) == their["l2miss"] as? Bool ?? false)
        #expect((our.reportsNeighbourMisses ?? false) == their["l3miss"] as? Bool ?? false)
        #expect(our.sendsChecksums == their["udp_csum"] as? Bool)
        #expect(our.omitsIPv6Checksums == their["udp_zero_csum6_tx"] as? Bool)
        #expect(our.acceptsNoIPv6Checksums == their["udp_zero_csum6_rx"] as? Bool)
        #expect((our.offloadsChecksums ?? false) == their["remcsum_tx"] as? Bool ?? false)
        #expect((our.acceptsOffloadedChecksums ?? false) == their["remcsum_rx"] as? Bool ?? false)
        #expect(our.carriesPolicy == their["gbp"] as? Bool ?? false)
        #expect(our.carriesProtocol == their["gpe"] as? Bool ?? false)
        let remote = their["remote"] ?? their["remote6"] ?? their["group"] ?? their["group6"]
        #expect(our.remote?.description == remote as? String)
        #expect(our.local?.description == (their["local"] ?? their["local6"]) as? String)
        #expect(
          (our.flowLabel == 0 ? nil : our.flowLabel.map { "0x" + String($0, radix: 16) }) == their["label"] as? String)
        let range = their["port_range"] as? [String: Int]
        #expect(our.sourcePorts.map { Int($0.low) } == range?["low"])
        #expect(our.sourcePorts.map { Int($0.high) } == range?["high"])
      }
      guard case .vxlan(let plain)? = try await socket.links.link(named: "vxp")?.kind else { return }
      #expect(plain.port == 8472)
    }
  }

  @Test(.requires(.vxlan)) func `of a VXLAN some settings change, and others are refused`() async throws {
    try await withVeth { socket, parent in
      let link = try await socket.links.add(
        NewLink(
          name: "vx0",
          kind: .vxlan(VXLANSettings(id: 5, remote: IPAddress("10.0.0.2"), parent: parent.index, port: 4789))))
      var settings = VXLANSettings(remote: IPAddress("10.0.0.3"), ttl: 33, isLearning: false)
      settings.ageing = 60
      try await socket.links.change(link.index, LinkChanges(settings: .vxlan(settings)))
      let read = try #require(try await socket.links.link(at: link.index)?.kind)
      #expect(LinkKind.vxlan(settings).isMet(by: read))
      let fixed = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .vxlan(VXLANSettings(id: 6))))
      }
      #expect(fixed?.code == .notSupported)
      #expect(fixed?.kernelMessage == "Cannot change VNI")
      #expect(fixed?.message.contains("one of the settings is fixed when it is created") == true)
      var same = VXLANSettings()
      same.proxiesARP = false
      let unchanged = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .vxlan(same)))
      }
      #expect(unchanged?.code == .notSupported)
      let wrong = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .bridge(BridgeSettings(priority: 1))))
      }
      #expect(wrong?.code == .notSupported)
      #expect(wrong?.message.contains("it is no bridge link") == true)
    }
  }

  @Test(.requires(.vxlan)) func `a VXLAN that cannot be is refused in the kernel's words`() async throws {
    try await withVeth { socket, parent in
      func refusal(_ settings: VXLANSettings) async -> NetlinkError? {
        await #expect(throws: NetlinkError.self) {
          try await socket.links.create(NewLink(name: "vx1", kind: .vxlan(settings)))
        }
      }
      #expect(await refusal(VXLANSettings(id: 1 << 24, port: 4789))?.code == .invalidArgument)
      let missing = try #require(InterfaceIndex(rawValue: 4711))
      let absent = await refusal(VXLANSettings(id: 1, parent: missing, port: 4789))
      #expect(absent?.code == .notFound)
      #expect(absent?.message.contains("parent with index 4711 not found") == true)
      try await socket.links.create(
        NewLink(name: "vx0", kind: .vxlan(VXLANSettings(id: 7, parent: parent.index, port: 4789)), isUp: true))
      let twice = await refusal(VXLANSettings(id: 7, parent: parent.index, port: 4789))
      #expect(twice?.code == .exists)
      #expect(twice?.message.contains("another VXLAN link with this id and port") == true)
      let mixed = await refusal(VXLANSettings(id: 8, remote: IPAddress("10.0.0.1"), local: IPAddress("::1"), port: 1))
      #expect(mixed?.code == .invalidArgument || mixed?.code == .notSupported)
      #expect(mixed?.message.contains("knows no vxlan links") == false)
    }
  }

  @Test(.requires(.macvlan)) func `a macvlan is what was asked for, and changes`() async throws {
    try await withVeth { socket, parent in
      let addresses = [MACAddress(truncating: 0x0200_0000_0001), MACAddress(truncating: 0x0200_0000_0002)]
      let kind = LinkKind.macvlan(
        parent: parent.index,
        MACVLANSettings(
          mode: .source, flags: .noDestination, sourceAddresses: addresses, broadcastQueueLength: 2000))
      let link = try await socket.links.add(NewLink(name: "m0", kind: kind))
      let read = try #require(link.kind)
      #expect(kind.isMet(by: read), "\(read)")
      var row = try await information(socket, "m0")
      #expect(row["mode"] as? String == "source")
      #expect(row["nodst"] as? Bool == true)
      #expect(row["macaddr_count"] as? Int == 2)
      #expect(row["bcqueuelen"] as? Int == 2000)
      #expect((row["macaddr_data"] as? [String])?.sorted() == addresses.map(\.description))

      let fewer = MACVLANSettings(sourceAddresses: [addresses[1]])
      try await socket.links.change(link.index, LinkChanges(settings: .macvlan(fewer)))
      guard case .macvlan(_, let changed)? = try await socket.links.link(at: link.index)?.kind else { return }
      #expect(changed.sourceAddresses == [addresses[1]])
      #expect(changed.mode == .source)
      try await socket.links.change(link.index, LinkChanges(settings: .macvlan(MACVLANSettings(sourceAddresses: []))))
      try await socket.links.change(link.index, LinkChanges(settings: .macvlan(MACVLANSettings(mode: .bridge))))
      row = try await information(socket, "m0")
      #expect(row["mode"] as? String == "bridge")
      // What was read can be sent again.
      let settings = try #require(try await socket.links.link(at: link.index)?.kind?.settings)
      try await socket.links.change(link.index, LinkChanges(settings: settings))
      let refused = await #expect(throws: NetlinkError.self) {
        try await socket.links.change(link.index, LinkChanges(settings: .macvlan(MACVLANSettings(mode: .passthrough))))
      }
      #expect(refused?.code == .invalidArgument)
    }
  }

  @Test(.requires(.ipvlan)) func `the mode of ipvlan links changes, for all on a parent`() async throws {
    try await withVeth { socket, parent in
      let link = try await socket.links.add(NewLink(name: "i0", kind: .ipvlan(parent: parent.index)))
      let other = try await socket.links.add(NewLink(name: "i1", kind: .ipvlan(parent: parent.index)))
      try await socket.links.change(link.index, LinkChanges(settings: .ipvlan(mode: .l3s, flag: .vepa)))
      for index in [link.index, other.index] {
        #expect(
          try await socket.links.link(at: index)?.kind == .ipvlan(parent: parent.index, mode: .l3s, flag: .vepa))
      }
      try await socket.links.change(link.index, LinkChanges(settings: .ipvlan(mode: .l2)))
      #expect(
        try await socket.links.link(at: other.index)?.kind == .ipvlan(parent: parent.index, mode: .l2, flag: .vepa))
      let row = try await information(socket, "i1")
      #expect(row["mode"] as? String == "l2")
      #expect(row["vepa"] as? Bool == true)
    }
  }

  private func expectNoSettings(_ kind: LinkKind) async throws {
    try await withVeth { socket, _ in
      let link = try await socket.links.add(NewLink(name: "t0", kind: kind, isUp: true))
      #expect(link.kind == kind)
      #expect(link.port == nil)
      let row = try #require(try await rows(socket, "ip -j -d link show t0").first)
      #expect((row["linkinfo"] as? [String: Any])?["info_kind"] as? String == kind.name)
      try await socket.links.remove(link.index)
    }
  }

  @Test(.requires(.dummy)) func `a dummy is read back as one`() async throws { try await expectNoSettings(.dummy) }

  @Test(.requires(.ifb)) func `an ifb is read back as one`() async throws { try await expectNoSettings(.ifb) }

  @Test(.requires(.vlan), .requires(.tap)) func `the lines of the article work`() async throws {
    try await withVeth { socket, veth in
      let namespace = try #require(Scratch.namespace)
      let parent = veth.index
      let wanted = LinkKind.vlan(parent: parent, id: 100, VLANSettings(flags: MaskedFlags(on: .gvrp)))
      let link = try await socket.links.add(NewLink(name: "eth0.100", kind: wanted))
      #expect(try wanted.isMet(by: #require(link.kind)))

      let bridge = try await socket.links.add(NewLink(name: "br0", kind: .bridge)).index
      try await socket.links.change(
        bridge, LinkChanges(settings: .bridge(BridgeSettings(isVLANFiltering: true, defaultVLAN: 0))))
      try await socket.links.change(parent, LinkChanges(master: bridge))
      try await socket.links.change(
        parent, LinkChanges(port: .bridge(BridgePortSettings(isHairpin: true, isIsolated: true))))

      let device = try await TunDevice.make(named: "tap0", TunSettings(isMultiQueue: true), in: namespace)
      let queue = try await TunDevice.open("tap0", TunSettings(isMultiQueue: true), in: namespace)
      #expect(device.name == queue.name)
    }
  }

  @Test func `a kind the kernel lacks is told from one it has`() async throws {
    for feature in [KernelFeature.vlan, .vxlan, .ifb, .bond, .dummy, .netkit, .macvlan] {
      guard case .missing(let reason) = await feature.availability() else { continue }
      #expect(reason.contains("this kernel knows no \(feature.name) links"), "\(feature.name): \(reason)")
    }
    #expect(await KernelFeature.vxlan.availability() == .available)
    #expect(await KernelFeature.tap.availability() == .available)
  }
}
