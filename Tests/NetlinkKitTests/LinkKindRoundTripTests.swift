// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

/// The link in a captured message.
func link(_ name: String) throws -> Link {
  let fixture = try Fixture(name)
  let span = unsafe fixture.bytes.span.bytes
  var cursor = MessageCursor()
  return try Link(try #require(try cursor.next(in: span)), in: span)
}

@Suite("Captured kinds of links")
struct LinkKindRoundTripTests {
  static let names = [
    "bond", "bond-8023ad", "bond-8023ad-port", "bond-port", "bridge", "bridge-port", "dummy", "ifb", "ipvlan",
    "macvlan",
    "tap", "vlan", "vxlan", "vxlan-external", "vxlan6",
  ]

  @Test(arguments: names) func `every byte of a link of this kind comes back`(name: String) throws {
    try Fixture("link-reply-\(name)").expectRoundTrip(headerSize: Link.headerSize) { message, span, writer in
      try Link(message, in: span).encodeReply(into: writer)
    }
  }

  @Test(arguments: names) func `any cut and any flipped bit gives a value or an error`(name: String) throws {
    let whole = try Fixture("link-reply-\(name)").bytes
    var outcomes: Set<Bool> = []
    for place in whole.indices {
      for byte in [whole[place] ^ 1 << (place % 8), 0xff] {
        var bytes = whole
        bytes[place] = byte
        let span = unsafe bytes.span.bytes
        var cursor = MessageCursor()
        do throws(WireError) {
          while let message = try cursor.next(in: span) {
            let link = try Link(message, in: span)
            _ = (link.bridgeStatus, link.bridgePortStatus, link.bondAggregation)
          }
          outcomes.insert(true)
        } catch { outcomes.insert(false) }
      }
    }
    #expect(outcomes == [true, false])
  }

  @Test func `a VLAN says its tag, flags and maps`() throws {
    guard case .vlan(_, let id, let tag, let settings)? = try link("link-reply-vlan").kind else {
      Issue.record("no VLAN")
      return
    }
    #expect(id == 100)
    #expect(tag == .dot1ad)
    #expect(settings.flags[.gvrp] == true)
    #expect(settings.flags[.reorderHeader] == false)
    #expect(settings.ingressPriorities == [.init(from: 1, to: 2), .init(from: 3, to: 4)])
    #expect(settings.egressPriorities == [.init(from: 5, to: 6)])
  }

  @Test func `VXLANs say where packets go`() throws {
    guard case .vxlan(let four)? = try link("link-reply-vxlan").kind,
      case .vxlan(let six)? = try link("link-reply-vxlan6").kind,
      case .vxlan(let external)? = try link("link-reply-vxlan-external").kind
    else {
      Issue.record("no VXLAN")
      return
    }
    #expect(four.id == 42)
    #expect(four.remote == IPAddress("10.0.0.2"))
    #expect(four.local == IPAddress("10.0.0.1"))
    #expect(four.port == 4789)
    #expect(four.ttl == 7)
    #expect(four.isLearning == true)
    #expect(four.carriesPolicy)
    #expect(four.parent != nil)
    #expect(six.remote == IPAddress("ff05::1"))
    #expect(six.local == IPAddress("2001:db8::1"))
    #expect(six.sourcePorts == VXLANPortRange(low: 4000, high: 5000))
    #expect(six.flowLabel == 0x12345)
    #expect(six.isLearning == false)
    #expect(six.reportsLinkLayerMisses == true)
    #expect(six.reportsNeighbourMisses == true)
    #expect(!six.carriesPolicy)
    #expect(external.isExternal == true)
    #expect(external.filtersNetworks == true)
    #expect(external.parent == nil)
  }

  @Test func `a bridge and its port say their settings and what became of them`() throws {
    let bridge = try link("link-reply-bridge")
    guard case .bridge(let settings)? = bridge.kind else {
      Issue.record("no bridge")
      return
    }
    #expect(settings.isVLANFiltering == true)
    #expect(settings.forwardDelay == 1500)
    #expect(settings.priority == 4096)
    #expect(settings.isMulticastSnooping == false)
    #expect(settings.vlanProtocol == .dot1Q)
    #expect(settings.defaultVLAN == 1)
    #expect(settings.spanningTree == .off)
    #expect(settings.groupAddress == MACAddress("01:80:c2:00:00:00"))
    #expect(settings.options[.noLinkLocalLearning] == false)
    #expect(bridge.bridgeStatus?.id?.priority == 4096)
    #expect(bridge.bridgeStatus?.root == bridge.bridgeStatus?.id)
    #expect(bridge.bridgeStatus?.rootPort == 0)
    #expect(bridge.bridgePortStatus == nil)

    let port = try link("link-reply-bridge-port")
    guard case .bridge(let its)? = port.port else {
      Issue.record("no port")
      return
    }
    #expect(port.kind == .veth(peer: nil))
    #expect(its.isHairpin == true)
    #expect(its.isIsolated == true)
    #expect(its.cost == 42)
    #expect(its.priority == 32)
    #expect(its.isGuarded == false)
    #expect(its.state == .disabled)
    #expect(port.bridgePortStatus?.number == 1)
    #expect(port.bridgePortStatus?.id == 0x8001)
    #expect(port.bridgePortStatus?.designatedBridge == port.bridgePortStatus?.root)
  }

  @Test func `bonds and their ports say their settings and what became of them`() throws {
    let backup = try link("link-reply-bond")
    guard case .bond(let settings)? = backup.kind, case .bond(let lacp)? = try link("link-reply-bond-8023ad").kind
    else {
      Issue.record("no bond")
      return
    }
    #expect(settings.mode == .activeBackup)
    #expect(settings.arpInterval == 500)
    #expect(settings.arpTargets == [IPv4Address(10, 0, 0, 1), IPv4Address(10, 0, 0, 2)])
    #expect(settings.arpValidation == .all)
    #expect(settings.requiresAllTargets == false)
    #expect(settings.primary == InterfaceIndex(rawValue: 8))
    #expect(settings.activePort == InterfaceIndex(rawValue: 8))
    #expect(backup.bondAggregation == nil)
    #expect(lacp.mode == .lacp)
    #expect(lacp.carrierInterval == 100)
    #expect(lacp.lacpRate == .fast)
    #expect(lacp.transmitHash == .layer34)
    #expect(lacp.actorPriority == 1000)
    #expect(lacp.actorAddress == MACAddress("02:00:00:00:00:07"))
    let aggregation = try #require(try link("link-reply-bond-8023ad").bondAggregation)
    #expect(aggregation.aggregator == 1)
    #expect(aggregation.portCount == 1)
    #expect(aggregation.partner == MACAddress("00:00:00:00:00:00"))

    guard case .bond(let port)? = try link("link-reply-bond-port").port,
      case .bond(let aggregated)? = try link("link-reply-bond-8023ad-port").port
    else {
      Issue.record("no port")
      return
    }
    #expect(port.queue == 3)
    #expect(port.priority == -5)
    #expect(port.isActive == true)
    #expect(port.carrier == .up)
    #expect(port.failureCount == 0)
    #expect(port.permanentAddress != nil)
    #expect(port.aggregator == nil)
    #expect(aggregated.aggregator == 1)
    #expect(aggregated.actorState == 79)
    #expect(aggregated.partnerState != nil)
  }

  @Test func `macvlan and tap say their settings`() throws {
    guard case .macvlan(_, let macvlan)? = try link("link-reply-macvlan").kind,
      case .tun(let tap)? = try link("link-reply-tap").kind
    else {
      Issue.record("another kind")
      return
    }
    #expect(macvlan.mode == .source)
    #expect(macvlan.flags == .noDestination)
    #expect(
      macvlan.sourceAddresses?.sorted() == [
        MACAddress(truncating: 0x0200_0000_0001), .init(truncating: 0x0200_0000_0002),
      ])
    #expect(macvlan.broadcastQueueLength == 1000)
    #expect(macvlan.usedBroadcastQueueLength == 1000)
    #expect(tap.layer == .tap)
    #expect(tap.owner == 65534)
    #expect(tap.group == nil)
    #expect(tap.isPersistent)
    #expect(tap.isMultiQueue)
    #expect(tap.hasVirtioHeader)
    #expect(!tap.hasPacketInformation)
    #expect(tap.queueCount == 0)
  }

  @Test func `a link stays small whatever its kind`() {
    #expect(MemoryLayout<LinkKind>.size <= 64)
    #expect(MemoryLayout<LinkPort>.size <= 17)
  }
}

@Suite("Requests of kinds of links")
struct LinkKindRequestTests {
  private static func index(_ number: UInt32) -> InterfaceIndex { InterfaceIndex(rawValue: number) ?? .loopback }

  private func expect(_ request: some NetlinkRequest, like name: String) throws {
    try Fixture("link-request-\(name)").expectRoundTrip(headerSize: Link.headerSize, textMayLackZero: true) {
      message, span, writer in
      #expect(Int(message.type) == request.type)
      request.encode(into: writer)
    }
  }

  static let created: [(String, InterfaceName, LinkKind)] = {
    var bridge = BridgeSettings(
      forwardDelay: 1500, spanningTree: .kernel, isVLANFiltering: true, defaultVLAN: 0, groupForwardMask: 8,
      isMulticastSnooping: false)
    bridge.options[.noLinkLocalLearning] = true
    var flags = MaskedFlags<VLANFlags>(on: .gvrp)
    flags[.reorderHeader] = false
    var four = VXLANSettings(
      id: 77, remote: IPAddress("10.0.0.2"), parent: index(20), local: IPAddress("10.0.0.1"), port: 4789,
      sourcePorts: VXLANPortRange(low: 4000, high: 5000), ttl: 7, isLearning: false, carriesPolicy: true)
    four.ageing = 60
    var six = VXLANSettings(
      id: 78, remote: IPAddress("ff05::1"), parent: index(20), local: IPAddress("2001:db8::1"), port: 4792)
    six.tos = 4
    six.fragmentation = .forbidden
    six.omitsIPv6Checksums = true
    six.reportsLinkLayerMisses = true
    six.isLearning = true
    return [
      ("bridge", "brx", .bridge(bridge)),
      (
        "vlan", "vlx",
        .vlan(
          parent: index(20), id: 100, protocol: .dot1ad,
          VLANSettings(
            flags: flags, ingressPriorities: [.init(from: 1, to: 2), .init(from: 3, to: 4)],
            egressPriorities: [.init(from: 5, to: 6)]))
      ),
      ("vxlan", "vxx", .vxlan(four)), ("vxlan6", "vxy", .vxlan(six)),
      (
        "macvlan", "mx",
        .macvlan(parent: index(20), MACVLANSettings(mode: .private, broadcastQueueLength: 2000))
      ),
      ("macvlan-source", "mx", .macvlan(parent: index(20), MACVLANSettings(mode: .source, flags: .noDestination))),
      ("ipvlan", "ix", .ipvlan(parent: index(27), mode: .l3, flag: .private)),
      (
        "bond", "bondx",
        .bond(BondSettings(mode: .lacp, carrierInterval: 100, transmitHash: .layer34, lacpRate: .fast))
      ),
    ]
  }()

  @Test(arguments: created)
  func `a creation is what ip sends for it`(name: String, link: InterfaceName, kind: LinkKind) throws {
    try expect(CreateLink(link: NewLink(name: link, kind: kind)), like: name)
  }

  @Test func `a change of settings is what ip sends for it`() throws {
    func change(_ number: UInt32, _ settings: LinkSettings) -> ChangeLink {
      ChangeLink(subject: .index(LinkKindRequestTests.index(number)), changes: LinkChanges(settings: settings))
    }
    try expect(
      change(11, .bridge(BridgeSettings(ageingTime: 6000, isVLANFiltering: false))), like: "bridge-change")
    let addresses = [MACAddress(truncating: 0x0200_0000_0001), MACAddress(truncating: 0x0200_0000_0002)]
    try expect(change(26, .macvlan(MACVLANSettings(sourceAddresses: addresses))), like: "macvlan-macaddr")
  }

  /// `ip` calls the kind of the link `bond_slave`, which the kernel does not look at; what counts are the settings.
  @Test(arguments: [
    (
      "bridge-port", LinkKindRequestTests.index(113),
      LinkPort.bridge(
        BridgePortSettings(
          priority: 9, cost: 42, isHairpin: true, isGuarded: true, isLearning: false, floodsUnicast: false,
          floodsMulticast: false, floodsBroadcast: false, isIsolated: true, proxiesARP: true,
          suppressesNeighbours: true,
          hasVLANTunnel: true))
    ), ("bond-port", LinkKindRequestTests.index(8), .bond(BondPortSettings(queue: 2, priority: 7))),
  ]) func `a change of a port is what ip sends for it`(name: String, index: InterfaceIndex, port: LinkPort) throws {
    try Fixture("link-request-\(name)").expectRoundTrip(headerSize: Link.headerSize, textMayLackZero: true) {
      message, span, writer in
      ChangeLink(subject: .index(index), changes: LinkChanges()).encode(into: writer)
      writer.nested(18) { writer in
        writer.put(1, string: "\(port.name)_slave")
        writer.nested(5) { port.encodeData(into: $0, asReply: false) }
      }
    }
  }

  @Test func `our own change of a port names the kind of the port`() throws {
    let port = LinkPort.bridge(BridgePortSettings(isHairpin: true))
    let writer = MessageWriter()
    writer.begin(type: 16, flags: 0, sequence: 1)
    ChangeLink(subject: .index(.loopback), changes: LinkChanges(port: port)).encode(into: writer)
    let information = Bytes.attribute(4, Array("bridge\0".utf8)) + Bytes.attribute(0x8005, Bytes.attribute(4, [1]))
    #expect(Array(writer.bytes.dropFirst(32)) == Bytes.attribute(0x8012, information))
  }

  @Test func `what the kernel would misread is refused`() throws {
    func objection(_ changes: LinkChanges, _ subject: LinkSubject = .index(.loopback)) -> String? {
      ChangeLink(subject: subject, changes: changes).objection
    }
    let port = LinkPort.bridge(BridgePortSettings(isHairpin: true))
    #expect(objection(LinkChanges(port: port)) == nil)
    #expect(objection(LinkChanges(master: .loopback, port: port))?.contains("the old master's port's") == true)
    #expect(objection(LinkChanges(port: .other("vrf"))) == "this module knows no settings of a port of vrf")
    #expect(objection(LinkChanges(settings: .bridge(BridgeSettings())), .group(LinkGroup(1))) != nil)
    #expect(objection(LinkChanges(port: port), .group(LinkGroup(1))) != nil)
    let tap = NewLink(name: "tap0", kind: .tun(TunSettings()))
    #expect(CreateLink(link: tap).objection?.contains("use TunDevice") == true)
  }
}
