// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import NetlinkKit

/// This is the layout of `linux/if_link.h` since Linux 6.7.
@Suite("Netkit")
struct NetkitCodecTests {
  private static let data =
    Bytes.attribute(2, [1]) + Bytes.attribute(3, Bytes.of(UInt32(2))) + Bytes.attribute(4, Bytes.of(UInt32(0)))
    + Bytes.attribute(5, Bytes.of(UInt32(1))) + Bytes.attribute(6, Bytes.of(UInt32(0)))
    + Bytes.attribute(7, Bytes.of(UInt32(1))) + Bytes.attribute(8, Bytes.of(UInt16(96)))
    + Bytes.attribute(9, Bytes.of(UInt16(32)))

  private func decode(_ data: [UInt8]) throws -> (LinkKind, RawAttributes) {
    let whole = Bytes.attribute(2, data)
    let span = unsafe whole.span.bytes
    var cursor = AttributeCursor(0..<whole.count)
    var rest = RawAttributes()
    let kind = try LinkKind.decode(
      named: "netkit", parent: nil, data: try cursor.next(in: span), in: span, rest: &rest)
    return (kind, rest)
  }

  @Test func `every attribute is read and comes back`() throws {
    let (kind, rest) = try decode(NetkitCodecTests.data + Bytes.attribute(99, [1, 2, 3]))
    guard case .netkit(nil, let settings) = kind else {
      Issue.record("no netkit")
      return
    }
    #expect(settings.isPrimary == true)
    #expect(settings.policy == .drop)
    #expect(settings.peerPolicy == .pass)
    #expect(settings.mode == .l3)
    #expect(settings.scrub == NetkitScrub.none)
    #expect(settings.peerScrub == .marks)
    #expect(settings.headroom == 96)
    #expect(settings.tailroom == 32)
    #expect(rest[99] == [[1, 2, 3]])
    let writer = MessageWriter()
    writer.begin(type: 16, flags: 0, sequence: 1)
    kind.encodeData(into: writer, asReply: true)
    #expect(Array(writer.bytes.dropFirst(16)) == NetkitCodecTests.data)
  }

  @Test func `a pair is asked for with its peer, and without what is only read`() throws {
    guard case .netkit(_, let settings) = try decode(NetkitCodecTests.data).0 else { return }
    let writer = MessageWriter()
    writer.begin(type: 16, flags: 0, sequence: 1)
    LinkKind.netkit(peer: VethPeer(name: "p1", mtu: 1400), settings).encodeData(into: writer)
    let peer =
      [UInt8](repeating: 0, count: 16) + Bytes.attribute(3, Array("p1\0".utf8))
      + Bytes.attribute(4, Bytes.of(UInt32(1400)))
    #expect(
      Array(writer.bytes.dropFirst(16)) == Array(NetkitCodecTests.data.dropFirst(8)) + Bytes.attribute(0x8001, peer))
  }

  @Test(arguments: [2, 3, 8]) func `an attribute of another width is an error`(type: Int32) {
    #expect(throws: WireError.self) { try decode(Bytes.attribute(type, [1, 2, 3])) }
  }
}

@Suite("Kinds that are asked for and found")
struct LinkKindComparingTests {
  @Test(arguments: [
    (LinkKind.bridge, "bridge", true),
    (.bridge(BridgeSettings(forwardDelay: 1500, isVLANFiltering: true)), "bridge", true),
    (.bridge(BridgeSettings(forwardDelay: 1400, isVLANFiltering: true)), "bridge", false),
    (.bridge(BridgeSettings(options: MaskedFlags(off: .noLinkLocalLearning))), "bridge", true),
    (.bridge(BridgeSettings(options: MaskedFlags(on: .noLinkLocalLearning))), "bridge", false),
    (.dummy, "bridge", false), (.dummy, "dummy", true), (.ifb, "ifb", true), (.other("ifb"), "ifb", false),
    (.vxlan(VXLANSettings(id: 42, port: 4789, carriesPolicy: true)), "vxlan", true),
    (.vxlan(VXLANSettings(id: 42, port: 8472, carriesPolicy: true)), "vxlan", false),
    (.vxlan(VXLANSettings(id: 42, port: 4789)), "vxlan", false),
    (.bond(BondSettings(mode: .lacp, lacpRate: .fast)), "bond-8023ad", true),
    (.bond(BondSettings(mode: .lacp, lacpRate: .slow)), "bond-8023ad", false),
    (.tun(TunSettings(owner: 65534, isPersistent: true, isMultiQueue: true, hasVirtioHeader: true)), "tap", true),
    (.tun(TunSettings(layer: .tun, isPersistent: true, isMultiQueue: true, hasVirtioHeader: true)), "tap", false),
  ]) func `a kind is met when each setting it names is so`(wanted: LinkKind, name: String, isMet: Bool) throws {
    let kind = try #require(try link("link-reply-\(name)").kind)
    #expect(wanted.isMet(by: kind) == isMet)
    #expect(kind.isMet(by: kind))
  }

  @Test func `what puts a change back names no more than the change`() throws {
    var bridge = try link("link-reply-bridge")
    let wanted = BridgeSettings(forwardDelay: 700, options: MaskedFlags(on: .noLinkLocalLearning))
    let found = try #require(bridge.settingsToBecome(.bridge(wanted)))
    guard case .bridge(let now)? = bridge.kind, case .bridge(let undo) = found.undo else {
      Issue.record("no bridge: \(found)")
      return
    }
    #expect(found.todo == .bridge(wanted))
    var expected = BridgeSettings(forwardDelay: now.forwardDelay)
    expected.options[.noLinkLocalLearning] = now.options[.noLinkLocalLearning]
    #expect(undo == expected)
    #expect(undo.options[.multicastVLANSnooping] == nil)
    bridge.kind = .macvlan(parent: .loopback, MACVLANSettings(mode: .vepa))
    let other = try #require(bridge.settingsToBecome(.macvlan(parent: .loopback, mode: .bridge)))
    #expect(other.undo == .macvlan(MACVLANSettings(mode: .vepa)))
  }

  @Test func `parents, maps and lists of addresses are compared as what they mean`() throws {
    let vlan = try link("link-reply-vlan")
    let parent = try #require(vlan.parentIndex)
    let kind = try #require(vlan.kind)
    func wanted(_ id: UInt16, _ parent: InterfaceIndex, _ settings: VLANSettings = VLANSettings()) -> LinkKind {
      .vlan(parent: parent, id: id, protocol: .dot1ad, settings)
    }
    #expect(wanted(100, parent).isMet(by: kind))
    #expect(!wanted(101, parent).isMet(by: kind))
    #expect(!wanted(100, .loopback).isMet(by: kind))
    #expect(wanted(100, parent, VLANSettings(flags: MaskedFlags(on: .gvrp, off: .mvrp))).isMet(by: kind))
    #expect(!wanted(100, parent, VLANSettings(flags: MaskedFlags(on: .mvrp))).isMet(by: kind))
    #expect(wanted(100, parent, VLANSettings(ingressPriorities: [.init(from: 3, to: 4)])).isMet(by: kind))
    #expect(!wanted(100, parent, VLANSettings(ingressPriorities: [.init(from: 3, to: 0)])).isMet(by: kind))
    #expect(wanted(100, parent, VLANSettings(egressPriorities: [.init(from: 1, to: 0)])).isMet(by: kind))
    let macvlan = try link("link-reply-macvlan")
    let under = try #require(macvlan.parentIndex)
    let addresses = [MACAddress(truncating: 0x0200_0000_0001), MACAddress(truncating: 0x0200_0000_0002)]
    let found = try #require(macvlan.kind)
    for list in [addresses, addresses.reversed()] {
      #expect(LinkKind.macvlan(parent: under, MACVLANSettings(mode: .source, sourceAddresses: list)).isMet(by: found))
    }
    #expect(!LinkKind.macvlan(parent: under, MACVLANSettings(sourceAddresses: [addresses[0]])).isMet(by: found))
    #expect(!LinkKind.macvlan(parent: under, mode: .bridge).isMet(by: found))
  }

  @Test func `a port is met when each setting it names is so`() throws {
    let port = try #require(try link("link-reply-bridge-port").port)
    #expect(LinkPort.bridge(BridgePortSettings(cost: 42, isHairpin: true)).isMet(by: port))
    #expect(!LinkPort.bridge(BridgePortSettings(cost: 41)).isMet(by: port))
    #expect(!LinkPort.bond(BondPortSettings()).isMet(by: port))
  }

  @Test func `flags that are not spoken of stay out of it`() {
    var flags = MaskedFlags<VLANFlags>(on: .gvrp, off: .mvrp)
    #expect(flags[.gvrp] == true)
    #expect(flags[.mvrp] == false)
    #expect(flags[.looseBinding] == nil)
    #expect(flags[[.gvrp, .looseBinding]] == nil)
    flags[.gvrp] = nil
    flags[.looseBinding] = true
    #expect(flags == MaskedFlags(on: .looseBinding, off: .mvrp))
    flags[.looseBinding] = nil
    flags[.mvrp] = nil
    #expect(flags.isEmpty)
  }
}
